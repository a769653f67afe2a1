//! What went wrong while reading a program's output.

use std::fmt;

/// How much of the text an error quotes, in characters.
const QUOTED: usize = 200;

/// A text that is not what its program is known to print.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem}; seen {seen}")]
pub struct ParseError {
    /// What was being read: `ovs-vsctl table`, `cluster list`.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
    /// The text that was seen, quoted and cut to a readable length.
    pub seen: String,
}

/// The ways in which a text can disappoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not JSON, or not JSON of the expected form.
    Json(String),
    /// A column, key or line that must be there is not.
    Missing(String),
    /// A column, key or line that may be there once is there again.
    Duplicate(String),
    /// Something is there, but it is not what it should be.
    Expected(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(reason) => write!(f, "does not decode: {reason}"),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Duplicate(name) => write!(f, "{name} is there twice"),
            Self::Expected(form) => write!(f, "expected {form}"),
        }
    }
}

impl ParseError {
    /// An error about `text`, which is quoted and cut. Text that may hold a secret must be redacted by the caller.
    pub fn new(what: &'static str, problem: Problem, text: &str) -> Self {
        Self { what, problem, seen: excerpt(text) }
    }

    pub(crate) fn missing(what: &'static str, name: impl Into<String>, text: &str) -> Self {
        Self::new(what, Problem::Missing(name.into()), text)
    }

    pub(crate) fn duplicate(what: &'static str, name: impl Into<String>, text: &str) -> Self {
        Self::new(what, Problem::Duplicate(name.into()), text)
    }

    pub(crate) fn expected(what: &'static str, form: impl Into<String>, text: &str) -> Self {
        Self::new(what, Problem::Expected(form.into()), text)
    }
}

/// `text` in quotes, cut after [`QUOTED`] characters with a word about how long it was.
pub(crate) fn excerpt(text: &str) -> String {
    let total = text.chars().count();
    if total <= QUOTED {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(QUOTED).collect();
    format!("{start:?}… ({total} characters)")
}
