//! Mutual TLS with LXD: a client certificate, and a server certificate that must be exactly the pinned one.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::error::Fault;

/// The SHA-256 fingerprint of a certificate's DER form in lowercase hexadecimal, as LXD shows it.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    use std::fmt::Write;
    Sha256::digest(certificate.as_ref()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first certificate in a PEM text.
pub(crate) fn certificate(pem: &[u8], whose: &str) -> Result<CertificateDer<'static>, Fault> {
    CertificateDer::from_pem_slice(pem)
        .map_err(|source| Fault::invalid(format!("the {whose} certificate is no PEM certificate")).with_source(source))
}

/// The TLS configuration that presents the client's certificate and accepts exactly one server certificate.
///
/// Host name, validity period and issuer are not looked at: LXD's certificate is self-signed, and being the very
/// certificate that was pinned says more than all of them.
pub(crate) fn config(client_cert: &[u8], client_key: &[u8], server_cert: &[u8]) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let chain = vec![certificate(client_cert, "client")?];
    let key = PrivateKeyDer::from_pem_slice(client_key)
        .map_err(|source| Fault::invalid("the client key is no PEM private key").with_source(source))?;
    let pinned = Pinned::new(certificate(server_cert, "server")?, &provider);
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_client_auth_cert(chain, key)
        })
        .map_err(|source| Fault::invalid("the client certificate and its key are not usable").with_source(source))
}

/// Accepts one certificate, compared byte for byte.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Pinned {
        Pinned { certificate, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = Mismatch { pinned: fingerprint(&self.certificate), presented: fingerprint(end_entity) };
        Err(rustls::CertificateError::Other(rustls::OtherError(Arc::new(mismatch))).into())
    }

    // The signatures prove that the server holds the certificate's key; without these checks anyone could replay it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The server is not the one that was pinned.
#[derive(Debug, thiserror::Error)]
#[error("the server presented the certificate {presented}, pinned is {pinned}")]
pub(crate) struct Mismatch {
    pinned: String,
    presented: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generate() -> (CertificateDer<'static>, String, String) {
        let made = rcgen::generate_simple_self_signed(["lxd".to_owned()]).expect("certificate");
        (made.cert.der().clone(), made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn only_the_pinned_certificate_is_accepted() {
        let (good, ..) = generate();
        let (other, ..) = generate();
        let pinned = Pinned::new(good.clone(), &ring::default_provider());
        let name = ServerName::try_from("lxd").expect("name");
        let judge = |certificate| pinned.verify_server_cert(certificate, &[], &name, &[], UnixTime::now());
        assert!(judge(&good).is_ok());
        let refusal = judge(&other).expect_err("refused").to_string();
        assert!(refusal.contains(&fingerprint(&other)) && refusal.contains(&fingerprint(&good)), "{refusal}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (_, cert, key) = generate();
        let (_, _, other_key) = generate();
        assert!(config(cert.as_bytes(), key.as_bytes(), cert.as_bytes()).is_ok());
        assert!(config(cert.as_bytes(), other_key.as_bytes(), cert.as_bytes()).is_err());
        assert!(config(b"nonsense", key.as_bytes(), cert.as_bytes()).is_err());
    }
}
