//! Which values go together.

use std::panic::Location;

/// If every `when` term holds in a cell, then every `then` term must.
#[derive(Debug, Clone)]
pub struct Constraint {
    /// Why, in a sentence.
    pub why: &'static str,
    /// The terms that bring it into force.
    pub when: Vec<Term>,
    /// The terms it asks for.
    pub then: Vec<Term>,
    /// Where it is declared.
    pub place: &'static Location<'static>,
}

/// An option has one of these values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The option.
    pub option: &'static str,
    /// The values.
    pub values: &'static [&'static str],
}

impl Constraint {
    /// A constraint without terms.
    #[track_caller]
    pub fn new(why: &'static str) -> Self {
        Self { why, when: Vec::new(), then: Vec::new(), place: Location::caller() }
    }

    /// Adds a term that brings it into force.
    pub fn when(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.when.push(Term { option, values });
        self
    }

    /// Adds a term it asks for.
    pub fn then(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.then.push(Term { option, values });
        self
    }
}
