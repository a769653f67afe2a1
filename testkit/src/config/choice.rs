//! Settings that are one of a few words.

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

#[cfg(test)]
mod tests {
    use super::*;

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
