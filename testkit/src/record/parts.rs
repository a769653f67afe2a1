//! What the processes of a run leave for its record.
//!
//! Checks are processes of their own, and a run may be killed at any moment. So each writes small files of its own into
//! the run's folder, whole or not at all, and the record is put together from them afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::schema::{CheckInfo, Host, InitOption, SCHEMA};
use crate::clock::Clock;
use crate::config::{Config, Round};
use crate::expect::{Difference, Verdict};
use crate::matrix::{Cell, Declaration};
use crate::microovn::redact;
use crate::session::{Process, Run};

/// `<run>/run.json`, which makes a folder the folder of a run that has a record.
pub(super) const RUN: &str = "run.json";
pub(super) const HOST: &str = "host.json";
const CELL: &str = "cell.json";
const CHECKS: &str = "checks";

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
    /// The options of the matrix.
    pub options: Vec<InitOption>,
}

/// What is known of a cell before its cluster is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellPart {
    /// The value of every option.
    pub choices: BTreeMap<String, String>,
    /// The checks it has.
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
            faults: config.faults.as_ref().map(|faults| redact(&faults.to_string())),
            options: options.into_iter().map(option).collect(),
        }
    }

    /// Leaves it in the run's folder, unless another process has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, run: &Path) -> io::Result<()> {
        write_new(&run.join(RUN), self)
    }

    /// That of the run in this folder; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(run: &Path) -> io::Result<Option<Self>> {
        read(&run.join(RUN))
    }
}

impl CellPart {
    /// The part of a cell that has these checks, each a name and what it holds; with the reason where it is left out.
    pub fn new<'a>(cell: &Cell, checks: impl IntoIterator<Item = (&'a str, &'a str)>, skipped: Option<String>) -> Self {
        let check = |(name, about): (&str, &str)| CheckInfo { name: name.to_owned(), about: about.to_owned() };
        Self {
            choices: cell.choices().iter().map(|(option, value)| ((*option).to_owned(), (*value).to_owned())).collect(),
            checks: checks.into_iter().map(check).collect(),
            skipped,
        }
    }

    /// Leaves it in the cell's folder, unless another process has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, cell: &Path) -> io::Result<()> {
        write_new(&cell.join(CELL), self)
    }

    /// That of the cell in this folder; `None` where there is none.
    pub(super) fn find(cell: &Path) -> io::Result<Option<Self>> {
        read(&cell.join(CELL))
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
    pub fn end(mut self, cell: &Path, clock: Clock, verdict: Option<Verdict>, failure: Option<&str>) -> io::Result<()> {
        let verdict = verdict.map(without_secrets);
        self.end = Some(CheckEnd { at: clock.now(), verdict, failure: failure.map(redact) });
        self.write(cell)
    }

    fn write(&self, cell: &Path) -> io::Result<()> {
        let folder = cell.join(CHECKS);
        fs::create_dir_all(&folder)?;
        write(&folder.join(format!("{}.json", self.check)), self)
    }

    /// Those of the cell in this folder, by name.
    pub(super) fn all(cell: &Path) -> io::Result<BTreeMap<String, Self>> {
        let mut parts = BTreeMap::new();
        for path in files(&cell.join(CHECKS))? {
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(part) = read::<Self>(&path)?
            {
                parts.insert(part.check.clone(), part);
            }
        }
        Ok(parts)
    }
}

/// Those of the run in this folder.
pub(super) fn find_host(run: &Path) -> io::Result<Option<Host>> {
    read(&run.join(HOST))
}

fn without_secrets(mut verdict: Verdict) -> Verdict {
    for Difference { wanted, seen, note, .. } in &mut verdict.differences {
        for text in [Some(wanted), Some(seen), note.as_mut()].into_iter().flatten() {
            *text = redact(text);
        }
    }
    verdict
}

/// A document; `None` where there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
    .map_err(|error| io::Error::new(error.kind(), format!("failed to read {}: {error}", path.display())))
}

/// Writes a document whole or not at all, readable by its owner only. Replaces an earlier one.
pub(super) fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    written_beside(path, value)?.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a text whole or not at all, readable by its owner only. Replaces an earlier one.
pub(super) fn write_text(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a document unless there is one.
pub(super) fn write_new(path: &Path, value: &impl Serialize) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    match written_beside(path, value)?.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn written_beside(path: &Path, value: &impl Serialize) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    file.write_all(&text)?;
    Ok(file)
}

/// The files and folders in a folder, sorted; none where it does not exist.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
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
        let part = |why: &str| CellPart { choices: BTreeMap::new(), checks: Vec::new(), skipped: Some(why.to_owned()) };
        part("first").leave(folder.path()).expect("left");
        part("second").leave(folder.path()).expect("not left");
        assert_eq!(CellPart::find(folder.path()).expect("read"), Some(part("first")));
        assert_eq!(files(folder.path()).expect("listed").len(), 1, "nothing half written stays");
    }
}
