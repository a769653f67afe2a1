//! Numbers that are neither nothing nor more than anybody could mean.

use std::str::FromStr;

use serde::Deserialize;

/// A number from 1 to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct UpTo<const MOST: u32>(u32);

impl<const MOST: u32> UpTo<MOST> {
    /// It.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// What it may be.
    pub(super) fn wanted() -> String {
        format!("a whole number from 1 to {MOST}")
    }
}

impl<const MOST: u32> TryFrom<i64> for UpTo<MOST> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        let within = u32::try_from(number).ok().filter(|number| (1..=MOST).contains(number));
        within.map(Self).ok_or_else(|| format!("wanted {}, seen {number}", Self::wanted()))
    }
}

impl<const MOST: u32> FromStr for UpTo<MOST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number: i64 = text.parse().map_err(|_| format!("wanted {}", Self::wanted()))?;
        number.try_into()
    }
}
