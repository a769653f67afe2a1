//! Certificates of members, and mutual TLS between them.
//!
//! There is no authority: a member is known by its certificate. The listener of every member shows the certificate of
//! the cluster, which the others know by its fingerprint (a joining member from its token); the caller shows its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName as TlsName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::error::{Error, Result, io_text};

/// A certificate and its key, as PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) certificate: String,
    /// The private key (PKCS #8).
    pub(crate) key: String,
}

impl Identity {
    /// A new self-signed identity whose certificate names `name`.
    pub(crate) fn generate(name: &str) -> Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(failed)?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, "MicroOVN stand-in");
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        (params.not_before, params.not_after) = validity(10 * 365);
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Reads an identity from a pair of PEM files.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self> {
        Ok(Self { certificate: std::fs::read_to_string(certificate)?, key: std::fs::read_to_string(key)? })
    }

    /// Writes the identity to a pair of PEM files; the key is for the owner only.
    pub(crate) fn store(&self, certificate: &Path, key: &Path) -> Result<()> {
        write_file(certificate, &self.certificate, 0o644)?;
        write_file(key, &self.key, 0o600)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        Ok(vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(failed)?])
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

/// Writes a file with exactly these permissions, by renaming it into place.
pub(crate) fn write_file(path: &Path, text: &str, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, text)?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}

/// From a day ago, so that clocks may differ, for a number of days.
fn validity(days: i64) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let now = time::OffsetDateTime::now_utc();
    (now - time::Duration::days(1), now + time::Duration::days(days))
}

/// The SHA-256 of a PEM certificate's DER form, in hexadecimal; `None` when it is no certificate.
pub(crate) fn fingerprint_of_pem(pem: &str) -> Option<String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|der| fingerprint(&der))
}

fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a PEM certificate names `name` as a subject alternative name.
pub(crate) fn names(pem: &str, name: &str) -> bool {
    let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes()) else {
        return false;
    };
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&der) else {
        return false;
    };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return false;
    };
    let is_name = |entry: &x509_parser::extensions::GeneralName<'_>| matches!(entry, x509_parser::extensions::GeneralName::DNSName(dns) if *dns == name);
    extension.value.general_names.iter().any(is_name)
}

/// When the certificate in a PEM file expires, as in `2036-11-18 06:09:44 +0000 UTC`.
pub(crate) fn expiry_of_file(path: &Path) -> Option<String> {
    let expiry = jiff::Timestamp::from_second(end_of_file(path)?).ok()?;
    Some(expiry.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string())
}

/// Whether the certificate in a PEM file ends within so many days, or has ended; what is none has.
pub(crate) fn ends_within(path: &Path, days: i64) -> bool {
    let until = time::OffsetDateTime::now_utc().unix_timestamp() + days * 24 * 3600;
    end_of_file(path).is_none_or(|end| end < until)
}

/// When the certificate in a PEM file expires, in seconds since 1970.
fn end_of_file(path: &Path) -> Option<i64> {
    let der = CertificateDer::from_pem_file(path).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    let ring = || Arc::new(rustls::crypto::ring::default_provider());
    CryptoProvider::get_default().cloned().unwrap_or_else(ring).signature_verification_algorithms
}

/// The methods by which a verifier has the other end prove that it holds its certificate's key: the same for both ends.
macro_rules! key_proven_by_signature {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, certificate, signature, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, certificate, signature, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

/// Accepts the one server whose certificate has the expected fingerprint.
#[derive(Debug)]
struct PinnedServer {
    fingerprint: String,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if fingerprint(end_entity) == self.fingerprint {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("Certificate fingerprint mismatch".to_owned()))
        }
    }

    key_proven_by_signature!();
}

/// Asks callers for a certificate and has them prove it is theirs; who may do what is decided by the handlers.
#[derive(Debug)]
struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[TlsName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    key_proven_by_signature!();
}

/// What a member's listener needs: the cluster's identity, and callers that prove theirs.
pub(crate) fn server_config(cluster: &Identity) -> Result<Arc<ServerConfig>> {
    let verifier = Arc::new(AnyClient { algorithms: algorithms() });
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(cluster.chain()?, cluster.private_key()?)
        .map_err(failed)?;
    Ok(Arc::new(config))
}

/// The fingerprint of the certificate a caller showed.
pub(crate) fn caller(stream: &tokio_rustls::server::TlsStream<TcpStream>) -> Option<String> {
    stream.get_ref().1.peer_certificates().and_then(<[_]>::first).map(|der| fingerprint(der))
}

/// Connects to a member, proving that we are `own` and that it knows the cluster's key.
///
/// # Errors
///
/// Nobody answers within `timeout`, or somebody else does.
pub(crate) async fn connect(
    address: SocketAddr,
    own: &Identity,
    expected_fingerprint: &str,
    timeout: Duration,
) -> Result<TlsStream<TcpStream>> {
    let verifier = Arc::new(PinnedServer { fingerprint: expected_fingerprint.to_owned(), algorithms: algorithms() });
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(own.chain()?, own.private_key()?)
        .map_err(failed)?;
    let unreachable = |reason: String| Error::internal(format!("Unable to connect to \"{address}\": {reason}"));
    let exchange = async {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| unreachable(format!("dial tcp {address}: connect: {}", io_text(&error))))?;
        let name = ServerName::IpAddress(address.ip().into());
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.map_err(|error| unreachable(error.to_string()))
    };
    tokio::time::timeout(timeout, exchange)
        .await
        .unwrap_or_else(|_| Err(unreachable(format!("dial tcp {address}: i/o timeout"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_names_its_owner_and_nobody_else() {
        let identity = Identity::generate("real-3").expect("an identity");
        assert!(names(&identity.certificate, "real-3"));
        assert!(!names(&identity.certificate, "real-9"));
        let fingerprint = fingerprint_of_pem(&identity.certificate).expect("a fingerprint");
        assert_eq!(fingerprint.len(), 64);
    }

    #[tokio::test]
    async fn a_server_with_another_certificate_is_refused() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cluster = Identity::generate("cluster").expect("an identity");
        let caller_identity = Identity::generate("real-2").expect("an identity");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let acceptor = tokio_rustls::TlsAcceptor::from(server_config(&cluster).expect("a configuration"));
        let server = tokio::spawn(async move {
            let mut callers = Vec::new();
            for _ in 0..2 {
                let (stream, _) = listener.accept().await.expect("a connection");
                callers.push(acceptor.accept(stream).await.ok().as_ref().and_then(caller));
            }
            callers
        });
        let patience = Duration::from_secs(60);
        let right = fingerprint_of_pem(&cluster.certificate).expect("a fingerprint");
        let wrong = fingerprint_of_pem(&caller_identity.certificate).expect("a fingerprint");
        connect(address, &caller_identity, &right, patience).await.expect("the right server");
        let error = connect(address, &caller_identity, &wrong, patience).await.expect_err("the wrong server");
        assert!(error.message.contains("fingerprint mismatch"), "{error}");
        assert_eq!(server.await.expect("the server ran"), [Some(wrong), None]);
    }
}
