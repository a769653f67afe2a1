//! Authorities that MicroOVN is given instead of making one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of key of a certificate authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits.
    Rsa,
    /// ECDSA on the curve P-384.
    Ecdsa,
    /// Ed25519 (RFC 8410), which has no form but PKCS #8.
    Ed25519,
}

/// The form in which a key is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyForm {
    /// PKCS #8, `BEGIN PRIVATE KEY` (RFC 5958).
    #[default]
    Pkcs8,
    /// The form of the algorithm's own: PKCS #1, `BEGIN RSA PRIVATE KEY` (RFC 8017), or SEC 1, `BEGIN EC PRIVATE KEY`
    /// (RFC 5915).
    Traditional,
}

/// Longer than any run, and than the ten days in which MicroOVN renews what it may: a certificate outlives its authority in no
/// test, and none is renewed that is not meant to be.
const DAYS: u32 = 30;

/// A certificate authority that MicroOVN is given, instead of making one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCa {
    /// The kind of its key.
    pub algorithm: KeyAlgorithm,
    /// The form of its key.
    #[serde(default)]
    pub form: KeyForm,
    /// Whether it is an intermediate authority, behind whose certificate that of its root comes in the same file.
    #[serde(default)]
    pub intermediate: bool,
    /// For how many days it is valid.
    #[serde(default = "days")]
    pub days: u32,
    /// Its certificate as PEM, with the root's behind it where it has one. Made when it is given, so empty in a plan that
    /// was only drawn.
    pub certificate: String,
}

fn days() -> u32 {
    DAYS
}

impl UserCa {
    /// One that signs itself and is valid for as long as a test needs, which is still to be made.
    pub fn new(algorithm: KeyAlgorithm, form: KeyForm) -> Self {
        Self { algorithm, form, intermediate: false, days: DAYS, certificate: String::new() }
    }

    /// The same for so many days.
    pub fn valid_for(self, days: u32) -> Self {
        Self { days, ..self }
    }

    /// In what form its key is given.
    pub fn key_form(&self) -> &'static str {
        match (self.form, self.algorithm) {
            (KeyForm::Pkcs8, _) | (_, KeyAlgorithm::Ed25519) => "PKCS #8",
            (KeyForm::Traditional, KeyAlgorithm::Rsa) => "PKCS #1",
            (KeyForm::Traditional, KeyAlgorithm::Ecdsa) => "SEC 1",
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
            Self::Ed25519 => "Ed25519",
        })
    }
}
