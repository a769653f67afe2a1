//! What options require of each other.

use std::fmt;

use super::{Choices, Place};

/// A rule that every cell obeys: where every `when` term holds, every `then` term holds.
///
/// ```
/// # use testkit::matrix::Constraint;
/// Constraint::new("`cluster bootstrap` takes no init config")
///     .when("formation", &["cli"])
///     .then("encap", &["default"])
///     .then("services", &["auto"]);
/// ```
#[derive(Debug, Clone)]
pub struct Constraint {
    /// The reason, as a fact about the product. Messages quote it.
    pub why: &'static str,
    /// When the rule applies; at least one term.
    pub when: Vec<Term>,
    /// What it asks for; at least one term.
    pub then: Vec<Term>,
    /// Where it is declared.
    pub place: Place,
}

/// A statement about one option: its value is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Name of the option.
    pub option: &'static str,
    /// At least one of its values.
    pub values: &'static [&'static str],
}

impl Constraint {
    /// A rule without terms yet. [`Matrix::new`](super::Matrix::new) checks it, and names this line.
    #[track_caller]
    pub const fn new(why: &'static str) -> Self {
        Self { why, when: Vec::new(), then: Vec::new(), place: Place::caller() }
    }

    /// The rule applies only where `option` has one of `values`.
    #[must_use]
    pub fn when(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.when.push(Term { option, values });
        self
    }

    /// The rule asks that `option` have one of `values`.
    #[must_use]
    pub fn then(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.then.push(Term { option, values });
        self
    }

    /// Whether `choices` are what the rule forbids.
    pub(super) fn is_violated(&self, choices: &Choices) -> bool {
        let holds = |term: &Term| choices.get(term.option).is_some_and(|value| term.values.contains(value));
        self.when.iter().all(holds) && !self.then.iter().all(holds)
    }

    /// What messages say of it.
    pub(super) fn reason(&self) -> Reason {
        Reason { why: self.why, place: self.place }
    }
}

/// A constraint as it is named in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The constraint's own words.
    pub why: &'static str,
    /// Where it is declared.
    pub place: Place,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.why, self.place)
    }
}
