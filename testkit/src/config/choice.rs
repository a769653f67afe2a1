//! Settings that are one of a few words.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use crate::nearest::nearest;

/// Declares a setting that is one of some words, with the errors of what is none of them.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$variant_about:meta])+ $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub enum $name {
            $($(#[$variant_about])+ $variant,)+
        }

        impl $name {
            /// Every word.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = String;

            /// The error says what it may be, and what was probably meant.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(one_of(text, Self::WORDS)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse().map_err(|known| format!("{text:?} is not {known}"))
            }
        }
    };
}

fn one_of(given: &str, words: &[&str]) -> String {
    let meant = nearest(given, words.iter().copied());
    let meant = meant.map(|word| format!(" (did you mean {word:?}?)")).unwrap_or_default();
    format!("one of {}{meant}", words.join(", "))
}

choice! {
    /// What carries packets on members.
    Datapath {
        /// The kernel's where it is there, else the userspace one.
        Auto = "auto",
        /// The kernel's.
        Kernel = "kernel",
        /// That of ovs-vswitchd itself.
        Userspace = "userspace",
    }
}

choice! {
    /// A release of the stand-in, by the distribution's suite whose OVN and Open vSwitch it has.
    StandIn {
        /// OVN 23.03 and Open vSwitch 3.1.
        Bookworm = "bookworm",
        /// OVN 25.03 and Open vSwitch 3.5.
        Trixie = "trixie",
    }
}

/// Where the older snap is that upgrades start from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum UpgradeFrom {
    /// In this file.
    File(PathBuf),
    /// In this channel of the store: `24.03/stable`.
    Channel(String),
}

impl fmt::Display for UpgradeFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Channel(channel) => f.write_str(channel),
        }
    }
}

/// A snap's file is called so, and a path from somewhere is no channel.
impl From<String> for UpgradeFrom {
    fn from(text: String) -> Self {
        match text.ends_with(".snap") || text.starts_with(['/', '.', '~']) {
            true => Self::File(text.into()),
            false => Self::Channel(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_snap_is_a_file_or_a_channel() {
        for (text, file) in [
            ("old.snap", true),
            ("snaps/old.snap", true),
            ("/srv/microovn", true),
            ("./microovn", true),
            ("24.03/stable", false),
            ("latest/edge/some-branch", false),
            ("edge", false),
        ] {
            assert_eq!(matches!(UpgradeFrom::from(text.to_owned()), UpgradeFrom::File(_)), file, "{text}");
        }
    }

    #[test]
    fn a_word_that_is_none_of_them_is_answered_with_the_nearest() {
        assert_eq!("kernel".parse(), Ok(Datapath::Kernel));
        let error = "userspce".parse::<Datapath>().expect_err("refused");
        assert_eq!(error, "one of auto, kernel, userspace (did you mean \"userspace\"?)");
        assert_eq!("zzz".parse::<StandIn>().expect_err("refused"), "one of bookworm, trixie");
        let error = StandIn::try_from("trixi".to_owned()).expect_err("refused");
        assert_eq!(error, "\"trixi\" is not one of bookworm, trixie (did you mean \"trixie\"?)");
        assert!(StandIn::WORDS.iter().all(|word| word.parse::<StandIn>().is_ok_and(|it| it.word() == *word)));
    }
}
