//! A certificate authority made for one cluster.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::plan::{KeyAlgorithm, KeyForm, UserCa};

use super::ClusterError;

/// Longer than any run; a certificate outlives its authority in no test.
const DAYS: &str = "30";
const ROOT: &str = "/O=MicroOVN system tests/CN=given CA";
const INTERMEDIATE: &str = "/O=MicroOVN system tests/CN=given intermediate CA";
/// What makes a certificate an authority's that may sign others.
const EXTENSIONS: &str = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n\
                          subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";

/// A certificate and its key, as PEM. The key is shown by nothing.
pub(super) struct Authority {
    /// With the root's behind it, where it is an intermediate one.
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    /// Makes one with openssl on this host, which can make keys of every kind.
    ///
    /// # Errors
    /// When openssl is not there or fails.
    pub(super) fn make(wanted: &UserCa) -> Result<Self, ClusterError> {
        let failed = |error: std::io::Error| ClusterError::Authority(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        let run = |arguments: &[&str]| openssl(folder.path(), arguments);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).map_err(failed);
        let kind: &[&str] = match wanted.algorithm {
            KeyAlgorithm::Rsa => &["-newkey", "rsa:2048"],
            KeyAlgorithm::Ecdsa => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        };
        let new = |rest: &[&str]| run(&[&["req", "-new", "-nodes", "-sha384"], kind, rest].concat());
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let root = ["-x509", "-days", DAYS, "-subj", ROOT, "-out", "ca.crt", "-keyout", "ca.key"];
        new(&[&root[..], &usage].concat())?;
        let mut certificate = read("ca.crt")?;
        let mut key = "ca.key";
        if wanted.intermediate {
            fs::write(folder.path().join("extensions"), EXTENSIONS).map_err(failed)?;
            new(&["-subj", INTERMEDIATE, "-out", "intermediate.csr", "-keyout", "intermediate.key"])?;
            let signed = ["x509", "-req", "-in", "intermediate.csr", "-CA", "ca.crt", "-CAkey", "ca.key"];
            let how = ["-set_serial", "2", "-days", DAYS, "-sha384", "-extfile", "extensions"];
            run(&[&signed[..], &how, &["-out", "intermediate.crt"]].concat())?;
            certificate = read("intermediate.crt")? + &certificate;
            key = "intermediate.key";
        }
        if wanted.form == KeyForm::Traditional {
            run(&["pkey", "-in", key, "-traditional", "-out", "traditional.key"])?;
            key = "traditional.key";
        }
        Ok(Self { certificate, key: read(key)? })
    }
}

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &[&str]) -> Result<(), ClusterError> {
    let argv = arguments.iter().map(OsStr::new);
    let command = duct::cmd("openssl", argv).dir(folder).stdin_null().stdout_null().stderr_capture().unchecked();
    let output = command.run().map_err(|error| ClusterError::Authority(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError::Authority(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microovn::Certificate;

    fn made(algorithm: KeyAlgorithm, form: KeyForm, intermediate: bool) -> Authority {
        let wanted = UserCa { algorithm, form, intermediate, certificate: String::new() };
        Authority::make(&wanted).expect("an authority")
    }

    #[test]
    fn an_authority_signs_itself_and_has_its_key_in_the_form_that_is_wanted() {
        use {KeyAlgorithm::*, KeyForm::*};
        for (algorithm, form, header) in [
            (Rsa, Pkcs8, "-----BEGIN PRIVATE KEY-----"),
            (Ecdsa, Pkcs8, "-----BEGIN PRIVATE KEY-----"),
            (Rsa, Traditional, "-----BEGIN RSA PRIVATE KEY-----"),
            (Ecdsa, Traditional, "-----BEGIN EC PRIVATE KEY-----"),
        ] {
            let authority = made(algorithm, form, false);
            let certificate = Certificate::parse(&authority.certificate).expect("a certificate");
            assert!(certificate.is_signed_by(&certificate) && certificate.may_sign);
            // A reader that takes the first block must find the key.
            assert!(authority.key.starts_with(header), "{algorithm:?} {form:?}");
        }
    }

    #[test]
    fn an_intermediate_authority_comes_with_its_root() {
        let authority = made(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8, true);
        let chain = Certificate::parse_all(&authority.certificate).expect("certificates");
        let [intermediate, root] = &chain[..] else { panic!("{} certificates", chain.len()) };
        assert!(intermediate.may_sign && intermediate.is_signed_by(root) && !intermediate.is_signed_by(intermediate));
        assert!(root.may_sign && root.is_signed_by(root));
    }
}
