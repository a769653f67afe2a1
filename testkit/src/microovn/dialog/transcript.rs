//! What was asked and answered, for evidence. Join tokens are not in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The whole prompt.
    pub question: String,
    /// What was typed; a join token is replaced.
    pub answer: String,
    /// How many bytes of output had been read when the question was complete.
    pub at: usize,
}

/// The dialog so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// In the order asked.
    pub exchanges: Vec<Exchange>,
    /// What was printed after the last answer, redacted.
    pub tail: String,
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for exchange in &self.exchanges {
            writeln!(f, "  {} {:?}", exchange.question, exchange.answer)?;
        }
        for line in self.tail.lines().filter(|line| !line.trim().is_empty()) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
