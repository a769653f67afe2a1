//! A check as the templates show it.

use crate::record::schema::{Check, Difference, Outcome, Record};

/// Differences that are shown where failures are listed first; the others are with the cell.
const FIRST: usize = 4;

/// How an outcome is shown: by a word, a sign and a class, never by its colour alone.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
}

pub(super) fn mark(outcome: Outcome) -> Mark {
    let (class, sign, word) = match outcome {
        Outcome::Passed => ("passed", "✓", "passed"),
        Outcome::Failed => ("failed", "✗", "failed"),
        Outcome::Known => ("known", "≈", "known"),
        Outcome::Error => ("failed", "!", "not judged"),
        Outcome::Skipped => ("skipped", "–", "skipped"),
        Outcome::Running => ("unfinished", "…", "running"),
        Outcome::Interrupted => ("unfinished", "‖", "interrupted"),
        Outcome::NotRun => ("unfinished", "·", "not run"),
    };
    Mark { class, sign, word }
}

/// A check of a cell.
pub(super) struct CheckView<'a> {
    pub(super) check: &'a Check,
    pub(super) about: &'a str,
    pub(super) mark: Mark,
    /// What was found, in a few words.
    pub(super) found: String,
}

impl<'a> CheckView<'a> {
    pub(super) fn new(record: &'a Record, check: &'a Check) -> Self {
        let about = record.checks.iter().find(|info| info.name == check.name).map_or("", |info| info.about.as_str());
        let found = match check.outcome {
            Outcome::Passed => format!("{} compared, all as planned", check.compared),
            Outcome::Failed if check.compared == 0 => "nothing was compared".to_owned(),
            Outcome::Failed => format!("{} of {} compared differ", check.differences.len(), check.compared),
            Outcome::Known => format!("known: {}", check.known.join(", ")),
            other => mark(other).word.to_owned(),
        };
        Self { check, about, mark: mark(check.outcome), found }
    }

    /// The differences that are shown first.
    pub(super) fn first(&self) -> &[Difference] {
        &self.check.differences[..self.check.differences.len().min(FIRST)]
    }

    /// How many more there are.
    pub(super) fn more(&self) -> usize {
        self.check.differences.len().saturating_sub(FIRST)
    }
}
