//! What is typed into `microovn init`.

use serde::{Deserialize, Serialize};

/// A prompt of `microovn init` and what is typed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The option that answers.
    pub option: String,
    /// How the prompt starts. The rest of the prompt (choices, default) is not compared.
    pub prompt: String,
    /// What is typed, one entry each time the prompt is shown. Being asked more often than this is an error.
    pub replies: Vec<Reply>,
}

/// One line typed into the dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// This text; empty accepts the default.
    Text(String),
    /// The join token that the bootstrap member issued for this member. Never shown.
    JoinToken,
    /// This member's name; the dialog prints a join token for it next.
    IssueToken(String),
}

impl Answer {
    /// An answer of one line.
    pub fn text(option: &str, prompt: &str, text: impl Into<String>) -> Self {
        Self { option: option.into(), prompt: prompt.into(), replies: vec![Reply::Text(text.into())] }
    }
}
