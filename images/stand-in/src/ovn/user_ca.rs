//! An authority that somebody hands to a cluster that is there already, and why it is refused.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{PemObject, SectionKind};

use crate::error::{Error, Result};

use super::ca_key;
use super::pki::Ca;

/// An authority from PEM texts: one certificate or a chain of them, and the key of the first. Whether it is still valid,
/// and whether its own issuer is there, MicroOVN does not ask.
///
/// # Errors
///
/// The reason for the journal, in the words of Go's TLS library where MicroOVN leaves the look at it to that.
pub(crate) fn read(certificate: &str, key: &str) -> Result<Ca> {
    let parsing = |reason: &str| Error::internal(format!("error parsing CA certificate: tls: {reason}"));
    let chain: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(certificate.as_bytes()).filter_map(std::result::Result::ok).collect();
    if chain.is_empty() {
        return Err(parsing("failed to find any PEM data in certificate input"));
    }
    if !key.contains("-----BEGIN ") {
        return Err(parsing("failed to find any PEM data in key input"));
    }
    let read = ca_key::read(key).map_err(|_| parsing("failed to parse private key"))?;
    if !ca_key::belongs_to(&read, certificate) {
        let kinds = if ca_key::is_of_kind(&read, certificate) { "private key" } else { "private key type" };
        let other = if kinds == "private key" { "public key" } else { "public key type" };
        return Err(parsing(&format!("{kinds} does not match {other}")));
    }
    for certificate in &chain {
        judge(certificate)?;
    }
    Ok(Ca { certificate: certificate.to_owned(), key: key.to_owned(), auto_renew: false })
}

/// Refuses a certificate that may not sign others.
fn judge(certificate: &CertificateDer<'_>) -> Result<()> {
    let unreadable = || Error::internal("error parsing X509 certificate: x509: malformed certificate");
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|_| unreadable())?;
    let constraints = certificate.basic_constraints().map_err(|_| unreadable())?;
    if !constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err(Error::internal("provided certificate is not a CA certificate"));
    }
    let usage = certificate.key_usage().map_err(|_| unreadable())?;
    if !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
        return Err(Error::internal("provided certificate does not have the required keyCertSign KeyUsage"));
    }
    Ok(())
}

/// The certificates and the first private key of a text that holds both, in any order; what else is in it is passed over.
///
/// # Errors
///
/// One of the two is not there.
pub(crate) fn split(text: &[u8]) -> Result<(String, String)> {
    let (mut certificates, mut keys) = (Vec::new(), Vec::new());
    for section in <(SectionKind, Vec<u8>) as PemObject>::pem_slice_iter(text) {
        match section {
            Ok((SectionKind::Certificate, der)) => certificates.push(pem("CERTIFICATE", &der)),
            Ok((SectionKind::PrivateKey, der)) => keys.push(pem("PRIVATE KEY", &der)),
            Ok((SectionKind::RsaPrivateKey, der)) => keys.push(pem("RSA PRIVATE KEY", &der)),
            Ok((SectionKind::EcPrivateKey, der)) => keys.push(pem("EC PRIVATE KEY", &der)),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    if certificates.is_empty() {
        return Err(Error::new(400, "no certificates found"));
    }
    let key = keys.into_iter().next().ok_or_else(|| Error::new(400, "no private key found"))?;
    Ok((certificates.concat(), key))
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut lines = String::new();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the authorities made for tests.
    fn file(name: &str) -> String {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ca");
        std::fs::read_to_string(fixtures.join(name)).expect("a fixture")
    }

    #[test]
    fn authorities_of_every_kind_are_taken_in_every_form_and_not_renewed() {
        for (certificate, key) in [
            ("rsa-signing.crt", "rsa-pkcs8.key"),
            ("rsa-signing.crt", "rsa-traditional.key"),
            ("p256-signing.crt", "p256-pkcs8.key"),
            ("p256-signing.crt", "p256-traditional.key"),
            ("p384-signing.crt", "p384-pkcs8.key"),
            ("p384-signing.crt", "p384-traditional.key"),
            ("ed25519-signing.crt", "ed25519-pkcs8.key"),
        ] {
            let ca =
                read(&file(certificate), &file(key)).unwrap_or_else(|error| panic!("{certificate} {key}: {error}"));
            assert_eq!((ca.certificate, ca.auto_renew), (file(certificate), false), "{certificate} {key}");
        }
        // As MicroOVN keeps its own: PKCS #8 under the header of another form.
        let generated = Ca::generate().expect("a CA");
        assert!(generated.key.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        read(&generated.certificate, &generated.key).expect("an authority");
    }

    #[test]
    fn refusals_give_the_recorded_reasons() {
        let journal = include_str!("../../tests/fixtures/107-journal-failed-setca.txt");
        let generated = Ca::generate().expect("a CA");
        for (certificate, key, reason, is_recorded) in [
            (String::new(), file("rsa-pkcs8.key"), "failed to find any PEM data in certificate input", true),
            ("hello\n".to_owned(), file("rsa-pkcs8.key"), "failed to find any PEM data in certificate input", true),
            (file("rsa-signing.crt"), file("rsa-encrypted.key"), "failed to parse private key", true),
            // What openssl makes of a request for a self-signed certificate has no key usage.
            (file("rsa.crt"), file("rsa-pkcs8.key"), "does not have the required keyCertSign KeyUsage", true),
            (file("rsa-signing.crt"), file("p256-pkcs8.key"), "private key type does not match public key type", false),
            (file("p256-signing.crt"), file("p384-pkcs8.key"), "private key does not match public key", false),
            (file("p256-no-authority.crt"), file("p256-pkcs8.key"), "is not a CA certificate", false),
            (
                file("p256-no-signer.crt"),
                file("p256-pkcs8.key"),
                "does not have the required keyCertSign KeyUsage",
                true,
            ),
            // Every one of a chain is looked at.
            (generated.certificate.clone() + &file("rsa.crt"), generated.key.clone(), "keyCertSign KeyUsage", true),
        ] {
            let error = read(&certificate, &key).expect_err(reason);
            assert!(error.message.ends_with(reason), "{error}");
            let logged = format!("Failed to set custom user-provided CA certificate: {error}\"");
            assert_eq!(journal.contains(&logged), is_recorded, "{error}");
        }
    }

    #[test]
    fn a_text_with_both_is_taken_apart_whatever_comes_first() {
        let (certificate, key) = (file("p256-signing.crt"), file("p256-traditional.key"));
        for text in
            [format!("{certificate}{key}"), format!("{key}\n{certificate}"), format!("{certificate}hello\n{key}")]
        {
            let (found, found_key) = split(text.as_bytes()).expect("both");
            assert_eq!(found, certificate);
            read(&found, &found_key).expect("an authority");
        }
        let generated = Ca::generate().expect("a CA");
        let chain = format!("{}{certificate}{}{key}", generated.certificate, generated.key);
        let (found, found_key) = split(chain.as_bytes()).expect("both");
        assert_eq!(found, format!("{}{certificate}", generated.certificate), "all certificates");
        assert_eq!(found_key, generated.key, "the first key");
        let neither = split(file("rsa-encrypted.key").as_bytes()).expect_err("no certificate");
        assert_eq!(neither.message, "no certificates found");
    }
}
