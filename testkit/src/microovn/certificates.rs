//! The certificates that OVN's services show each other.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::redact;
use crate::ovn::ParseError;
use crate::plan::Service;

const WHAT: &str = "certificate";

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of its DER form, hexadecimal.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// Who signed it, by its own word.
    pub issuer: String,
    /// The DER form, for verifying signatures.
    der: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// When there is none, or it is not X.509.
    pub fn parse(pem: &str) -> Result<Self, ParseError> {
        // A file that should hold a certificate may hold a key.
        let expected = || ParseError::expected(WHAT, "an X.509 certificate as PEM", &redact(pem));
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| expected())?;
        let (_, certificate) = X509Certificate::from_der(&block.contents).map_err(|_| expected())?;
        let digest = Sha256::digest(&block.contents);
        Ok(Self {
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            der: block.contents.clone(),
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

/// The file of the certificate authority, in the folder of certificates.
pub const AUTHORITY: &str = "cacert.pem";

/// The files of certificates that a member with these services has, besides the authority's.
///
/// Recorded: `microovn certificates list` on members with and without central.
pub fn planned_certificates(services: &BTreeSet<Service>) -> Vec<&'static str> {
    let mut files = vec!["client-cert.pem"];
    if services.contains(&Service::Central) {
        files.extend(["ovnnb-cert.pem", "ovnsb-cert.pem", "ovn-northd-cert.pem"]);
    }
    if services.contains(&Service::Chassis) {
        files.push("ovn-controller-cert.pem");
    }
    files
}
