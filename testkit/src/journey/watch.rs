//! What is observed for as long as a step lasts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that is observed from the first act of a step until the cluster has settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// The Southbound answers on this member; at most so many milliseconds pass between two answers.
    Southbound {
        /// The member that asks.
        on: String,
        /// The longest time without an answer, in milliseconds.
        gap_ms: u64,
    },
}

/// What was seen of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// What was watched.
    pub watch: Watch,
    /// How often it was looked at.
    pub looks: u32,
    /// The longest time without an answer, in milliseconds.
    pub gap_ms: u64,
    /// What was said in it, if anything.
    pub said: Option<String>,
}

impl Watched {
    /// How it is not as wanted; `None` where it is.
    pub fn differs(&self) -> Option<String> {
        let Watch::Southbound { gap_ms, .. } = &self.watch;
        if self.looks == 0 {
            return Some("it was never looked at".to_owned());
        }
        (self.gap_ms > *gap_ms).then(|| format!("{} ms without an answer, of at most {gap_ms}", self.gap_ms))
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Southbound { on, gap_ms } => {
                write!(f, "{on}: the Southbound answers, with gaps of at most {gap_ms} ms")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_is_too_long_is_told_and_so_is_a_watch_that_never_looked() {
        let watch = Watch::Southbound { on: "m".to_owned(), gap_ms: 1_000 };
        let seen = |looks, gap_ms| Watched { watch: watch.clone(), looks, gap_ms, said: None }.differs();
        assert_eq!(seen(9, 1_000), None);
        assert!(seen(9, 1_001).is_some_and(|told| told.contains("1001 ms")));
        assert!(seen(0, 0).is_some_and(|told| told.contains("never")));
    }
}
