//! The certificates that OVN's services show each other.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::redact;
use crate::ovn::ParseError;

const WHAT: &str = "certificate";

/// One certificate. Stored as its PEM form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificate {
    /// SHA-256 of its DER form, hexadecimal.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// Who signed it, by its own word.
    pub issuer: String,
    /// From when on it is valid, in seconds since 1970.
    pub not_before: i64,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: i64,
    /// Whether it may sign others: it is an authority's, and its key may be used for that.
    pub may_sign: bool,
    /// SHA-256 of its public key's DER form (SubjectPublicKeyInfo), hexadecimal.
    pub public_key: String,
    pem: String,
    /// The DER form, for verifying signatures.
    der: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// When there is none, or it is not X.509.
    pub fn parse(pem: &str) -> Result<Self, ParseError> {
        Ok(Self::parse_all(pem)?.swap_remove(0))
    }

    /// Reads every certificate of a PEM file, in their order; at least one.
    ///
    /// # Errors
    /// When there is none, or something is in the file that is not X.509.
    pub fn parse_all(pem: &str) -> Result<Vec<Self>, ParseError> {
        // A file that should hold a certificate may hold a key.
        let expected = || ParseError::expected(WHAT, "an X.509 certificate as PEM", &redact(pem));
        let mut certificates = Vec::new();
        for block in Pem::iter_from_buffer(pem.as_bytes()) {
            certificates.push(Self::from_der(block.map_err(|_| expected())?.contents).ok_or_else(expected)?);
        }
        if certificates.is_empty() { Err(expected()) } else { Ok(certificates) }
    }

    fn from_der(der: Vec<u8>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(&der).ok()?;
        let authority = certificate.basic_constraints().ok()?.is_some_and(|it| it.value.ca);
        let signs = certificate.key_usage().ok()?.is_some_and(|it| it.value.key_cert_sign());
        Some(Self {
            sha256: sha256(&der),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            may_sign: authority && signs,
            public_key: sha256(certificate.public_key().raw),
            pem: encode(&der),
            der,
        })
    }

    /// Whether `authority` signed this certificate, by its key and not only by its name.
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        let (Ok((_, own)), Ok((_, authority))) =
            (X509Certificate::from_der(&self.der), X509Certificate::from_der(&authority.der))
        else {
            return false;
        };
        own.issuer() == authority.subject() && own.verify_signature(Some(authority.public_key())).is_ok()
    }
}

impl TryFrom<String> for Certificate {
    type Error = ParseError;

    fn try_from(pem: String) -> Result<Self, ParseError> {
        Self::parse(&pem)
    }
}

impl From<Certificate> for String {
    fn from(certificate: Certificate) -> Self {
        certificate.pem
    }
}

/// The digest by which keys and certificates are told apart, hexadecimal.
pub(super) fn sha256(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The certificates among other text, in their order; none where there are none.
///
/// # Errors
/// When one that begins is not X.509.
pub(super) fn in_text(text: &str) -> Result<Vec<Certificate>, ParseError> {
    let mut inside = false;
    let mut pem = String::new();
    for line in text.lines() {
        inside |= line == "-----BEGIN CERTIFICATE-----";
        if inside {
            pem.push_str(line);
            pem.push('\n');
        }
        inside &= line != "-----END CERTIFICATE-----";
    }
    if pem.is_empty() { Ok(Vec::new()) } else { Certificate::parse_all(&pem) }
}

fn encode(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// The file of the certificate authority, in the folder of certificates.
pub const AUTHORITY: &str = "cacert.pem";
