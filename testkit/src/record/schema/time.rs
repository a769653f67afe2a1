//! Where the time of a cell went.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// What was done.
    pub name: String,
    /// The member it was done to, where it is one.
    pub member: Option<String>,
    /// Whose time it is: `lxd`, `product` or `framework`.
    pub owner: String,
    /// The part of the cell's life: `provision`, `form` or `check`.
    pub phase: Phase,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// A part of a cell's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Images, bridges and instances.
    Provision,
    /// The product forms the cluster, or does what a step of a journey is, and it settles.
    Form,
    /// It is judged.
    Check,
}

/// How the wait for the planned state ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How often the members were read.
    pub looks: u32,
    /// How long the last of these reads took, which read everything and is judged, in milliseconds.
    #[serde(default)]
    pub last_ms: u64,
    /// The checks that were not satisfied when the time was up.
    pub unsatisfied: Vec<String>,
}
