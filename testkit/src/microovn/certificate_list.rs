//! `microovn certificates list`, as JSON and as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::redact;
use crate::ovn::{ParseError, Problem};

const WHAT: &str = "certificates list";

/// How the titles of the text begin, and what JSON calls them. Releases end them otherwise.
const TITLES: [(&str, &str); 6] = [
    ("OVN CA", "ca"),
    ("OVN Northbound", "ovnnb"),
    ("OVN Southbound", "ovnsb"),
    ("OVN Northd", "ovn-northd"),
    ("OVN Chassis", "ovn-controller"),
    ("Client", "client"),
];
/// What stands behind a file that is there.
const PRESENT: &str = " (OK: Present)";

/// The certificates that MicroOVN says a member has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateList {
    /// The authority.
    pub ca: ListedAuthority,
    /// The others by what has them; `None` where MicroOVN prints `null`: the service is not enabled here.
    #[serde(flatten)]
    pub services: BTreeMap<String, Option<ListedCertificate>>,
}

/// What the list says of the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Authority")]
pub struct ListedAuthority {
    /// The file of its certificate.
    pub cert: String,
    /// Whether MicroOVN renews it. `None` in releases that take no authority from users (22.03).
    pub auto_renew: Option<bool>,
    /// Until when it is valid: `2036-11-18 06:09:44 +0000 UTC`. `None` before 26.03.
    pub expiration_date: Option<String>,
}

/// What the list says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCertificate {
    /// Its file.
    pub cert: String,
    /// The file of its key.
    pub key: String,
    /// Until when it is valid. `None` before 26.03.
    #[serde(default)]
    pub expiration_date: Option<String>,
}

/// The authority in the forms that releases print.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected the authority's file, or `cert`, `auto_renew` (true or false) and `expiration_date`"
)]
enum Authority {
    File(String),
    Described {
        cert: String,
        #[serde(default)]
        auto_renew: Option<bool>,
        #[serde(default)]
        expiration_date: Option<String>,
    },
}

impl From<Authority> for ListedAuthority {
    fn from(authority: Authority) -> Self {
        match authority {
            Authority::File(cert) => Self { cert, auto_renew: None, expiration_date: None },
            Authority::Described { cert, auto_renew, expiration_date } => Self { cert, auto_renew, expiration_date },
        }
    }
}

impl CertificateList {
    /// Reads the list.
    ///
    /// # Errors
    /// When it is not JSON, or not of this form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        serde_json::from_str(text)
            .map_err(|error| ParseError::new(WHAT, Problem::Json(error.to_string()), &redact(text)))
    }

    /// Reads the list as text. A file of which it says anything but that it is there has that behind its name.
    ///
    /// # Errors
    /// When it is of another form.
    pub fn parse_text(text: &str) -> Result<Self, ParseError> {
        let expected = |form: &str, seen: &str| ParseError::expected(WHAT, form, &redact(seen));
        let mut authority = None;
        let mut services = BTreeMap::new();
        for block in text.trim().split("\n\n") {
            let (title, lines) = block.split_once('\n').unwrap_or((block, ""));
            let name = title.strip_prefix('[').and_then(|title| title.strip_suffix(']'));
            let name = name.and_then(|title| TITLES.iter().find(|(begin, _)| title.starts_with(begin)));
            let (_, name) = name.ok_or_else(|| expected("a title, as `[OVN CA]`", title))?;
            let listed = Block::parse(lines).ok_or_else(|| expected("files, a date and `Auto-renew`", lines))?;
            let known = match *name {
                "ca" => authority.replace(listed).is_some(),
                service => services.insert(service.to_owned(), listed).is_some(),
            };
            if known {
                return Err(ParseError::duplicate(WHAT, format!("title {title:?}"), title));
            }
        }
        let Some(Block { mut files, expiration_date, auto_renew }) = authority else {
            return Err(expected("a block `[OVN CA]`", text));
        };
        let cert =
            files.pop().filter(|_| files.is_empty()).ok_or_else(|| expected("one file of the authority", text))?;
        let listed = |Block { files, expiration_date, .. }: Block| match <[String; 2]>::try_from(files) {
            Ok([cert, key]) => Ok(Some(ListedCertificate { cert, key, expiration_date })),
            Err(files) if files.is_empty() => Ok(None),
            Err(files) => Err(expected("a certificate and its key, or `Not present.`", &files.join(", "))),
        };
        let services = services.into_iter().map(|(name, block)| Ok((name, listed(block)?)));
        let ca = ListedAuthority { cert, auto_renew, expiration_date };
        Ok(Self { ca, services: services.collect::<Result<_, ParseError>>()? })
    }
}

/// What stands under a title.
#[derive(Default)]
struct Block {
    files: Vec<String>,
    expiration_date: Option<String>,
    auto_renew: Option<bool>,
}

impl Block {
    fn parse(lines: &str) -> Option<Self> {
        let mut block = Self::default();
        for line in lines.lines().filter(|line| *line != "Not present.") {
            if let Some(date) = line.strip_prefix("expiration date: ") {
                block.expiration_date = Some(date.to_owned());
            } else if let Some(renewed) = line.strip_prefix("Auto-renew: ") {
                block.auto_renew = Some(renewed.parse().ok()?);
            } else if line.starts_with('/') {
                block.files.push(line.strip_suffix(PRESENT).unwrap_or(line).to_owned());
            } else {
                return None;
            }
        }
        Some(block)
    }
}
