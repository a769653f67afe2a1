//! A certificate authority made for one cluster.

use std::ffi::OsString;
use std::fs;

use crate::plan::KeyAlgorithm;

use super::ClusterError;

/// Longer than any run; a certificate outlives its authority in no test.
const DAYS: &str = "30";

/// A certificate and its key, as PEM. The key is shown by nothing.
pub(super) struct Authority {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    /// Makes one with openssl on this host, which can make keys of both kinds.
    ///
    /// # Errors
    /// When openssl is not there or fails.
    pub(super) fn make(algorithm: KeyAlgorithm) -> Result<Self, ClusterError> {
        let failed = |error: std::io::Error| ClusterError::Authority(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        let (certificate, key) = (folder.path().join("ca.crt"), folder.path().join("ca.key"));
        let kind: &[&str] = match algorithm {
            KeyAlgorithm::Rsa => &["-newkey", "rsa:2048"],
            KeyAlgorithm::Ecdsa => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        };
        let common =
            ["req", "-x509", "-nodes", "-sha384", "-days", DAYS, "-subj", "/O=MicroOVN system tests/CN=given CA"];
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let mut argv: Vec<OsString> = common.iter().chain(kind).chain(&usage).map(OsString::from).collect();
        argv.extend(["-out".into(), certificate.clone().into(), "-keyout".into(), key.clone().into()]);
        let output = duct::cmd("openssl", argv).stdout_null().stderr_capture().unchecked().run().map_err(failed)?;
        if !output.status.success() {
            return Err(ClusterError::Authority(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let read = |path| fs::read_to_string(path).map_err(failed);
        Ok(Self { certificate: read(&certificate)?, key: read(&key)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microovn::Certificate;

    #[test]
    fn an_authority_signs_itself() {
        for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ecdsa] {
            let authority = Authority::make(algorithm).expect("an authority");
            let certificate = Certificate::parse(&authority.certificate).expect("a certificate");
            assert!(certificate.is_signed_by(&certificate));
            assert!(authority.key.contains("PRIVATE KEY"));
        }
    }
}
