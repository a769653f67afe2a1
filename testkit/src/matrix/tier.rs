//! How much of a matrix is run.

use std::fmt;
use std::str::FromStr;

use crate::nearest::nearest;

/// A selection of cells. Each tier up to the full one contains the one before it, so a cell has a lowest tier; the last is apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The cells that are run on every change.
    Core,
    /// Every allowed pair of values is in some cell.
    Pairwise,
    /// Every allowed triple of values is in some cell.
    T3,
    /// Every valid cell that is not apart.
    Full,
    /// Every valid cell that is apart, which is in no other tier: those that MicroCloud forms.
    MicroCloud,
}

/// A name that is no tier's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown tier {name:?}; the tiers are core, pairwise, t3, full, microcloud{}", did_you_mean(.nearest.as_ref()))]
pub struct UnknownTier {
    /// What was given.
    pub name: String,
    /// The tier that was probably meant.
    pub nearest: Option<Tier>,
}

impl Tier {
    /// Every tier, smallest first, and the one apart.
    pub const ALL: [Self; 5] = [Self::Core, Self::Pairwise, Self::T3, Self::Full, Self::MicroCloud];

    /// Its name: `core`, `pairwise`, `t3`, `full`, `microcloud`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Pairwise => "pairwise",
            Self::T3 => "t3",
            Self::Full => "full",
            Self::MicroCloud => "microcloud",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Self, UnknownTier> {
        let named = |wanted: &str| Self::ALL.into_iter().find(|tier| tier.as_str() == wanted);
        named(name).ok_or_else(|| {
            let nearest = nearest(name, Self::ALL.into_iter().map(Self::as_str)).and_then(named);
            UnknownTier { name: name.to_owned(), nearest }
        })
    }
}

fn did_you_mean(nearest: Option<&Tier>) -> String {
    nearest.map(|tier| format!("; did you mean {tier}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_reads_back_and_a_slip_is_answered_with_the_nearest() {
        for tier in Tier::ALL {
            assert_eq!(tier.to_string().parse(), Ok(tier));
        }
        for (given, wanted) in [
            (
                "pairwse",
                "unknown tier \"pairwse\"; the tiers are core, pairwise, t3, full, microcloud; did you mean pairwise?",
            ),
            ("t2", "unknown tier \"t2\"; the tiers are core, pairwise, t3, full, microcloud; did you mean t3?"),
            ("banana", "unknown tier \"banana\"; the tiers are core, pairwise, t3, full, microcloud"),
        ] {
            assert_eq!(given.parse::<Tier>().unwrap_err().to_string(), wanted);
        }
    }
}
