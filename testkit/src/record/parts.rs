//! What the processes of a run leave for its record.
//!
//! Checks are processes of their own, and a run may be killed at any moment. So each writes small files of its own into
//! the run's folder, whole or not at all, and the record is put together from them afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::schema::{CheckInfo, Host, InitOption, SCHEMA};
use crate::clock::Clock;
use crate::config::{Config, Round};
use crate::expect::{Difference, Verdict};
use crate::folder::{self, CellDocument, CellFolder, OfCell, OfRun, RunDocument, RunFolder};
use crate::known::KnownTold;
use crate::matrix::{Cell, Declaration};
use crate::microovn::redact;
use crate::session::{Process, Run};

/// What is known of a run when its first process begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPart {
    /// The version of the parts and of the record.
    pub schema: u32,
    /// The run's id.
    pub run: String,
    /// When the first process began.
    pub started: Timestamp,
    /// The runner.
    pub runner: Process,
    /// nextest's own id of the run, which is in its JUnit file.
    pub nextest: Option<String>,
    /// Which round of that run it is.
    #[serde(default)]
    pub round: Round,
    /// The run that is its first round, which knows what was found out once.
    #[serde(default)]
    pub first: String,
    /// The version of testkit.
    pub testkit: String,
    /// The faults the stand-in is told to have, one a line.
    pub faults: Option<String>,
    /// Whether packets are sent.
    #[serde(default)]
    pub traffic: bool,
    /// The options of the matrix.
    pub options: Vec<InitOption>,
}

/// What is known of a cell before its cluster is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellPart {
    /// The value of every option.
    pub choices: BTreeMap<String, String>,
    /// The cell that it starts from, where it is a journey.
    #[serde(default)]
    pub journey: Option<String>,
    /// The checks it has; of a journey, the tests of its stations.
    pub checks: Vec<CheckInfo>,
    /// Why it is left out, if it is.
    pub skipped: Option<String>,
}

/// One check, from its begin to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPart {
    /// Its name.
    pub check: String,
    /// When its process began.
    pub started: Timestamp,
    /// How it ended; `None` while it has not.
    pub end: Option<CheckEnd>,
}

/// The end of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckEnd {
    /// When.
    pub at: Timestamp,
    /// What it found; `None` where it could not be judged.
    pub verdict: Option<Verdict>,
    /// What its test said; `None` where it passed.
    pub failure: Option<String>,
    /// The faults that are known, where it did not pass because of them and of nothing else; where it passed, those that would show in it
    /// and did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownTold>,
}

impl RunPart {
    /// The part of this run, of which a process knows its configuration and the options of the matrix.
    pub fn new(run: &Run, config: &Config, options: impl IntoIterator<Item = Declaration>) -> Self {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let option = |it: Declaration| InitOption { name: it.name.to_owned(), values: texts(it.values) };
        Self {
            schema: SCHEMA,
            run: run.id().to_string(),
            started: run.clock().now(),
            runner: run.runner().clone(),
            nextest: run.nextest().map(|nextest| nextest.run.clone()),
            round: run.nextest().map(|nextest| nextest.round).unwrap_or_default(),
            first: run.first().to_string(),
            testkit: env!("CARGO_PKG_VERSION").to_owned(),
            traffic: config.traffic,
            faults: config.faults.as_ref().map(|faults| redact(&faults.to_string())),
            options: options.into_iter().map(option).collect(),
        }
    }

    /// Leaves it in the run's folder, unless another process has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, run: &Path) -> io::Result<()> {
        Ok(RunFolder::new(run).write_new(self)?)
    }

    /// That of the run in this folder; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(run: &Path) -> io::Result<Option<Self>> {
        Ok(RunFolder::new(run).read()?)
    }
}

impl OfRun for RunPart {
    const DOCUMENT: RunDocument = RunDocument::Run;
}

impl OfRun for Host {
    const DOCUMENT: RunDocument = RunDocument::Host;
}

impl OfCell for CellPart {
    const DOCUMENT: CellDocument = CellDocument::Cell;
}

impl CellPart {
    /// The part of a cell that has these checks, each a name and what it holds; with the reason where it is left out.
    pub fn new<'a>(cell: &Cell, checks: impl IntoIterator<Item = (&'a str, &'a str)>, skipped: Option<String>) -> Self {
        let check = |(name, about): (&str, &str)| CheckInfo { name: name.to_owned(), about: about.to_owned() };
        Self {
            choices: cell.choices().iter().map(|(option, value)| ((*option).to_owned(), (*value).to_owned())).collect(),
            journey: None,
            checks: checks.into_iter().map(check).collect(),
            skipped,
        }
    }

    /// It as that of a journey, whose checks are the tests of its stations, from this cell.
    pub fn of_journey(self, cell: &Cell) -> Self {
        Self { journey: Some(cell.id().to_string()), ..self }
    }

    /// Leaves it in the cell's folder, unless another process has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, cell: &Path) -> io::Result<()> {
        CellFolder::new(cell).write_new(self)?;
        Ok(())
    }

    /// That of the cell in this folder; `None` where there is none.
    pub(super) fn find(cell: &Path) -> io::Result<Option<Self>> {
        Ok(CellFolder::new(cell).read()?)
    }
}

