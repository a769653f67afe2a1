//! How a dialog goes wrong.

use super::Transcript;
use crate::microovn::TokenError;

/// A dialog that did not go as planned, and everything said until then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\nthe dialog so far:\n{transcript}")]
pub struct DialogError {
    /// What went wrong.
    pub problem: DialogProblem,
    /// Questions and answers, redacted.
    pub transcript: Transcript,
}

/// What went wrong in a dialog. No text in it shows a join token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialogProblem {
    /// The program waits at a question that is not in the plan.
    #[error("no option answers the question {question:?}; write one under suites/src/options/")]
    UnknownQuestion {
        /// The question.
        question: String,
    },
    /// What was typed came back as something else.
    #[error("{typed:?} was typed, and the terminal echoed {seen:?}")]
    EchoedOtherwise {
        /// What was typed, redacted.
        typed: String,
        /// What came back, redacted.
        seen: String,
    },
    /// A question was asked again after the last planned reply to it.
    #[error("{question:?} is asked more often than option {option:?} answers it, which is {planned} time(s)")]
    AskedTooOften {
        /// The option that answers it.
        option: String,
        /// The question.
        question: String,
        /// How many replies are planned.
        planned: usize,
    },
    /// More than one option claims a question.
    #[error("the options {options} all answer the question {question:?}; leave it to one of them")]
    Ambiguous {
        /// Their names, comma-separated.
        options: String,
        /// The question.
        question: String,
    },
    /// The program did not accept an answer.
    #[error("the answer {answer:?} to {question:?} was refused: {line}")]
    Refused {
        /// The last question.
        question: String,
        /// What was typed.
        answer: String,
        /// The program's words.
        line: String,
    },
    /// The program gave up.
    #[error("microovn init failed: {line}")]
    Failed {
        /// The program's words, which start with `Error:`.
        line: String,
    },
    /// The plan answers with a join token that the driver did not give.
    #[error("the question {question:?} wants a join token, and none was issued for this member")]
    NoJoinToken {
        /// The question.
        question: String,
    },
    /// A member's name was given and no token came back.
    #[error("no join token was printed for {name:?}")]
    TokenNotIssued {
        /// The member it was for.
        name: String,
    },
    /// Something like a token came back.
    #[error("what was printed for {name:?} cannot be used: {why}")]
    BadToken {
        /// The member it was for.
        name: String,
        /// Why not.
        why: TokenError,
    },
    /// The output ended, and a decision of the plan was never asked for.
    #[error("the dialog ended and never asked: {}", .questions.join("; "))]
    NeverAsked {
        /// Option, prompt and unsent reply of each.
        questions: Vec<String>,
    },
    /// Nothing came for as long as the driver was willing to wait.
    #[error("{}", silence(.last))]
    Silence {
        /// The last line that was not empty, if there was any.
        last: String,
    },
}

fn silence(last: &str) -> String {
    match last {
        "" => "nothing was printed".to_owned(),
        last => format!("nothing more was printed; the last text was {last:?}"),
    }
}
