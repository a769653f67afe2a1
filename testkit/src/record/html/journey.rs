//! A journey as the templates show it: a line of stations, and each of them.

use super::bars::{between, duration};
use super::check::{CheckView, Mark};
use crate::record::schema::{Act, Arrival, Change, Check, Journey, Outcome, Record, Station, Watch};

/// A journey.
pub(super) struct JourneyView<'a> {
    pub(super) journey: &'a Journey,
    pub(super) stations: Vec<StationView<'a>>,
}

/// A station.
pub(super) struct StationView<'a> {
    pub(super) station: &'a Station,
    pub(super) mark: Mark,
    /// The checks that failed, the likely cause of the others first.
    pub(super) failing: Vec<CheckView<'a>>,
    pub(super) passed: Vec<&'a Check>,
    /// How long it took from its first act until it had settled; empty where it was not reached.
    pub(super) took: String,
}

/// What differs from the station before, of one member or of the whole cluster.
pub(super) struct Differs<'a> {
    pub(super) member: Option<&'a str>,
    pub(super) changes: Vec<&'a Change>,
}

impl<'a> JourneyView<'a> {
    pub(super) fn new(record: &'a Record, journey: &'a Journey) -> Self {
        Self { journey, stations: journey.stations.iter().map(|station| StationView::new(record, station)).collect() }
    }

    /// The station that the journey ended at, where it is not as it must be.
    pub(super) fn wrong(&self) -> Option<&StationView<'a>> {
        self.stations.iter().find(|it| matches!(it.station.arrival, Arrival::Red | Arrival::Failed))
    }

    /// How many stations were not reached.
    pub(super) fn missed(&self) -> usize {
        self.stations.iter().filter(|it| it.station.arrival == Arrival::NotReached).count()
    }
}

impl<'a> StationView<'a> {
    fn new(record: &'a Record, station: &'a Station) -> Self {
        let find = |name: &String| station.checks.iter().find(|check| check.name == *name);
        let took = match (station.began, station.ended) {
            (Some(began), Some(ended)) => duration(between(began, ended)),
            _ => String::new(),
        };
        Self {
            station,
            mark: mark(station.arrival),
            failing: station.causes.iter().filter_map(find).map(|check| CheckView::new(record, check)).collect(),
            passed: station.checks.iter().filter(|check| check.outcome == Outcome::Passed).collect(),
            took,
        }
    }

    /// Whether something in it must be looked at.
    pub(super) fn needs_a_look(&self) -> bool {
        matches!(self.station.arrival, Arrival::Red | Arrival::Failed)
    }

    /// What came of it, in a few words.
    pub(super) fn found(&self) -> String {
        match self.station.arrival {
            Arrival::Reached => format!("{} checks, all as they must be", self.passed.len()),
            Arrival::Red if self.failing.is_empty() => "what was watched is not as it must be".to_owned(),
            Arrival::Red => format!("{} of {} checks failed", self.failing.len(), self.station.checks.len()),
            Arrival::Failed => "its step did not come about as wanted".to_owned(),
            Arrival::NotReached => "not reached".to_owned(),
        }
    }

    /// How waiting for its state ended.
    pub(super) fn settled(&self) -> Option<String> {
        let settled = self.station.settled.as_ref()?;
        let looks = if settled.looks == 1 { "look" } else { "looks" };
        let ended = if settled.unsatisfied.is_empty() { "" } else { ", without becoming as it must be" };
        Some(format!("Settled after {} {looks} in {}{ended}.", settled.looks, duration(settled.ms)))
    }

    /// The act that did not come about as wanted.
    pub(super) fn refused(&self) -> Option<&'a Act> {
        self.station.acts.iter().find(|act| act.differs.is_some())
    }

    /// What was watched and is not as wanted.
    pub(super) fn wrong_watches(&self) -> impl Iterator<Item = &'a Watch> {
        self.station.watches.iter().filter(|watch| watch.differs.is_some())
    }

    /// What was seen otherwise than at the station before, by member.
    pub(super) fn differs(&self) -> Vec<Differs<'a>> {
        let mut groups: Vec<Differs<'_>> = Vec::new();
        for change in &self.station.seen {
            let member = change.member.as_deref();
            match groups.last_mut().filter(|last| last.member == member) {
                Some(last) => last.changes.push(change),
                None => groups.push(Differs { member, changes: vec![change] }),
            }
        }
        groups
    }
}

/// How an arrival is shown: by a word, a sign and a class, never by its colour alone.
fn mark(arrival: Arrival) -> Mark {
    let (class, sign, word) = match arrival {
        Arrival::Reached => ("passed", "✓", "reached"),
        Arrival::Red => ("failed", "✗", "red"),
        Arrival::Failed => ("failed", "!", "step failed"),
        Arrival::NotReached => ("unfinished", "·", "not reached"),
    };
    Mark { class, sign, word }
}

/// Milliseconds as a person reads them. A template hands over references.
pub(super) fn lasted(ms: &u64) -> String {
    duration(*ms)
}