impl CheckPart {
    /// Notes in the cell's folder that this check begins now, by the clock of the run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(cell: &Path, check: &str, clock: Clock) -> io::Result<Self> {
        let part = Self { check: check.to_owned(), started: clock.now(), end: None };
        part.write(cell)?;
        Ok(part)
    }

    /// Notes that it ends now, by the same clock, and how, free of secrets.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self, cell: &Path, clock: Clock, verdict: Option<Verdict>, failure: Option<&str>) -> io::Result<()> {
        self.end_knowing(cell, clock, verdict, failure, Vec::new())
    }

    /// The same, with the faults that are known that it is about.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_knowing(
        mut self,
        cell: &Path,
        clock: Clock,
        verdict: Option<Verdict>,
        failure: Option<&str>,
        known: Vec<KnownTold>,
    ) -> io::Result<()> {
        let verdict = verdict.map(without_secrets);
        self.end = Some(CheckEnd { at: clock.now(), verdict, failure: failure.map(redact), known });
        self.write(cell)
    }

    fn write(&self, cell: &Path) -> io::Result<()> {
        let cell = CellFolder::new(cell);
        fs::create_dir_all(cell.checks())?;
        Ok(folder::write(&cell.check(&self.check), self)?)
    }

    /// Those of the cell in this folder, by name.
    pub(super) fn all(cell: &Path) -> io::Result<BTreeMap<String, Self>> {
        let mut parts = BTreeMap::new();
        for path in folder::files(&CellFolder::new(cell).checks())? {
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(part) = folder::read::<Self>(&path)?
            {
                parts.insert(part.check.clone(), part);
            }
        }
        Ok(parts)
    }
}

fn without_secrets(mut verdict: Verdict) -> Verdict {
    for Difference { wanted, seen, note, .. } in &mut verdict.differences {
        for text in [Some(wanted), Some(seen), note.as_mut()].into_iter().flatten() {
            *text = redact(text);
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJzZWNyZXQiOiIwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmIn0=";

    #[test]
    fn a_check_is_noted_when_it_begins_and_without_secrets_when_it_ends() {
        let cell = tempfile::tempdir().expect("a folder");
        let clock = Clock::start();
        let part = CheckPart::begin(cell.path(), "members", clock).expect("begun");
        assert_eq!(CheckPart::all(cell.path()).expect("read")["members"].end, None);
        let mut verdict = Verdict::builder("members");
        verdict.compare("a", "t", "c", "x", TOKEN);
        part.end(cell.path(), clock, Some(verdict.finish()), Some(&format!("seen {TOKEN}"))).expect("ended");
        let text = fs::read_to_string(cell.path().join("checks/members.json")).expect("there");
        assert!(!text.contains(TOKEN) && text.matches("redacted").count() == 2, "{text}");
    }

    #[test]
    fn a_check_is_noted_by_the_clock_of_its_run_and_not_by_the_wall_clock() {
        let cell = tempfile::tempdir().expect("a folder");
        let clock = Clock::saying("2020-02-29T12:00:00Z".parse().expect("a time"));
        CheckPart::begin(cell.path(), "members", clock)
            .expect("begun")
            .end(cell.path(), clock, None, None)
            .expect("ended");
        let part = &CheckPart::all(cell.path()).expect("read")["members"];
        let ended = part.end.as_ref().expect("it ended").at;
        assert!(clock.now().duration_since(part.started).as_secs() < 60, "{part:?}");
        assert!(part.started <= ended && ended <= clock.now(), "{part:?}");
    }

    #[test]
    fn the_first_to_leave_a_part_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = |why: &str| CellPart {
            choices: BTreeMap::new(),
            journey: None,
            checks: Vec::new(),
            skipped: Some(why.to_owned()),
        };
        part("first").leave(folder.path()).expect("left");
        part("second").leave(folder.path()).expect("not left");
        assert_eq!(CellPart::find(folder.path()).expect("read"), Some(part("first")));
        assert_eq!(folder::files(folder.path()).expect("listed").len(), 1, "nothing half written stays");
    }
}
