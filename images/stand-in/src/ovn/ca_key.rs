//! Private keys of certificate authorities, in the forms people keep them in.

use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::error::{Error, Result};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
/// `rsaEncryption` with its NULL parameters (RFC 8017, A.1).
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-ecPublicKey` on `prime256v1` (RFC 5480, 2.1.1).
const P256: &[u8] =
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// `id-ecPublicKey` on `secp384r1`.
const P384: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// Reads a private key from PEM: PKCS #8 (`PRIVATE KEY`), or the traditional forms `RSA PRIVATE KEY` and
/// `EC PRIVATE KEY`. RSA from 2048 bits, ECDSA on P-256 and P-384, Ed25519.
///
/// # Errors
///
/// There is no key in the text, or none of those.
pub(crate) fn read(pem: &str) -> Result<KeyPair> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(unusable)?;
    let candidates = match &key {
        PrivateKeyDer::Pkcs8(key) => vec![key.secret_pkcs8_der().to_vec()],
        PrivateKeyDer::Pkcs1(key) => vec![pkcs8(RSA, key.secret_pkcs1_der())],
        // The key itself need not name its curve; and MicroOVN writes PKCS #8 under this header.
        PrivateKeyDer::Sec1(key) => {
            let der = key.secret_sec1_der();
            vec![pkcs8(P256, der), pkcs8(P384, der), der.to_vec()]
        }
        _ => return Err(unusable("unknown kind of key")),
    };
    let mut keys = candidates.into_iter().map(|der| KeyPair::try_from(&PrivatePkcs8KeyDer::from(der)));
    keys.find_map(std::result::Result::ok).ok_or_else(|| unusable("neither RSA nor ECDSA on P-256 or P-384"))
}

/// Says whether a key is the one a PEM certificate is for.
pub(crate) fn belongs_to(key: &KeyPair, certificate: &str) -> bool {
    let Ok(der) = CertificateDer::from_pem_slice(certificate.as_bytes()) else {
        return false;
    };
    let parsed = x509_parser::parse_x509_certificate(&der);
    parsed.is_ok_and(|(_, certificate)| certificate.public_key().raw == key.subject_public_key_info())
}

/// Says whether a key is at least of the kind that a PEM certificate is for, RSA for instance.
pub(crate) fn is_of_kind(key: &KeyPair, certificate: &str) -> bool {
    let Ok(der) = CertificateDer::from_pem_slice(certificate.as_bytes()) else {
        return false;
    };
    let (own, parsed) = (key.subject_public_key_info(), x509_parser::parse_x509_certificate(&der));
    let own = SubjectPublicKeyInfo::from_der(&own);
    own.is_ok_and(|(_, own)| parsed.is_ok_and(|(_, of)| of.public_key().algorithm.algorithm == own.algorithm.algorithm))
}

fn unusable(reason: impl std::fmt::Display) -> Error {
    Error::internal(format!("unusable private key: {reason}"))
}

/// A traditional key in the envelope of PKCS #8 (RFC 5208): version, algorithm, key.
fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let fields = [element(INTEGER, &[0]), element(SEQUENCE, algorithm), element(OCTET_STRING, key)];
    element(SEQUENCE, &fields.concat())
}

/// A DER element; its length is one octet, or the number of octets that follow it.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    let mut der = vec![tag];
    match significant {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or(u8::MAX));
            der.extend(long);
        }
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_as_few_octets_as_it_can() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
        ] {
            assert_eq!(&element(OCTET_STRING, &vec![0; length])[..header.len()], header, "{length}");
        }
    }

    #[test]
    fn a_key_is_told_from_another() {
        let own = include_str!("../../tests/fixtures/ca/p256-traditional.key");
        let certificate = include_str!("../../tests/fixtures/ca/p256.crt");
        assert!(belongs_to(&read(own).expect("a key"), certificate));
        let other = include_str!("../../tests/fixtures/ca/p384-pkcs8.key");
        assert!(!belongs_to(&read(other).expect("a key"), certificate));
        assert!(read(certificate).is_err());
    }
}
