//! What is done in a conversation that several members have at once, as when MicroCloud forms a cluster.
//!
//! Nothing is counted in advance: what is done is found by what is shown, a question by how it starts and a table by its headings,
//! and a row by what stands in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that is shown, and what is done then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// The option that does it.
    pub option: String,
    /// What is shown.
    pub shown: Shown,
    /// What is done, one entry each time it is shown. Its being shown more often than this is an error.
    pub deeds: Vec<Deed>,
}

/// What a program shows when it wants something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// A question that starts like this. The rest of it (choices, default) is not compared.
    Question(String),
    /// A table to choose from, with these headings.
    Table(Vec<String>),
}

/// What is done then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// This line is typed; empty accepts the default.
    Type(String),
    /// The secret of this name, which another party was shown, is typed as soon as it is known.
    Tell(String),
    /// These rows are chosen and no others, as soon as all of them are there. Each is named by some of what stands in it.
    Choose(Vec<Vec<String>>),
}

impl Cue {
    /// A question that is answered with this line.
    pub fn question(option: &str, starts: &str, text: impl Into<String>) -> Self {
        Self { option: option.into(), shown: Shown::Question(starts.into()), deeds: vec![Deed::Type(text.into())] }
    }

    /// A table with these headings, of which one row is chosen for each of these, by what stands in it.
    pub fn table<const N: usize>(option: &str, headings: &[&str], rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
        Self { option: option.into(), shown: Shown::Table(headings), deeds: vec![Deed::Choose(rows)] }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Question(starts) => f.write_str(starts),
            Self::Table(headings) => write!(f, "a table of {}", headings.join(" | ")),
        }
    }
}

/// For a person; a secret is named and not shown.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(text) if text.is_empty() => f.write_str("(the default)"),
            Self::Type(text) => f.write_str(text),
            Self::Tell(secret) => write!(f, "(the {secret})"),
            Self::Choose(rows) => {
                let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
                write!(f, "choose {}", rows.join(", "))
            }
        }
    }
}
