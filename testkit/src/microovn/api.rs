//! The certificate that MicroOVN's daemon shows who connects to its API.

use serde::{Deserialize, Serialize};

use super::certificates::in_text;
use super::{Certificate, redact};
use crate::ovn::ParseError;

const WHAT: &str = "MicroOVN's API";
/// How much is kept of what was said instead.
const SAID: usize = 200;

/// What the daemon shows at its address, and what it has to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// What it shows: its certificate first, and what is behind that.
    pub shown: Vec<Certificate>,
    /// The certificates in the folder of its state, of the cluster and of the member.
    pub own: Vec<Certificate>,
    /// What openssl said last, where nothing was shown.
    pub said: Option<String>,
}

impl Api {
    /// Reads what [`commands::api`](super::commands::api) prints: `own` and the certificates of the files, then `shown` and what
    /// openssl says.
    ///
    /// # Errors
    /// When the text is of another form, or what is in a file or shown is no certificate.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let expected = || ParseError::expected(WHAT, "`own` and certificates, then `shown`", &redact(text));
        let parts = text.strip_prefix("own\n").and_then(|text| text.split_once("\nshown\n"));
        let (own, said) = parts.ok_or_else(expected)?;
        let shown = in_text(said)?;
        let last = said.lines().rev().find(|line| line.contains("error") || line.contains("errno"));
        let said = shown.is_empty().then(|| last.unwrap_or("nothing"));
        let said = said.map(|said| redact(said.trim()).chars().take(SAID).collect());
        Ok(Self { shown, own: in_text(own)?, said })
    }
}
