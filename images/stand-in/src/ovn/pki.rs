//! The certificates OVN's services show each other.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::tls::{validity, write_file};

use super::ca_key;

/// Who gets a certificate: the stems of the file names.
pub(crate) const SERVICES: [&str; 5] = ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"];

/// The authority that signs the certificates, as PEM.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ca {
    /// The authority's certificate.
    pub(crate) certificate: String,
    /// The authority's private key.
    pub(crate) key: String,
    /// Whether it is ours to renew; false for one that was provided.
    pub(crate) auto_renew: bool,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

fn subject(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "MicroOVN");
    name.push(DnType::CommonName, common_name);
    name
}

impl Ca {
    /// A new self-signed authority.
    pub(crate) fn generate() -> Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("MicroOVN CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        (params.not_before, params.not_after) = validity(10 * 365);
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { certificate, key: key.serialize_pem(), auto_renew: true })
    }

    /// An authority somebody provides as two PEM files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or they are no authority that can sign.
    pub(crate) fn provided(certificate: &str, key: &str) -> Result<Self> {
        let read = |what: &str, path: &str| {
            std::fs::read_to_string(path).map_err(|error| {
                let reason = crate::error::io_text(&error);
                Error::internal(format!("failed to read CA {what}: open {path}: {reason}"))
            })
        };
        let ca =
            Self { certificate: read("certificate", certificate)?, key: read("private key", key)?, auto_renew: false };
        ca.issuer().map_err(|error| error.context("failed to parse CA"))?;
        if !ca_key::belongs_to(&ca_key::read(&ca.key)?, &ca.certificate) {
            return Err(Error::internal("failed to parse CA: the private key is not that of the certificate"));
        }
        Ok(ca)
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>> {
        let key = ca_key::read(&self.key)?;
        Issuer::from_ca_cert_pem(&self.certificate, key).map_err(failed)
    }

    /// A certificate and a key for a service of a member.
    fn issue(&self, service: &str, member: &str) -> Result<(String, String)> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = CertificateParams::new(vec![member.to_owned()]).map_err(failed)?;
        params.distinguished_name = subject(&format!("{service} {member}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = validity(2 * 365);
        let certificate = params.signed_by(&key, &self.issuer()?).map_err(failed)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// Writes the authority's certificate and a certificate and key for every service into `pki`.
pub(crate) fn write_all(ca: &Ca, pki: &Path, member: &str) -> Result<()> {
    write_file(&pki.join("cacert.pem"), &ca.certificate, 0o644)?;
    for service in SERVICES {
        let (certificate, key) = ca.issue(service, member)?;
        write_file(&pki.join(format!("{service}-cert.pem")), &certificate, 0o644)?;
        write_file(&pki.join(format!("{service}-privkey.pem")), &key, 0o600)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn a_provided_authority_signs_and_is_not_renewed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let own = Ca::generate().expect("a CA");
        let (certificate, key) = (dir.path().join("ca.crt"), dir.path().join("ca.key"));
        std::fs::write(&certificate, &own.certificate).expect("written");
        std::fs::write(&key, &own.key).expect("written");
        let ca = Ca::provided(&certificate.display().to_string(), &key.display().to_string()).expect("a CA");
        assert!(!ca.auto_renew);
        write_all(&ca, dir.path(), "real-1").expect("certificates");
        let stored = std::fs::read_to_string(dir.path().join("cacert.pem")).expect("stored");
        assert_eq!(stored, own.certificate);
    }

    /// Whether a certificate names the authority as its issuer and carries its signature.
    fn chains(certificate: &str, authority: &str) -> bool {
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        let (certificate, authority) = (der(certificate), der(authority));
        let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).expect("a certificate");
        let (_, authority) = x509_parser::parse_x509_certificate(&authority).expect("a certificate");
        certificate.issuer().to_string() == authority.subject().to_string()
            && certificate.verify_signature(Some(authority.public_key())).is_ok()
    }

    #[test]
    fn every_kind_of_provided_authority_signs_every_certificate() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ca");
        let file = |name: String| fixtures.join(name).display().to_string();
        for kind in ["rsa", "p256", "p384"] {
            for form in ["pkcs8", "traditional"] {
                let dir = tempfile::tempdir().expect("a temporary directory");
                let ca = Ca::provided(&file(format!("{kind}.crt")), &file(format!("{kind}-{form}.key"))).expect("a CA");
                write_all(&ca, dir.path(), "real-1").expect("certificates");
                let read = |name: String| std::fs::read_to_string(dir.path().join(name)).expect("written");
                let provided = std::fs::read_to_string(file(format!("{kind}.crt"))).expect("a fixture");
                assert_eq!(read("cacert.pem".to_owned()), provided);
                for service in SERVICES {
                    assert!(chains(&read(format!("{service}-cert.pem")), &provided), "{kind} {form} {service}");
                }
                assert!(!chains(&read("client-cert.pem".to_owned()), &Ca::generate().expect("a CA").certificate));
            }
        }
    }

    #[test]
    fn a_key_of_another_authority_is_refused() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ca");
        let file = |name: &str| fixtures.join(name).display().to_string();
        let error = Ca::provided(&file("p256.crt"), &file("p384-pkcs8.key")).expect_err("another key");
        assert_eq!(error.message, "failed to parse CA: the private key is not that of the certificate");
    }

    #[test]
    fn a_missing_authority_is_said_as_recorded() {
        let error = Ca::provided("/nonexistent.crt", "/nonexistent.key").expect_err("nothing there");
        assert_eq!(error.message, "failed to read CA certificate: open /nonexistent.crt: no such file or directory");
    }
}
