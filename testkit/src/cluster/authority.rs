//! A certificate authority made for one cluster, and what can be wrong with one.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::journey::Handed;
use crate::plan::{KeyAlgorithm, KeyForm, UserCa};

use super::ClusterError;

const ROOT: &str = "/O=MicroOVN system tests/CN=given CA";
const INTERMEDIATE: &str = "/O=MicroOVN system tests/CN=given intermediate CA";
/// What makes a certificate an authority's that may sign others.
const EXTENSIONS: &str = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n\
                          subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";

/// What a certificate says of its key where it is an authority's and may sign others.
const SIGNER: &str = "keyUsage=critical,keyCertSign,cRLSign";

/// A certificate and its key, as PEM. The key is shown by nothing.
#[derive(Clone)]
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
        let workshop = Workshop::open(wanted)?;
        let mut certificate = workshop.root(&["-addext", SIGNER])?;
        let mut key = "ca.key";
        if wanted.intermediate {
            workshop.write("extensions", EXTENSIONS)?;
            workshop.new_key(&["-subj", INTERMEDIATE, "-out", "intermediate.csr", "-keyout", "intermediate.key"])?;
            let signed = ["x509", "-req", "-in", "intermediate.csr", "-CA", "ca.crt", "-CAkey", "ca.key"];
            let how = ["-set_serial", "2", "-days", &workshop.days, "-sha384", "-extfile", "extensions"];
            workshop.run(&[&signed[..], &how, &["-out", "intermediate.crt"]].concat())?;
            certificate = workshop.read("intermediate.crt")? + &certificate;
            key = "intermediate.key";
        }
        if wanted.form == KeyForm::Traditional && wanted.algorithm != KeyAlgorithm::Ed25519 {
            workshop.run(&["pkey", "-in", key, "-traditional", "-out", "traditional.key"])?;
            key = "traditional.key";
        }
        Ok(Self { certificate, key: workshop.read(key)? })
    }

    /// The same on a thread of its own: keys take their time.
    ///
    /// # Errors
    /// As that of [`make`](Self::make).
    pub(super) async fn make_aside(wanted: UserCa) -> Result<Self, ClusterError> {
        let made = tokio::task::spawn_blocking(move || Self::make(&wanted)).await;
        made.map_err(|error| ClusterError::Authority(error.to_string()))?
    }

    /// What takes the place of an authority where it is handed over wrongly: a pair of which MicroOVN must refuse one or the
    /// other.
    ///
    /// # Errors
    /// As that of [`make`](Self::make).
    pub(super) fn spoiled(wanted: &UserCa, handed: Handed) -> Result<Self, ClusterError> {
        let workshop = Workshop::open(wanted)?;
        let with = |extensions: &[&str]| {
            let certificate = workshop.root(extensions)?;
            Ok(Self { certificate, key: workshop.read("ca.key")? })
        };
        let good = || with(&["-addext", SIGNER]);
        match handed {
            Handed::OtherKey => Ok(Self { key: Self::make(wanted)?.key, ..good()? }),
            Handed::NoAuthority => with(&["-addext", "basicConstraints=critical,CA:FALSE", "-addext", SIGNER]),
            Handed::NoSigner => with(&[]),
            Handed::Garbage => Ok(Self { certificate: "hello\n".to_owned(), ..good()? }),
            Handed::Empty => Ok(Self { certificate: String::new(), ..good()? }),
            Handed::EncryptedKey => {
                let good = good()?;
                workshop.run(&["pkey", "-in", "ca.key", "-aes256", "-passout", "pass:secret", "-out", "closed.key"])?;
                Ok(Self { key: workshop.read("closed.key")?, ..good })
            }
            _ => good(),
        }
    }
}

/// A folder in which openssl works on this host, and what it is to make there.
struct Workshop {
    folder: tempfile::TempDir,
    algorithm: KeyAlgorithm,
    days: String,
}

impl Workshop {
    fn open(wanted: &UserCa) -> Result<Self, ClusterError> {
        let folder = tempfile::tempdir().map_err(failed)?;
        Ok(Self { folder, algorithm: wanted.algorithm, days: wanted.days.to_string() })
    }

    fn run(&self, arguments: &[&str]) -> Result<(), ClusterError> {
        openssl(self.folder.path(), arguments)
    }

    fn read(&self, name: &str) -> Result<String, ClusterError> {
        fs::read_to_string(self.folder.path().join(name)).map_err(failed)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ClusterError> {
        fs::write(self.folder.path().join(name), text).map_err(failed)
    }

    /// A new key, and what is wanted for it.
    fn new_key(&self, rest: &[&str]) -> Result<(), ClusterError> {
        let kind: &[&str] = match self.algorithm {
            KeyAlgorithm::Rsa => &["-newkey", "rsa:2048"],
            KeyAlgorithm::Ecdsa => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
            KeyAlgorithm::Ed25519 => &["-newkey", "ed25519"],
        };
        self.run(&[&["req", "-new", "-nodes", "-sha384"], kind, rest].concat())
    }

    /// A certificate that signed itself, in `ca.crt`, with its key in `ca.key`.
    fn root(&self, extensions: &[&str]) -> Result<String, ClusterError> {
        let root = ["-x509", "-days", &self.days, "-subj", ROOT, "-out", "ca.crt", "-keyout", "ca.key"];
        self.new_key(&[&root[..], extensions].concat())?;
        self.read("ca.crt")
    }
}

fn failed(error: std::io::Error) -> ClusterError {
    ClusterError::Authority(error.to_string())
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
        let wanted = UserCa { intermediate, ..UserCa::new(algorithm, form) };
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
            (Ed25519, Pkcs8, "-----BEGIN PRIVATE KEY-----"),
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

    #[test]
    fn what_is_spoiled_is_so_in_one_way() {
        let wanted = UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8).valid_for(5);
        let spoiled = |handed| Authority::spoiled(&wanted, handed).expect("a pair");
        let certificate = |handed| Certificate::parse(&spoiled(handed).certificate).expect("a certificate");
        let good = certificate(Handed::Files);
        assert!(good.may_sign);
        assert_eq!(good.not_after - good.not_before, 5 * 24 * 3600);
        for handed in [Handed::NoAuthority, Handed::NoSigner] {
            assert!(!certificate(handed).may_sign, "{handed}");
        }
        assert!(certificate(Handed::OtherKey).may_sign);
        let encrypted = spoiled(Handed::EncryptedKey);
        assert!(encrypted.key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "a key under a password");
        assert_eq!(spoiled(Handed::Empty).certificate, "");
    }
}
