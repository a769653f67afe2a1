//! Figures with their units: for people as texts, for programs under the name of the unit.

use std::fmt;

use comfy_table::Table;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::paper::table;

/// The middle value; the lower of the two in the middle of an even number.
pub(crate) fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// How many times as much.
pub(crate) fn ratio(much: u64, little: u64) -> f64 {
    much as f64 / little.max(1) as f64
}

/// A part of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    ratio(100 * part, whole)
}

/// Writes what was measured several times as its median and every sample, to be `serialize_with`.
pub(crate) fn samples<S: Serializer>(values: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    let mut both = serializer.serialize_struct("Samples", 2)?;
    both.serialize_field("median", &median(values))?;
    both.serialize_field("samples", values)?;
    both.end()
}

/// A figure of one of these units.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quantity {
    Ms(u64),
    Bytes(u64),
    Percent(f64),
    Ratio(f64),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ms(ms) => f.write_str(&seconds(*ms)),
            Self::Bytes(bytes) => f.write_str(&mebibytes(*bytes)),
            Self::Percent(percent) => write!(f, "{percent:.1} %"),
            Self::Ratio(ratio) => write!(f, "{ratio:.2}"),
        }
    }
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    Under(Quantity),
    AtMost(Quantity),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Under(limit) => write!(f, "under {limit}"),
            Self::AtMost(limit) => write!(f, "at most {limit}"),
        }
    }
}

/// Something that is to be reached, and what was.
#[derive(Debug, Serialize)]
pub(super) struct Goal {
    pub(super) what: &'static str,
    pub(super) measured: Quantity,
    pub(super) wanted: Limit,
    pub(super) reached: bool,
}

impl Goal {
    /// One that is reached where the figure, of the unit of the limit, keeps to it.
    pub(super) fn new(what: &'static str, measured: Quantity, wanted: Limit) -> Self {
        let reached = match wanted {
            Limit::Under(limit) => measured < limit,
            Limit::AtMost(limit) => measured <= limit,
        };
        Self { what, measured, wanted, reached }
    }
}

/// What was to be reached, and whether it was.
pub(super) fn goals(goals: &[Goal]) -> Table {
    let mut rows = table(&["what", "measured", "to reach", "reached"].map(str::to_owned), 1);
    for Goal { what, measured, wanted, reached } in goals {
        let reached = if *reached { "yes" } else { "no" };
        rows.add_row([(*what).to_owned(), measured.to_string(), wanted.to_string(), reached.to_owned()]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_told_with_their_units() {
        assert_eq!(median(&[3, 1, 2]), 2);
        assert_eq!(median(&[4, 1, 2, 3]), 2);
        assert_eq!(median(&[]), 0);
        for (figure, text, value) in [
            (Quantity::Ms(12_045), "12.045 s", json!({"ms": 12_045})),
            (Quantity::Bytes(3 << 20), "3 MiB", json!({"bytes": 3_145_728})),
            (Quantity::Percent(percent(1, 8)), "12.5 %", json!({"percent": 12.5})),
            (Quantity::Percent(percent(1, 3)), "33.3 %", json!({"percent": 100.0 / 3.0})),
            (Quantity::Ratio(ratio(5, 4)), "1.25", json!({"ratio": 1.25})),
            (Quantity::Ratio(ratio(2, 3)), "0.67", json!({"ratio": 2.0 / 3.0})),
        ] {
            assert_eq!((figure.to_string().as_str(), json!(figure)), (text, value));
        }
    }

    #[test]
    fn what_is_measured_several_times_keeps_its_samples() {
        #[derive(Serialize)]
        struct Timed {
            #[serde(serialize_with = "samples")]
            ms: Vec<u64>,
        }
        assert_eq!(json!(Timed { ms: vec![3, 1, 2] }), json!({"ms": {"median": 2, "samples": [3, 1, 2]}}));
    }

    #[test]
    fn a_goal_is_reached_where_its_limit_is_kept_and_not_by_rounding() {
        let reached = |measured, wanted| Goal::new("x", measured, wanted).reached;
        assert!(reached(Quantity::Ms(799), Limit::Under(Quantity::Ms(800))));
        assert!(!reached(Quantity::Ms(800), Limit::Under(Quantity::Ms(800))));
        assert!(reached(Quantity::Ratio(ratio(300, 200)), Limit::AtMost(Quantity::Ratio(1.5))));
        assert!(!reached(Quantity::Ratio(ratio(3001, 2000)), Limit::AtMost(Quantity::Ratio(1.5))));
        assert!(reached(Quantity::Percent(percent(9_999, 100_000)), Limit::Under(Quantity::Percent(10.0))));
        assert!(!reached(Quantity::Percent(percent(100, 1_000)), Limit::Under(Quantity::Percent(10.0))));
        let goal = Goal::new("memory", Quantity::Bytes(5 << 30), Limit::AtMost(Quantity::Bytes(6 << 30)));
        let wanted = json!({
            "what": "memory",
            "measured": {"bytes": 5_368_709_120_u64},
            "wanted": {"at_most": {"bytes": 6_442_450_944_u64}},
            "reached": true,
        });
        assert_eq!(json!(goal), wanted);
        assert_eq!(goal.wanted.to_string(), "at most 6144 MiB");
    }
}
