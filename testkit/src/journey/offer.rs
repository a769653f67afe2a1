//! Certificate authorities as they are handed to `microovn certificates set-ca`, rightly and wrongly.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::UserCa;

/// Where a member has the files of what it is offered while the command lasts: MicroOVN's snap sees no more than its own folders.
pub const OFFERED_CERTIFICATE: &str = "/var/snap/microovn/common/testkit-set-ca.crt";
/// The key's.
pub const OFFERED_KEY: &str = "/var/snap/microovn/common/testkit-set-ca.key";

/// An authority that is offered, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The authority, which is made for it.
    pub authority: UserCa,
    /// How it is handed over.
    pub handed: Handed,
}

/// How an authority is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handed {
    /// Its certificate and its key, as two files.
    Files,
    /// Both on the standard input.
    Combined,
    /// Both on the standard input, the key before the certificate.
    KeyFirst,
    /// Its certificate, and the key of another authority of the same kind.
    OtherKey,
    /// A certificate that is no authority's.
    NoAuthority,
    /// An authority's certificate that does not say that its key may sign others, which is what openssl makes where nobody asks
    /// for more.
    NoSigner,
    /// A file with words in it, as the certificate.
    Garbage,
    /// An empty file as the certificate.
    Empty,
    /// Its key under a password.
    EncryptedKey,
    /// Nothing at all.
    Nothing,
    /// The certificate's file alone.
    CertificateAlone,
    /// A file besides the standard input.
    FileAndInput,
    /// The name of a file that there is not, as the certificate's.
    NoSuchFile,
    /// Nothing on the standard input.
    EmptyInput,
    /// Words on the standard input.
    GarbageInput,
    /// The key alone on the standard input.
    KeyInput,
    /// The certificate alone on the standard input.
    CertificateInput,
}

impl fmt::Display for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "as two files",
            Self::Combined => "as one input",
            Self::KeyFirst => "as one input, its key first",
            Self::OtherKey => "with the key of another",
            Self::NoAuthority => "with a certificate that is no authority's",
            Self::NoSigner => "with a certificate that may not sign others",
            Self::Garbage => "with words as its certificate",
            Self::Empty => "with an empty certificate",
            Self::EncryptedKey => "with an encrypted key",
            Self::Nothing => "without anything of it",
            Self::CertificateAlone => "without its key",
            Self::FileAndInput => "as a file and as one input",
            Self::NoSuchFile => "by the name of a file that there is not",
            Self::EmptyInput => "as an empty input",
            Self::GarbageInput => "as one input, which is words",
            Self::KeyInput => "as one input, which is its key",
            Self::CertificateInput => "as one input, which is its certificate",
        })
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UserCa { algorithm, days, .. } = self.authority;
        write!(f, "microovn certificates set-ca: an {algorithm} authority for {days} days, {}", self.handed)
    }
}
