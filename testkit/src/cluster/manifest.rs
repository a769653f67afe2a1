//! What provisioning hands to the checks of a cell.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Product;
use crate::expect::{Observation, Verdict};
use crate::folder::{CellDocument, CellFolder, FolderError, OfCell};
use crate::plan::Plan;

/// A cluster that is up: the plan it was made from, where it runs, and what its nodes said when it had settled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// What was tested.
    pub product: Product,
    /// The plan. Its state is what must be so now.
    pub plan: Plan,
    /// The steps that were taken since it was formed, by their words.
    #[serde(default)]
    pub steps: Vec<String>,
    /// The LXD instance of every member, by member name.
    pub instances: BTreeMap<String, String>,
    /// How waiting for the cluster to become as planned ended.
    pub settled: Settled,
    /// The last observation of that wait.
    pub observation: Observation,
    /// What came of trying what cannot be seen, where that was tried.
    #[serde(default)]
    pub tried: Option<Box<Verdict>>,
    /// Why there is no traffic, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_traffic: Option<String>,
}

/// What is about to be formed: written before, so that a cluster that cannot be formed is known by its plan all the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The LXD instance of every member, by member name.
    pub instances: BTreeMap<String, String>,
}

impl Planned {
    /// Writes it to the cell's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, cell: &Path) -> Result<(), FolderError> {
        CellFolder::new(cell).write(self)
    }

    /// That of the cell in this folder; `None` where it did not come to a plan.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(cell: &Path) -> Result<Option<Self>, FolderError> {
        CellFolder::new(cell).read()
    }
}

impl OfCell for Planned {
    const DOCUMENT: CellDocument = CellDocument::Plan;
}

impl OfCell for Manifest {
    const DOCUMENT: CellDocument = CellDocument::Manifest;
}

/// How the wait for the planned state ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settled {
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How often the members were read.
    pub looks: u32,
    /// How long the last of these reads took, which read everything and is judged, in milliseconds.
    #[serde(default)]
    pub last_ms: u64,
    /// The checks that were still not satisfied when the deadline passed; empty for a settled cluster.
    pub unsatisfied: Vec<String>,
}
