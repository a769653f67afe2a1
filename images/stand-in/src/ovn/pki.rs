//! The certificates OVN's services show each other.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::faults;
use crate::paths::Paths;
use crate::tls::write_file;

use super::ca_key;

/// How long an authority is valid, and a service whatever its authority has left, in days.
const AUTHORITY_DAYS: i64 = 10 * 365;
const SERVICE_DAYS: i64 = 2 * 365;

/// Who has a certificate on a member with these services: the stems of the file names, in MicroOVN's order.
pub(crate) fn stems(services: &[String]) -> Vec<&'static str> {
    let has = |service: &str| services.iter().any(|running| running == service);
    let brought = ["central", "chassis"].into_iter().filter(|service| has(service)).flat_map(brought_by);
    brought.copied().chain(["client"]).collect()
}

/// Who has a certificate only because a service is there.
pub(crate) fn brought_by(service: &str) -> &'static [&'static str] {
    match service {
        "central" => &["ovnnb", "ovnsb", "ovn-northd"],
        "chassis" => &["ovn-controller"],
        _ => &[],
    }
}

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

fn subject(unit: &str, common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "MicroOVN");
    name.push(DnType::OrganizationalUnitName, unit);
    name.push(DnType::CommonName, common_name);
    name
}

/// A private key as MicroOVN writes it: PKCS #8 under the header of another form.
fn key_pem(key: &KeyPair) -> String {
    key.serialize_pem().replace(" PRIVATE KEY-", " EC PRIVATE KEY-")
}

/// A number as Go draws it: 16 octets.
fn serial() -> SerialNumber {
    SerialNumber::from_slice(&rand::random::<[u8; 16]>())
}

/// The extension of a certificate that may sign no other. The library's own comes with a key identifier, which MicroOVN
/// does not write.
fn no_authority() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
    extension.set_criticality(true);
    extension
}

impl Ca {
    /// A new self-signed authority, valid as long as the faults leave it.
    pub(crate) fn generate_at(paths: &Paths) -> Result<Self> {
        faults::certificates::authority_days(paths).map_or_else(Self::generate, Self::generate_for)
    }

    /// A new self-signed authority.
    pub(crate) fn generate() -> Result<Self> {
        Self::generate_for(AUTHORITY_DAYS)
    }

    /// A new self-signed authority for a number of days.
    fn generate_for(days: i64) -> Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("MicroOVN CA", "MicroOVN CA");
        params.serial_number = Some(serial());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = from_now(0, days);
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { certificate, key: key_pem(&key), auto_renew: true })
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

    /// A certificate and a key, as PEM.
    fn issue(&self, wanted: &Wanted) -> Result<(String, String)> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(&wanted.unit, &wanted.name);
        params.serial_number = Some(serial());
        params.custom_extensions.push(no_authority());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
        ];
        (params.not_before, params.not_after) = from_now(wanted.days_ago, wanted.days);
        let certificate = params.signed_by(&key, &self.issuer()?).map_err(failed)?;
        Ok((certificate.pem(), key_pem(&key)))
    }
}

/// What a certificate is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The unit in its subject.
    pub(crate) unit: String,
    /// The name in its subject.
    pub(crate) name: String,
    /// For how long it is valid, in days.
    pub(crate) days: i64,
    /// How many days ago that began.
    pub(crate) days_ago: i64,
}

/// From so many days ago, for so many days.
fn from_now(days_ago: i64, days: i64) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let from = time::OffsetDateTime::now_utc() - time::Duration::days(days_ago);
    (from, from + time::Duration::days(days))
}

/// Writes the authority's certificate, and a certificate and key for everything that has one on a member with these
/// services.
pub(crate) fn write(paths: &Paths, ca: &Ca, member: &str, services: &[String]) -> Result<()> {
    write_authority(paths, ca)?;
    stems(services).into_iter().try_for_each(|service| issue(paths, ca, member, service))
}

