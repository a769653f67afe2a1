//! What is left of a journey that is played, station by station.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Manifest, Settled};
use crate::expect::{Known, Observation};
use crate::folder::{self, CellDocument, CellFolder, FolderError, OfCell};
use crate::journey::{Act, Station, Watched};
use crate::plan::State;

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
    /// What was not as it must be before, and since when.
    #[serde(default)]
    pub known: Known,
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
    /// Whether it could not be tried, because of LXD or the host: that says nothing of the product.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untried: bool,
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

impl Stopped {
    /// Whether it was the product that did not do what was wanted of the step.
    pub fn is_of_product(&self) -> bool {
        self.acts.last().is_some_and(|done| done.differs.is_some() && !done.untried)
    }
}

impl Manifest {
    /// The cluster at a station that was reached from here: its state is what must be so from now on.
    pub fn at(mut self, reached: &Reached) -> Self {
        let Reached { station, settled, observation, .. } = reached;
        // What must be new is said of one step.
        self.plan.state = State { since: None, ..station.state.clone() };
        if station.number > 0 {
            self.steps.push(station.words.clone());
        }
        self.settled = settled.clone();
        self.observation = observation.clone();
        self.tried = None;
        self
    }
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

    /// What is said of it where it is not as it must be.
    pub(super) fn not_as_it_must_be(&self) -> Stopped {
        let wrong = self.watched.iter().filter_map(|it| Some(format!("{}: {}", it.watch, it.differs()?)));
        let red: Vec<String> = self.settled.unsatisfied.iter().cloned().chain(wrong).collect();
        let (at, station) = (self.station.number, self.station.test());
        let why = format!("{station} is not as it must be: {}", red.join(", "));
        Stopped { at, station, why, acts: Vec::new(), watched: Vec::new() }
    }

    /// That of this number in the journey's folder; `None` where it was not reached.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(dir: &Path, number: usize) -> Result<Option<Self>, FolderError> {
        folder::read(&CellFolder::new(dir).station(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Product;
    use crate::plan::{Changes, Outline, Plan, Segments};

    #[test]
    fn a_cluster_that_took_a_step_has_the_state_after_it_and_is_known_by_it() {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline::default(), Segments::documentation());
        let (name, version, sha256) = ("microovn".to_owned(), "1".to_owned(), "0".to_owned());
        let product = Product { stand_in: true, name, version, sha256, datapath: None, microcloud: None };
        let settled = |ms| Settled { ms, looks: 1, last_ms: ms, unsatisfied: Vec::new() };
        let (steps, instances, observation) = (Vec::new(), Default::default(), Observation::default());
        let formed = Manifest {
            product,
            plan,
            steps,
            instances,
            settled: settled(1),
            observation,
            tried: None,
            no_traffic: None,
        };
        let mut state = State { since: Some(Changes::default()), ..formed.plan.state.clone() };
        state.members.pop();
        let (words, about) = ("remove_member_3".to_owned(), String::new());
        let station = Station { number: 1, words, about, acts: Vec::new(), watches: Vec::new(), state };
        let (began, ended, observation) = (Timestamp::MIN, Timestamp::MIN, Observation::default());
        let (acts, watched) = (Vec::new(), Vec::new());
        let reached =
            Reached { station, began, ended, acts, watched, settled: settled(7), observation, known: Known::default() };
        let now = formed.clone().at(&reached);
        assert_eq!(now.steps, ["remove_member_3"]);
        assert_eq!((now.settled.ms, now.plan.state.members.len()), (7, formed.plan.state.members.len() - 1));
        assert_eq!(now.plan.state.since, None, "what must be new is said of one step");
        // One that was kept before there were steps.
        let mut old = serde_json::to_value(&formed).expect("JSON");
        old.as_object_mut().expect("an object").remove("steps");
        assert_eq!(serde_json::from_value::<Manifest>(old).expect("read").steps, Vec::<String>::new());
    }
}
