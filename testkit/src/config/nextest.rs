//! What nextest tells a test of the run that it is in.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A run of nextest, and the round of it that this test is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nextest {
    /// The id of the run (`NEXTEST_RUN_ID`), a UUID, which is also in the JUnit file.
    pub run: String,
    /// The round.
    pub round: Round,
}

/// What nextest repeats: the whole run under `--stress-count` and `--stress-duration`, one test under `--retries`. Every
/// test is started once in a round, with a cluster that nobody had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Round {
    /// Which repetition of the whole run, counted from 0 (`NEXTEST_STRESS_CURRENT`). One follows on the other: when the
    /// next begins, every test of this one has ended.
    pub stress: u32,
    /// Which attempt at the test, counted from 1 (`NEXTEST_ATTEMPT`).
    pub attempt: u32,
}

impl Round {
    /// That of a test that is started once.
    pub const FIRST: Self = Self { stress: 0, attempt: 1 };
}

impl Default for Round {
    fn default() -> Self {
        Self::FIRST
    }
}

/// As people count: `round 2`, `attempt 2`, `round 2, attempt 2`.
impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (u64::from(self.stress) + 1, self.attempt) {
            (round, 1) => write!(f, "round {round}"),
            (1, attempt) => write!(f, "attempt {attempt}"),
            (round, attempt) => write!(f, "round {round}, attempt {attempt}"),
        }
    }
}

impl Nextest {
    /// The first round of the same run.
    pub fn first(self) -> Self {
        Self { round: Round::FIRST, ..self }
    }

    /// The run that the environment tells of; `None` where nextest has not set it.
    pub(super) fn find(environment: &BTreeMap<String, String>) -> Result<Option<Self>, ConfigError> {
        let Some(run) = environment.get("NEXTEST_RUN_ID").filter(|id| !id.is_empty()) else { return Ok(None) };
        let number = |name: &'static str, absent: u32| match environment.get(name).map(String::as_str) {
            // What nextest writes where there is none; older ones do not set it at all.
            None | Some("" | "none") => Ok(absent),
            Some(value) => value.parse().map_err(|_| ConfigError::Environment {
                name,
                value: value.to_owned(),
                wanted: "the number of a round, as nextest counts them".to_owned(),
            }),
        };
        let first = Round::FIRST;
        let stress = number("NEXTEST_STRESS_CURRENT", first.stress)?;
        let attempt = number("NEXTEST_ATTEMPT", first.attempt)?;
        Ok(Some(Self { run: run.clone(), round: Round { stress, attempt } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Result<Option<Nextest>, ConfigError> {
        Nextest::find(&variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_round_is_what_nextest_says() {
        const RUN: (&str, &str) = ("NEXTEST_RUN_ID", "b0fd9e4d");
        for (variables, stress, attempt) in [
            (vec![RUN], 0, 1),
            (vec![RUN, ("NEXTEST_STRESS_CURRENT", "none"), ("NEXTEST_ATTEMPT", "1")], 0, 1),
            (vec![RUN, ("NEXTEST_STRESS_CURRENT", "0"), ("NEXTEST_ATTEMPT", "2")], 0, 2),
            (vec![RUN, ("NEXTEST_STRESS_CURRENT", "7"), ("NEXTEST_ATTEMPT", "3")], 7, 3),
        ] {
            let found = find(&variables).expect("rounds").expect("a run");
            assert_eq!(found, Nextest { run: "b0fd9e4d".to_owned(), round: Round { stress, attempt } });
        }
        assert_eq!(find(&[("NEXTEST_ATTEMPT", "2")]).expect("none"), None);
        let error = find(&[RUN, ("NEXTEST_STRESS_CURRENT", "second")]).expect_err("refused").to_string();
        assert!(error.contains("NEXTEST_STRESS_CURRENT is \"second\", which is not the number of a round"), "{error}");
    }

    #[test]
    fn rounds_are_told_as_people_count() {
        for (stress, attempt, told) in [(1, 1, "round 2"), (0, 2, "attempt 2"), (2, 3, "round 3, attempt 3")] {
            assert_eq!(Round { stress, attempt }.to_string(), told);
        }
    }
}
