//! What is left of a journey that is played, station by station.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Settled;
use crate::expect::Observation;
use crate::folder::{self, CellDocument, CellFolder, FolderError, OfCell};
use crate::journey::{Act, Station, Watched};

/// What is planned of a journey: every station, drawn for the addresses of this run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Itinerary {
    /// The journey.
    pub name: String,
    /// The cell it starts from.
    pub cell: String,
    /// Every station.
    pub stations: Vec<Station>,
}

impl OfCell for Itinerary {
    const DOCUMENT: CellDocument = CellDocument::Journey;
}

/// A station that was reached: what was done to come to it, and what was seen there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reached {
    /// What was planned of it.
    pub station: Station,
    /// When the first act began.
    pub began: Timestamp,
    /// When it had settled.
    pub ended: Timestamp,
    /// What was done, and what was said.
    pub acts: Vec<Done>,
    /// What was observed meanwhile.
    pub watched: Vec<Watched>,
    /// How waiting for the state ended.
    pub settled: Settled,
    /// What was seen then.
    pub observation: Observation,
}

/// An act that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Done {
    /// The act.
    pub act: Act,
    /// What it said, without secrets.
    pub said: String,
    /// The exit code of its command; 0 where it has none and succeeded.
    pub code: i32,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How that is not as wanted, if it is not.
    pub differs: Option<String>,
}

/// Why a journey did not go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stopped {
    /// The station that was not reached, or that is not as it must be.
    pub at: usize,
    /// Its name: `s2_remove_member_3`.
    pub station: String,
    /// Why, for a person.
    pub why: String,
    /// What was done of the step.
    pub acts: Vec<Done>,
    /// What was observed meanwhile.
    pub watched: Vec<Watched>,
}

impl OfCell for Stopped {
    const DOCUMENT: CellDocument = CellDocument::Stopped;
}

impl Reached {
    /// Leaves it in the journey's folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, dir: &Path) -> Result<(), FolderError> {
        let cell = CellFolder::new(dir);
        let made = fs::create_dir_all(cell.stations());
        made.map_err(|source| FolderError { action: "create", path: cell.stations(), source })?;
        folder::write(&cell.station(self.station.number), self)
    }

    /// That of this number in the journey's folder; `None` where it was not reached.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(dir: &Path, number: usize) -> Result<Option<Self>, FolderError> {
        folder::read(&CellFolder::new(dir).station(number))
    }
}
