//! The folder of a run.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cell::CellFolder;
use super::document::{FolderError, read, write, write_new};

/// A type that is kept as a document of a run.
pub trait OfRun: Serialize + DeserializeOwned {
    /// Which one.
    const DOCUMENT: RunDocument;
}

/// The documents of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunDocument {
    /// What is known when its first process begins. It makes a folder that of a run that has a record.
    Run,
    /// The host, and its LXD.
    Host,
    /// The record.
    Record,
    /// Which other runs belong together: the folder is theirs, and has none of the others.
    Together,
}

/// The folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder at this path, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// That of the run of this id.
    pub fn of(out_dir: &Path, run: impl std::fmt::Display) -> Self {
        Self(out_dir.join(run.to_string()))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the runs are that it is one of.
    pub fn out_dir(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }

    /// The folder of a cell.
    pub fn cell(&self, cell: &str) -> CellFolder {
        CellFolder::new(&self.0.join(cell))
    }

    /// Where a document is.
    pub fn document(&self, document: RunDocument) -> PathBuf {
        self.0.join(match document {
            RunDocument::Run => "run.json",
            RunDocument::Host => "host.json",
            RunDocument::Record => "record.json",
            RunDocument::Together => "together.json",
        })
    }

    /// A document; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read<T: OfRun>(&self) -> Result<Option<T>, FolderError> {
        read(&self.document(T::DOCUMENT))
    }

    /// Writes a document, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: OfRun>(&self, value: &T) -> Result<(), FolderError> {
        write(&self.document(T::DOCUMENT), value)
    }

    /// Writes a document unless there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_new<T: OfRun>(&self, value: &T) -> Result<(), FolderError> {
        write_new(&self.document(T::DOCUMENT), value).map(drop)
    }

    /// The report for a person.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// What LXD was asked for again, a line each.
    pub fn again(&self) -> PathBuf {
        self.0.join("again.jsonl")
    }

    /// The copy of the runner's JUnit file.
    pub fn junit(&self) -> PathBuf {
        self.0.join("junit.xml")
    }

    /// What MicroOVN counted of its own code, by suite and member, where no other place is named.
    pub fn coverage(&self) -> PathBuf {
        self.0.join("coverage")
    }

    /// Names the runner.
    pub fn runner(&self) -> PathBuf {
        self.0.join("runner")
    }

    /// Held shared by whoever takes part in the run.
    pub fn open_lock(&self) -> PathBuf {
        self.0.join("open.lock")
    }

    /// Held by who starts a reaper.
    pub fn arm_lock(&self) -> PathBuf {
        self.0.join("arm.lock")
    }

    /// Held by the reaper as long as it lives.
    pub fn reaper_lock(&self) -> PathBuf {
        self.0.join("reaper.lock")
    }

    /// What the reaper and those that remove a cell say.
    pub fn reaper_log(&self) -> PathBuf {
        self.0.join("reaper.log")
    }

    /// What was about to be made.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger.jsonl")
    }

    /// Who waits for a turn, and who has one.
    pub fn turns(&self) -> PathBuf {
        self.0.join("turns")
    }

    /// Held by who uses what has this name.
    pub fn held(&self, name: &str) -> PathBuf {
        self.turns().join(format!("{name}.lock"))
    }

    /// What was found out once under this name, and the lock of who finds it out.
    pub fn once(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.0.join(format!("{name}.json")), self.0.join(format!("{name}.lock")))
    }
}
