//! What was found, and who is told of it.

use serde::Serialize;

/// What anybody may do whom LXD lets in.
pub(super) const SETUP: &str = "`make setup`, or `testkit doctor --fix`";

/// Who asks: what only root can do is not proposed to somebody else as theirs to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) root: bool,
}

impl Asker {
    /// What mends what only root can: the command, or for root also what `setup` does of itself.
    pub(super) fn by_root(self, command: &str, setup_does_it: bool) -> String {
        match (self.root, setup_does_it) {
            (true, true) => format!("`{command}`, or {SETUP}"),
            (true, false) => format!("`{command}`"),
            (false, _) => format!("root must: `sudo {command}`"),
        }
    }

    /// [`Asker::by_root`] of several commands.
    pub(super) fn by_root_in_turn(self, commands: &[String]) -> String {
        let shown: Vec<_> = commands.iter().map(|command| self.by_root(command, false)).collect();
        shown.join(", and ").replace(", and root must: ", ", and ")
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Something is slower, or is not tested, than elsewhere.
    Warn,
    /// Suites cannot run, or would fail for a reason that is not MicroOVN's.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is: `storage`.
    pub what: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// What a person can do, where something is to be done.
    pub mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, seen: seen.into(), mend: None }
    }

    pub(super) fn warn(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, level: Level::Warn, seen: seen.into(), mend: Some(mend.into()) }
    }

    pub(super) fn fail(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, level: Level::Fail, seen: seen.into(), mend: Some(mend.into()) }
    }
}

/// What is bad, or that nothing is.
pub(super) fn or_else(bad: impl Iterator<Item = Finding>, good: Finding) -> Vec<Finding> {
    let bad: Vec<_> = bad.collect();
    if bad.is_empty() { vec![good] } else { bad }
}
