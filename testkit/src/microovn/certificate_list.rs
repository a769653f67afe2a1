//! `microovn certificates list --format json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::redact;
use crate::ovn::{ParseError, Problem};

const WHAT: &str = "certificates list";

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
}
