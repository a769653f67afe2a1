//! How a member enters the cluster, which says nothing of what is so afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, Cue};

/// How a member enters the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes the cluster and hands out join tokens.
    Bootstrap,
    /// Joins with a token.
    Join,
}

/// A file that is put on a member before it is formed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where, absolute.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// This text.
    Text(String),
    /// The certificate of the plan's own authority, as PEM.
    CaCertificate,
    /// Its private key, as PEM; in no plan, manifest or evidence.
    CaKey,
}

/// What one member is given and told when it enters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// Files it is given before it is formed.
    pub files: Vec<File>,
    /// What it is told in the dialog, by question.
    pub answers: Vec<Answer>,
    /// What it is told on the command line of `cluster bootstrap` or `cluster join`.
    pub arguments: Vec<String>,
    /// What it is told as `config` over REST, whoever tells it.
    pub config: BTreeMap<String, String>,
    /// What is done in MicroCloud's dialog on it, by what is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<Cue>,
    /// What is done in MicroCloud's dialog on the member that adds it later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Cue>,
    /// What MicroCloud's preseed says of it: the keys of its system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub preseed: BTreeMap<String, String>,
}

/// A way to form the cluster that must be refused, with nothing formed on any member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What is wrong with it, for a person.
    pub about: String,
    /// The member that it is wrong with.
    pub member: String,
    /// How each member would enter, by its host name.
    pub recipes: BTreeMap<String, Recipe>,
    /// The line with which the first member's program must refuse it; `None` where nobody knows its words, and any error will do.
    pub refusal: Option<String>,
    /// Whether every member's MicroOVN is to seem one that knows no underlay meanwhile.
    pub older: bool,
}

/// That of a member that is told nothing.
pub(super) static NOTHING: Recipe = Recipe {
    files: Vec::new(),
    answers: Vec::new(),
    arguments: Vec::new(),
    config: BTreeMap::new(),
    cues: Vec::new(),
    added: Vec::new(),
    preseed: BTreeMap::new(),
};
