//! What a person reads of a member: what it was told and answered, and the files that show what it was like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was said between the framework and one member while it was formed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The member.
    pub member: String,
    /// `dialog`, `commands` or `rest`.
    pub kind: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What was printed.
    pub text: String,
    /// What was typed after it; absent where it is no question that an option answers.
    pub typed: Option<String>,
    /// The option that answers.
    pub option: Option<String>,
    /// Whether it is a question that no option answers.
    pub unanswered: bool,
}

/// A file that shows what a node was like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The member.
    pub member: String,
    /// The file's name.
    pub name: String,
    /// Where it is, below the run's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}
