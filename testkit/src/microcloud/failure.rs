//! How a party's conversation goes wrong.

use std::fmt;

/// A conversation that did not go as planned, and what was said until then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\nthe conversation so far:\n{said}")]
pub struct ConversationError {
    /// What went wrong.
    pub problem: ConversationProblem,
    /// Questions and answers, redacted.
    pub said: Said,
}

/// What went wrong. No text in it shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversationProblem {
    /// The program waits at a question that is not in the plan.
    #[error("no option answers the question {0:?}; give one of suites/src/options/ a cue for it")]
    UnknownQuestion(String),
    /// It waits at a table that is not in the plan.
    #[error("no option chooses from this table; give one of suites/src/options/ a cue for its headings:\n{0}")]
    UnknownTable(String),
    /// Something was shown again after the last planned deed.
    #[error("{shown:?} is shown more often than option {option:?} has an answer, which is {planned} time(s)")]
    ShownTooOften {
        /// The option that answers it.
        option: String,
        /// What was shown.
        shown: String,
        /// How many deeds are planned.
        planned: usize,
    },
    /// What is to be chosen never came.
    #[error("option {option:?} chooses the row {row:?}, and the table has none such:\n{table}")]
    NoSuchRow {
        /// The option that chooses.
        option: String,
        /// What stands in the row.
        row: String,
        /// What was shown.
        table: String,
    },
    /// What is to be chosen is there more than once.
    #[error("option {option:?} chooses the row {row:?}, and the table has several such:\n{table}")]
    AmbiguousRow {
        /// The option that chooses.
        option: String,
        /// What stands in the row.
        row: String,
        /// What was shown.
        table: String,
    },
    /// Nobody was shown what is to be told.
    #[error("the question {question:?} wants the {secret}, and no other party was shown one")]
    NoSecret {
        /// The question.
        question: String,
        /// What is to be told.
        secret: String,
    },
    /// The program ended, and a decision of the plan was never asked for.
    #[error("the program ended and never showed: {}", .0.join("; "))]
    NeverShown(Vec<String>),
    /// The program gave up.
    #[error("{0}")]
    Failed(String),
    /// No party said anything for as long as the driver was willing to wait.
    #[error("no party said anything more; the last text here was {0:?}")]
    Silence(String),
}

/// What was said, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// What was shown and what was done, in order.
    pub exchanges: Vec<(String, String)>,
    /// What stands at the end, line by line.
    pub tail: Vec<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shown, done) in &self.exchanges {
            writeln!(f, "  {shown} {done}")?;
        }
        self.tail.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