/// Writes the authority's certificate.
pub(crate) fn write_authority(paths: &Paths, ca: &Ca) -> Result<()> {
    put(paths, "cacert.pem", &ca.certificate)
}

/// Writes the first certificate and key of a service.
pub(crate) fn issue(paths: &Paths, ca: &Ca, member: &str, service: &str) -> Result<()> {
    Pair::new(paths, ca, service, &right(paths, member, service))?.store(paths)
}

/// A new certificate and key of a service that has both, in no file yet.
pub(crate) fn prepare<'a>(paths: &Paths, ca: &Ca, member: &str, service: &'a str) -> Result<Pair<'a>> {
    Pair::new(paths, ca, service, &faults::reissue::distort(paths, service, right(paths, member, service)))
}

/// What the certificate of a service is to say.
fn right(paths: &Paths, member: &str, service: &str) -> Wanted {
    let right = Wanted { unit: service.to_owned(), name: member.to_owned(), days: SERVICE_DAYS, days_ago: 0 };
    faults::certificates::distort(paths, service, right)
}

/// The certificate and the key of a service.
pub(crate) struct Pair<'a> {
    service: &'a str,
    certificate: String,
    key: String,
}

impl<'a> Pair<'a> {
    fn new(paths: &Paths, ca: &Ca, service: &'a str, wanted: &Wanted) -> Result<Self> {
        let stranger = faults::certificates::other_authority(paths, service)?;
        let (certificate, mut key) = stranger.as_ref().unwrap_or(ca).issue(wanted)?;
        if faults::certificates::mixes_up_keys(paths, service) {
            key = ca.issue(wanted)?.1;
        }
        Ok(Self { service, certificate, key })
    }

    fn store(&self, paths: &Paths) -> Result<()> {
        put(paths, &format!("{}-cert.pem", self.service), &self.certificate)?;
        put(paths, &format!("{}-privkey.pem", self.service), &self.key)
    }

    /// Puts them in the place of those that are there.
    pub(crate) fn replace(&self, paths: &Paths) -> Result<()> {
        self.store(paths)?;
        faults::reissue::open_key(paths, self.service)
    }
}

