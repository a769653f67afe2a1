//! The folder of a cell, or of a journey.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::{FolderError, files, kind, read, write, write_new};

/// A type that is kept as a document of a cell.
pub trait OfCell: Serialize + DeserializeOwned {
    /// Which one.
    const DOCUMENT: CellDocument;
}

/// The documents of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellDocument {
    /// What is known before its cluster is made.
    Cell,
    /// What is about to be formed.
    Plan,
    /// Where its cluster is made, where LXD is a cluster of hosts.
    Placed,
    /// What is being done for it.
    Progress,
    /// The cluster.
    Manifest,
    /// Why there is none.
    Failure,
    /// What is planned of a journey.
    Journey,
    /// Why a journey did not go on.
    Stopped,
}

/// The folder of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFolder(PathBuf);

impl CellFolder {
    /// The folder at this path, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a document is.
    pub fn document(&self, document: CellDocument) -> PathBuf {
        self.0.join(match document {
            CellDocument::Cell => "cell.json",
            CellDocument::Plan => "plan.json",
            CellDocument::Placed => "placed.json",
            CellDocument::Progress => "progress.json",
            CellDocument::Manifest => "manifest.json",
            CellDocument::Failure => "failure.json",
            CellDocument::Journey => "journey.json",
            CellDocument::Stopped => "stopped.json",
        })
    }

    /// A document; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read<T: OfCell>(&self) -> Result<Option<T>, FolderError> {
        read(&self.document(T::DOCUMENT))
    }

    /// Writes a document, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: OfCell>(&self, value: &T) -> Result<(), FolderError> {
        write(&self.document(T::DOCUMENT), value)
    }

    /// Writes a document unless there is one. Returns whether it did, which is said to one process only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_new<T: OfCell>(&self, value: &T) -> Result<bool, FolderError> {
        write_new(&self.document(T::DOCUMENT), value)
    }

    /// The folder of what its checks leave, one document each.
    pub fn checks(&self) -> PathBuf {
        self.0.join(CHECKS)
    }

    /// What a check leaves.
    pub fn check(&self, check: &str) -> PathBuf {
        self.checks().join(format!("{check}.json"))
    }

    /// What was played up to a station of a journey.
    pub fn station(&self, number: usize) -> PathBuf {
        self.0.join(STATIONS).join(format!("{number}.json"))
    }

    /// The folder of its stations, one document each.
    pub fn stations(&self) -> PathBuf {
        self.0.join(STATIONS)
    }

    /// Held by who forms the cluster and acts on it, as long as that lasts.
    pub fn lease_lock(&self) -> PathBuf {
        self.0.join("lease.lock")
    }

    /// The folders of what its members left as evidence, sorted.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn members(&self) -> Result<Vec<PathBuf>, FolderError> {
        let mut members = Vec::new();
        for path in files(&self.0)? {
            let of_tests = path.file_name().is_some_and(|name| name == CHECKS || name == STATIONS);
            if !of_tests && kind(&path)?.is_some_and(|kind| kind.is_dir()) {
                members.push(path);
            }
        }
        Ok(members)
    }

    /// Its stages, a line each.
    pub fn timeline(&self) -> PathBuf {
        self.0.join("timeline.jsonl")
    }

    /// Says that somebody has begun to play.
    pub fn started(&self) -> PathBuf {
        self.0.join("started")
    }
}

const CHECKS: &str = "checks";
const STATIONS: &str = "stations";
