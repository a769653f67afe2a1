//! What is tried on the host, and what came of it: the files that both sides of it share.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The user who tries everything.
pub(super) const USER: &str = "dev";
/// In the shared folder: what to do, what is being done, and what came of it.
pub(super) const ORDER: &str = "order.json";
pub(super) const PROGRESS: &str = "progress.log";
pub(super) const REPORT: &str = "report.json";

/// What the host is given. Paths are those of the outer host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The workspace, which is at the same place inside.
    pub(super) workspace: PathBuf,
    /// What of the workspace is needed: names in it.
    pub(super) entries: Vec<String>,
    /// The folder of the commands `testkit` and `lab`.
    pub(super) commands: PathBuf,
    /// The runner of tests, which a setup looks for.
    pub(super) nextest: PathBuf,
    /// The cache, which the user gets a copy of.
    pub(super) cache: PathBuf,
    /// What of the cache is needed: names in it.
    pub(super) artifacts: Vec<String>,
    /// Whether clusters send packets.
    pub(super) traffic: bool,
    /// What is tried besides what always is.
    pub(super) trials: Vec<Wanted>,
}

/// A cell or a journey that somebody wants to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// Whether it is a journey, which is good where it came to its end, and else a cell, every check of which must pass.
    pub(super) journey: bool,
}

/// What came of all.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What systemd says of the machine when it has booted: `running`.
    pub(super) system: String,
    /// Seconds from the start of the kernel until then.
    pub(super) booted_seconds: f64,
    pub(super) steps: Vec<Step>,
}

/// One thing that was tried.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What, for a person.
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) passed: bool,
    /// What it said, where it did not pass.
    pub(super) said: String,
}

impl Report {
    /// Whether everything was as it should be. A report of nothing is not.
    pub(super) fn passed(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_nothing_or_of_a_step_that_failed_has_not_passed() {
        let step = |passed| Step { name: "x".to_owned(), seconds: 1.0, passed, said: String::new() };
        let report = |steps| Report { system: "running".to_owned(), booted_seconds: 1.0, steps };
        assert!(!report(vec![]).passed() && !report(vec![step(true), step(false)]).passed());
        assert!(report(vec![step(true)]).passed());
    }
}
