//! What provisioning hands to the checks of a cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Product;
use crate::expect::Observation;
use crate::plan::Plan;

/// A cluster that is up: the plan it was made from, where it runs, and what its nodes said when it had settled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// What was tested.
    pub product: Product,
    /// The plan.
    pub plan: Plan,
    /// The LXD instance of every member, by member name.
    pub instances: BTreeMap<String, String>,
    /// How waiting for the cluster to become as planned ended.
    pub settled: Settled,
    /// The last observation of that wait.
    pub observation: Observation,
}

/// How the wait for the planned state ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settled {
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How often the members were read.
    pub looks: u32,
    /// The checks that were still not satisfied when the deadline passed; empty for a settled cluster.
    pub unsatisfied: Vec<String>,
}
