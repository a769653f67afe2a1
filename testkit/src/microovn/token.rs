//! Join tokens, and the texts that must not be shown.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::Deserialize;

/// What stands for a token wherever it would be shown.
const TOKEN_REDACTED: &str = "[redacted join token]";

// A token starts with the base64 of `{"`. Anything that looks like the start of one is taken for one: hiding too much
// costs a puzzled look, hiding too little a secret.
#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new("eyJ[A-Za-z0-9+/=_-]{8,}").unwrap());

// A key that was cut has no end line: it is hidden up to the end of the text.
#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)").unwrap()
});

// The `secret` of a decoded token and of `cluster list --format json`, also where that stands quoted inside a text.
#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static SECRET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(\\*"secret\\*"\s*:\s*\\*")[^"]+"#).unwrap());

// MicroCloud's passphrase, where it is shown, asked for, and written in a preseed.
#[expect(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
static PASSPHRASE: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(When requested enter the passphrase:\s+|Specify the passphrase for joining the system: |session_passphrase: )";
    Regex::new(&format!("{words}[^\r\n]+")).unwrap()
});

/// A join token: base64 of JSON `{secret, fingerprint, join_addresses}`. It is a secret: neither `Debug` nor `Display`
/// shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken(String);

/// Why a text is not a join token. The text itself is not part of the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no text.
    #[error("not a join token: it is empty")]
    Nothing,
    /// It is not base64.
    #[error("not a join token: not base64")]
    NotBase64,
    /// It is base64 of something else.
    #[error("not a join token: not the JSON of one, with secret, fingerprint and join_addresses")]
    NotJson,
    /// It says nothing about where to join.
    #[error("not a join token: it has no secret, no fingerprint or no address to join at")]
    Empty,
}

#[derive(Deserialize)]
struct Content {
    secret: String,
    fingerprint: String,
    join_addresses: Vec<SocketAddr>,
}

impl FromStr for JoinToken {
    type Err = TokenError;

    /// Reads a token; white space around it is dropped.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenError::Nothing);
        }
        let json = STANDARD.decode(text).map_err(|_| TokenError::NotBase64)?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| TokenError::NotJson)?;
        if content.secret.is_empty() || content.fingerprint.is_empty() || content.join_addresses.is_empty() {
            return Err(TokenError::Empty);
        }
        Ok(Self(text.to_owned()))
    }
}

impl JoinToken {
    /// The token itself, for the one place that types it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TOKEN_REDACTED)
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TOKEN_REDACTED)
    }
}

/// `text` without join tokens, PEM private keys, `"secret"` values and MicroCloud's passphrases.
pub fn redact(text: &str) -> String {
    let text = PASSPHRASE.replace_all(text, "${1}[redacted passphrase]");
    let text = text.as_ref();
    let text = PRIVATE_KEY.replace_all(text, "[redacted private key]");
    let text = TOKEN.replace_all(&text, TOKEN_REDACTED);
    SECRET.replace_all(&text, "${1}[redacted]").into_owned()
}
