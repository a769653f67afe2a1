//! The folder of keys and certificates, `data/pki`, as a member's own tools describe it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::certificates::sha256;
use super::{Certificate, redact};
use crate::ovn::ParseError;

const WHAT: &str = "data/pki";
/// What starts a line about a file; no line of PEM does.
const FILE: &str = "== ";
/// How the file of a key ends.
const KEY: &str = "-privkey.pem";
/// How much is kept of what a tool said instead.
const SAID: usize = 200;

/// What is in the folder, and the time when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pki {
    /// The member's clock, in seconds since 1970.
    pub now: i64,
    /// By file name.
    pub files: BTreeMap<String, PkiFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PkiFile {
    /// Its permissions, as chmod takes them: `600`.
    pub mode: String,
    /// User and group: `root:root`.
    pub owner: String,
    /// When it was written by the member's clock, in seconds since 1970.
    pub written: i64,
    /// What is in it.
    pub content: PkiContent,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkiContent {
    /// Certificates, in their order; at least one.
    Certificates(Vec<Certificate>),
    /// A private key, which stays on the member: SHA-256 of the public key that belongs to it, hexadecimal.
    Key(String),
    /// Neither; what the member's tools said of it.
    Unusable(String),
}

impl Pki {
    /// Reads what [`commands::pki`](super::commands::pki) prints: `now SECONDS`, then for every file
    /// `== MODE USER:GROUP SECONDS NAME` and its certificates, or the public key of its private one.
    ///
    /// # Errors
    /// When the clock or a line about a file is of another form, or a file comes twice. A file in which there is
    /// neither a key nor a certificate is no error.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let expected = |form: &str, seen: &str| ParseError::expected(WHAT, form, &redact(seen));
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let now = first.strip_prefix("now ").and_then(|seconds| seconds.parse().ok());
        let now = now.ok_or_else(|| expected("the time, as `now SECONDS`", text))?;
        let mut files = BTreeMap::new();
        if !rest.is_empty() && !rest.starts_with(FILE) {
            return Err(expected("a line about a file, as `== MODE USER:GROUP SECONDS NAME`", rest));
        }
        for part in format!("\n{rest}").split(&format!("\n{FILE}")).skip(1) {
            let (line, content) = part.split_once('\n').unwrap_or((part, ""));
            let wrong = || expected("`== MODE USER:GROUP SECONDS NAME`", line);
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().filter(|word| !word.is_empty()).ok_or_else(wrong);
            let (mode, owner) = (word()?.to_owned(), word()?.to_owned());
            let written = word()?.parse().map_err(|_| wrong())?;
            let name = word()?.to_owned();
            let content = read(&name, content);
            if files.insert(name.clone(), PkiFile { mode, owner, written, content }).is_some() {
                return Err(ParseError::duplicate(WHAT, format!("file {name:?}"), line));
            }
        }
        Ok(Self { now, files })
    }

    /// The certificates of a file.
    ///
    /// # Errors
    /// Why there are none, in words for a person.
    pub fn certificates(&self, file: &str) -> Result<&[Certificate], String> {
        match self.files.get(file).map(|file| &file.content) {
            Some(PkiContent::Certificates(certificates)) => Ok(certificates),
            Some(PkiContent::Key(_)) => Err("a key".to_owned()),
            Some(PkiContent::Unusable(said)) => Err(said.clone()),
            None => Err("no such file".to_owned()),
        }
    }

    /// The digest of the public key that belongs to the private key of a file.
    ///
    /// # Errors
    /// Why there is none, in words for a person.
    pub fn key(&self, file: &str) -> Result<&str, String> {
        match self.files.get(file).map(|file| &file.content) {
            Some(PkiContent::Key(digest)) => Ok(digest),
            Some(PkiContent::Certificates(_)) => Err("a certificate".to_owned()),
            Some(PkiContent::Unusable(said)) => Err(said.clone()),
            None => Err("no such file".to_owned()),
        }
    }
}

fn read(name: &str, text: &str) -> PkiContent {
    let content = if name.ends_with(KEY) {
        x509_parser::pem::parse_x509_pem(text.as_bytes())
            .ok()
            .filter(|(_, pem)| pem.label == "PUBLIC KEY")
            .map(|(_, pem)| PkiContent::Key(sha256(&pem.contents)))
    } else {
        Certificate::parse_all(text).ok().map(PkiContent::Certificates)
    };
    content.unwrap_or_else(|| {
        let said: String = redact(text.trim()).chars().take(SAID).collect();
        PkiContent::Unusable(if said.is_empty() { "neither a key nor a certificate".to_owned() } else { said })
    })
}