fn put(paths: &Paths, file: &str, text: &str) -> Result<()> {
    write_file(&paths.pki().join(file), text, faults::certificates::mode(paths, file, 0o600))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use x509_parser::extensions::{ParsedExtension, X509Extension};

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
        let paths = folder(&dir);
        write(&paths, &ca, "real-1", &[]).expect("certificates");
        let stored = std::fs::read_to_string(paths.pki().join("cacert.pem")).expect("stored");
        assert_eq!(stored, own.certificate);
    }

    /// A member's paths, with a folder for its certificates.
    fn folder(dir: &tempfile::TempDir) -> Paths {
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        std::fs::create_dir_all(paths.pki()).expect("a folder");
        paths
    }

    #[test]
    fn a_member_has_what_its_services_need_and_nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (paths, ca) = (folder(&dir), Ca::generate().expect("a CA"));
        let files = || {
            let entries = std::fs::read_dir(paths.pki()).expect("a folder").flatten();
            let mode = |entry: &std::fs::DirEntry| entry.metadata().expect("a file").permissions().mode() & 0o777;
            let mut files: Vec<_> = entries.map(|entry| (entry.file_name(), mode(&entry))).collect();
            files.sort();
            files
        };
        write(&paths, &ca, "real-1", &["switch".to_owned()]).expect("certificates");
        assert_eq!(files(), ["cacert.pem", "client-cert.pem", "client-privkey.pem"].map(|name| (name.into(), 0o600)));
        let client = std::fs::read_to_string(paths.pki().join("client-cert.pem")).expect("written");
        issue(&paths, &ca, "real-1", "ovn-controller").expect("a certificate");
        assert_eq!(files().len(), 5);
        assert_eq!(std::fs::read_to_string(paths.pki().join("client-cert.pem")).expect("written"), client);
        let key = std::fs::read_to_string(paths.pki().join("client-privkey.pem")).expect("written");
        assert!(key.starts_with("-----BEGIN EC PRIVATE KEY-----\n"), "as recorded");
        let der = CertificateDer::from_pem_slice(client.as_bytes()).expect("a certificate");
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).expect("a certificate");
        assert_eq!(certificate.subject().to_string(), "O=MicroOVN, OU=client, CN=real-1");
        let validity = certificate.validity();
        assert_eq!(validity.not_after.timestamp() - validity.not_before.timestamp(), 730 * 24 * 3600);
        let recorded = include_str!("../../tests/fixtures/102-x509-client-cert.txt");
        let named = |extension: &X509Extension<'_>| match extension.parsed_extension() {
            ParsedExtension::KeyUsage(_) => "Key Usage",
            ParsedExtension::BasicConstraints(_) => "Basic Constraints",
            ParsedExtension::AuthorityKeyIdentifier(_) => "Authority Key Identifier",
            _ => "something else",
        };
        let line = |extension: &X509Extension<'_>| {
            let critical = if extension.critical { "critical" } else { "" };
            format!("            X509v3 {}: {critical}", named(extension))
        };
        let mut extensions: Vec<String> = certificate.extensions().iter().map(line).collect();
        let mut wanted: Vec<&str> = recorded.lines().filter(|line| line.starts_with("            X509v3 ")).collect();
        extensions.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(extensions, wanted);
    }

    #[test]
    fn what_is_reissued_is_new_signed_by_the_authority_of_now_and_wrong_only_where_a_fault_says_so() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (paths, old, new) = (folder(&dir), Ca::generate().expect("a CA"), Ca::generate().expect("a CA"));
        let faults = "reissue-other-name ovnnb\nreissue-mode ovnnb\n";
        std::fs::write(paths.faults(), faults).expect("the faults are written");
        let file = |service: &str, end: &str| paths.pki().join(format!("{service}-{end}.pem"));
        let read = |service: &str| std::fs::read_to_string(file(service, "cert")).expect("written");
        let name = |service: &str| {
            let der = CertificateDer::from_pem_slice(read(service).as_bytes()).expect("a certificate");
            x509_parser::parse_x509_certificate(&der).expect("a certificate").1.subject().to_string()
        };
        let mode = |service: &str| file(service, "privkey").metadata().expect("a file").permissions().mode() & 0o777;
        write(&paths, &old, "real-1", &["central".to_owned()]).expect("certificates");
        assert_eq!((name("ovnnb").as_str(), mode("ovnnb")), ("O=MicroOVN, OU=ovnnb, CN=real-1", 0o600), "not yet");
        for service in ["ovnnb", "ovnsb"] {
            let pair = prepare(&paths, &new, "real-1", service).expect("a certificate");
            assert!(chains(&read(service), &old.certificate), "not yet");
            pair.replace(&paths).expect("written");
            assert!(chains(&read(service), &new.certificate) && !chains(&read(service), &old.certificate));
        }
        assert_eq!((name("ovnnb").as_str(), mode("ovnnb")), ("O=MicroOVN, OU=ovnnb, CN=real-1-other", 0o644));
        assert_eq!((name("ovnsb").as_str(), mode("ovnsb")), ("O=MicroOVN, OU=ovnsb, CN=real-1", 0o600));
        assert!(chains(&read("client"), &old.certificate), "nobody asked for it");
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
                let paths = folder(&dir);
                let services = ["central", "chassis"].map(str::to_owned);
                write(&paths, &ca, "real-1", &services).expect("certificates");
                let read = |name: String| std::fs::read_to_string(paths.pki().join(name)).expect("written");
                let provided = std::fs::read_to_string(file(format!("{kind}.crt"))).expect("a fixture");
                assert_eq!(read("cacert.pem".to_owned()), provided);
                for service in stems(&services) {
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
