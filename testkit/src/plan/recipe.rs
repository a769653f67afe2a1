//! How a member enters the cluster, which says nothing of what is so afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Answer;

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
    /// What it is told as `config` over REST.
    pub config: BTreeMap<String, String>,
}

/// That of a member that is told nothing.
pub(super) static NOTHING: Recipe =
    Recipe { files: Vec::new(), answers: Vec::new(), arguments: Vec::new(), config: BTreeMap::new() };
