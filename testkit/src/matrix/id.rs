//! The name of a cell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a cell, and so of its suite: `init_cluster_ipv6_custom_encap`. A Rust identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellId(String);

impl CellId {
    pub(super) fn new(id: String) -> Self {
        Self(id)
    }

    /// The name of what starts from a cell and goes on: a journey's.
    pub fn of_journey(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as part of a DNS label, the form instance names use: `init-cluster-ipv6`.
    pub fn hyphenated(&self) -> String {
        self.0.replace('_', "-")
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
