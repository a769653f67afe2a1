//! The runs that have a record, by id.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::parts::RunPart;
use super::schema::{Record, SCHEMA};
use super::{assemble, html};
use crate::config::Round;
use crate::folder::{self, FolderError, OfRun, RunDocument, RunFolder};
use crate::session::Process;

/// A run that cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// There is no run at all.
    #[error("no run is recorded in {}; `testkit run` makes one", .0.display())]
    None(PathBuf),
    /// No run begins like that.
    #[error("there is no run {wanted:?} in {}; the nearest are {}", out_dir.display(), nearest.join(", "))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// Where runs are.
        out_dir: PathBuf,
        /// Those that are there, nearest first.
        nearest: Vec<String>,
    },
    /// More than one run begins like that.
    #[error("more than one run begins with {wanted:?}: {}; give more of its id", runs.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Those that begin so.
        runs: Vec<String>,
    },
    /// It was recorded by another testkit.
    #[error(
        "run {run} is recorded with schema {found}, and this testkit reads schemas 1 to {newest}; use the testkit that ran it, \
         or the report.html that is in its folder"
    )]
    Version {
        /// The run.
        run: String,
        /// Its version.
        found: u64,
        /// The newest that is read here.
        newest: u32,
    },
    /// Its folder is there without what a record begins with.
    #[error(
        "run {run} has no record: {} is not there; either nothing was tested in it, or the file was removed, and what is left \
         is in its folder",
        missing.display()
    )]
    Headless {
        /// The run.
        run: String,
        /// What is gone.
        missing: PathBuf,
    },
    /// The runs cannot be found.
    #[error(
        "the runs that are recorded cannot be found; look as the user who ran them, or name their folder with TESTKIT_OUT_DIR"
    )]
    List(#[source] FolderError),
    /// Its files cannot be used.
    #[error("failed to {action} the record of run {run}{}", mend(action, source))]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The run.
        run: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// What to do where an attempt on a record failed.
fn mend(action: &str, source: &io::Error) -> &'static str {
    match source.kind() {
        _ if action == WRITE => {
            "; it goes into the run's folder: copy that folder to where you may write and there is room, and name the one above it with \
             TESTKIT_OUT_DIR"
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof if action == READ => {
            "; the file is damaged: put it back, for without it there is no record"
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            "; a file of it is damaged or gone: put it back, or move the whole folder of its suite away, and the others are shown"
        }
        io::ErrorKind::PermissionDenied => "; read it as the user who ran it",
        _ => "",
    }
}

const WRITE: &str = "write";
/// Of the file without which a folder is of no run.
const READ: &str = "read";

impl RunsError {
    /// For `map_err` on what is done with the record of the run in this folder.
    pub(super) fn of(action: &'static str, dir: &Path) -> impl Fn(io::Error) -> Self {
        let run = id(dir);
        move |source| Self::Io { action, run: run.clone(), source }
    }

    fn headless(dir: &Path) -> Self {
        Self::Headless { run: id(dir), missing: RunFolder::new(dir).document(RunDocument::Run) }
    }
}

/// What every version of a run's part has, and of what is kept of several that belong together, which count as later than
/// they.
#[derive(Debug, Deserialize)]
struct Head {
    schema: u64,
    #[serde(alias = "ended")]
    started: Timestamp,
}

/// Either makes a folder one that has something to report.
const HEADS: [RunDocument; 2] = [RunDocument::Run, RunDocument::Together];

impl Head {
    fn find(dir: &Path) -> io::Result<Option<Self>> {
        for document in HEADS {
            if let Some(head) = folder::read(&RunFolder::new(dir).document(document))? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }
}

/// The folders of the runs that have a record, by the time of their begin, the latest last. One that may not be looked
/// into is one of them: a run of root is no run that never was.
fn all(out_dir: &Path) -> Result<Vec<PathBuf>, RunsError> {
    let mut runs: Vec<PathBuf> = folder::files(out_dir).map_err(RunsError::List)?;
    let has = |dir: &Path, document| match fs::metadata(RunFolder::new(dir).document(document)) {
        Ok(file) => file.is_file(),
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    };
    // Where there is a record there was what it was made of.
    runs.retain(|dir| HEADS.into_iter().chain([RunDocument::Record]).any(|document| has(dir, document)));
    runs.sort_by_cached_key(|dir| began(dir));
    Ok(runs)
}

/// When the run in this folder began. One that cannot be read counts as of the time at which it was written, so that it is told of
/// where it is the latest, and no earlier one shown for it.
fn began(dir: &Path) -> Option<Timestamp> {
    let written = || {
        let of = |document| fs::metadata(RunFolder::new(dir).document(document)).ok()?.modified().ok();
        HEADS.into_iter().chain([RunDocument::Record]).find_map(of).and_then(|at| Timestamp::try_from(at).ok())
    };
    Head::find(dir).ok().flatten().map(|head| head.started).or_else(written)
}

/// Whether the folder is that of one run, by its whole id, and does not have what a run begins with.
fn is_headless(dir: &Path) -> bool {
    id(dir).starts_with(|first: char| first.is_ascii_hexdigit()) && dir.is_dir() && matches!(Head::find(dir), Ok(None))
}

fn id(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder of the run whose id begins like `wanted`; of the latest when nothing is wanted.
///
/// # Errors
/// When there is none, or more than one; the error names the nearest.
pub fn find(out_dir: &Path, wanted: Option<&str>) -> Result<PathBuf, RunsError> {
    if let Some(dir) = wanted.map(|wanted| out_dir.join(wanted)).filter(|dir| is_headless(dir)) {
        return Err(RunsError::headless(&dir));
    }
    let mut runs = all(out_dir)?;
    let latest = runs.pop().ok_or_else(|| RunsError::None(out_dir.to_owned()))?;
    let Some(wanted) = wanted else { return Ok(latest) };
    runs.push(latest);
    let mut matching: Vec<PathBuf> = runs.iter().filter(|dir| id(dir).starts_with(wanted)).cloned().collect();
    // A whole id is also the begin of itself only.
    match (matching.pop(), matching.len()) {
        (Some(run), 0) => Ok(run),
        (Some(run), _) => {
            matching.push(run);
            let runs = matching.iter().map(|dir| id(dir)).collect();
            Err(RunsError::Ambiguous { wanted: wanted.to_owned(), runs })
        }
        (None, _) => {
            let mut nearest: Vec<String> = runs.iter().rev().map(|dir| id(dir)).collect();
            nearest.sort_by_cached_key(|run| strsim::damerau_levenshtein(wanted, run));
            nearest.truncate(3);
            Err(RunsError::Unknown { wanted: wanted.to_owned(), out_dir: out_dir.to_owned(), nearest })
        }
    }
}

/// The folder of the latest round of the run of this runner, in which every test is started.
pub fn of_runner(out_dir: &Path, runner: &Process) -> Option<PathBuf> {
    newest(out_dir, |part| part.runner == *runner && part.round.attempt == Round::FIRST.attempt)
}

/// The folders of the rounds of the run that nextest gave this id, in order, with what is known of each.
pub fn rounds(out_dir: &Path, id: &str) -> Vec<(PathBuf, RunPart)> {
    let part = |dir: PathBuf| Some((RunPart::find(&dir).ok()??, dir));
    let all = all(out_dir).unwrap_or_default().into_iter().filter_map(part).map(|(part, dir)| (dir, part));
    let mut rounds: Vec<_> = all.filter(|(_, part)| part.nextest.as_deref() == Some(id)).collect();
    rounds.sort_by_key(|(_, part)| part.round);
    rounds
}

/// The latest run that nextest was the runner of, with its folder.
///
/// # Errors
/// When a later one cannot be read.
pub fn latest_of_nextest(out_dir: &Path) -> Result<Option<(PathBuf, RunPart)>, RunsError> {
    for dir in all(out_dir)?.into_iter().rev() {
        let part = RunPart::find(&dir).map_err(RunsError::of("read", &dir))?;
        if let Some(part) = part.filter(|part| part.nextest.is_some()) {
            return Ok(Some((dir, part)));
        }
    }
    Ok(None)
}

fn newest(out_dir: &Path, wanted: impl Fn(&RunPart) -> bool) -> Option<PathBuf> {
    let is = |dir: &PathBuf| RunPart::find(dir).is_ok_and(|part| part.as_ref().is_some_and(&wanted));
    all(out_dir).unwrap_or_default().into_iter().rfind(is)
}

/// Puts the record of the run in this folder together and writes it there with its report: `record.json`, `report.html`.
/// Returns both: the record, and the path of the report.
///
/// # Errors
/// When the parts are of another version, cannot be read, or the files cannot be written.
pub fn write(dir: &Path) -> Result<(Record, PathBuf), RunsError> {
    let io = |action| RunsError::of(action, dir);
    let head = Head::find(dir).map_err(io("read"))?;
    if head.is_none() {
        return Err(RunsError::headless(dir));
    }
    // What a later schema has, an earlier one lacks, and is none the worse for it.
    if let Some(head) = head.filter(|head| !(1..=u64::from(SCHEMA)).contains(&head.schema)) {
        return Err(RunsError::Version { run: id(dir), found: head.schema, newest: SCHEMA });
    }
    let part = RunPart::find(dir).map_err(io("read"))?;
    // The runner of a run that comes to no check is the command itself, which writes the record as the last thing.
    let alive = part.is_some_and(|part| part.runner != Process::current() && part.runner.is_alive() == Some(true));
    let record = assemble(dir, alive).map_err(io("put together"))?;
    let folder = RunFolder::new(dir);
    folder.write(&record).map_err(|error| io(WRITE)(error.into()))?;
    let html = html::render(&record, dir).map_err(io("render"))?;
    let report = folder.report();
    folder::write_text(&report, &html).map_err(|error| io(WRITE)(error.into()))?;
    Ok((record, report))
}

impl OfRun for Record {
    const DOCUMENT: RunDocument = RunDocument::Record;
}
