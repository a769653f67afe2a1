//! A check and what came of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One check of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How many comparisons were made.
    pub compared: usize,
    /// Those that did not hold.
    pub differences: Vec<Difference>,
    /// What its test said, where it did not pass.
    pub message: Option<String>,
    /// The faults that are known that it did not pass because of; where it passed, those that would have shown in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// When its test began, which then waited for the cluster.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The command that shows what it read, on the member of its first difference.
    pub look: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As planned.
    Passed,
    /// Something differs, or there was nothing to compare.
    Failed,
    /// Something differs, or there is no cluster, and all of that is a fault of the product that is known.
    Known,
    /// It could not be judged: there is no cluster, or it could not be used.
    Error,
    /// Its cell was left out.
    Skipped,
    /// It is at work.
    Running,
    /// It began and its process ended before it did.
    Interrupted,
    /// It did not begin: filtered out, or the run ended before.
    NotRun,
}

impl Outcome {
    /// Whether the runner calls it a failure.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }

    /// Whether it is not as planned, known or not.
    pub fn is_red(self) -> bool {
        self.is_failure() || self == Self::Known
    }
}

/// Something that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The member it was seen on.
    pub member: String,
    /// The table or command.
    pub table: String,
    /// The column, row or key.
    pub column: String,
    /// What the plan says.
    pub wanted: String,
    /// What was there.
    pub seen: String,
    /// What the seen value is, where that helps.
    pub note: Option<String>,
}

/// How many checks came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// As planned.
    pub passed: usize,
    /// Not as planned, or not judged because of an error: everything that the runner calls a failure.
    pub failed: usize,
    /// Not as planned because of a fault that is known, and of nothing else.
    #[serde(default)]
    pub known: usize,
    /// Left out because the product lacks something.
    pub skipped: usize,
    /// Begun and not ended, or never begun.
    pub unfinished: usize,
}

impl Totals {
    /// Counts one check.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed | Outcome::Error => self.failed += 1,
            Outcome::Known => self.known += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Running | Outcome::Interrupted | Outcome::NotRun => self.unfinished += 1,
        }
    }

    /// All of them.
    pub fn all(&self) -> usize {
        self.passed + self.failed + self.known + self.skipped + self.unfinished
    }
}
