//! The ledger: what is about to be made, written down before it is.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A kind of LXD object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An instance.
    Instance,
    /// A network.
    Network,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// When the intent was written.
    pub at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Its name in LXD.
    pub name: String,
    /// The cell it is for.
    pub cell: String,
    /// Whether this says that LXD has answered, instead of what is to be asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// The ledger of one run: an append-only file, one JSON line an object.
#[derive(Debug, Clone)]
pub struct Ledger {
    path: PathBuf,
}

/// The ledger cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} the ledger {}", path.display())]
pub struct LedgerError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Ledger {
    /// The ledger in this file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Records that an object is about to be made. On return the line is on disk.
    ///
    /// # Errors
    /// When the file cannot be written; nothing may be made then.
    pub fn intend(&self, kind: Kind, name: &str, cell: &str) -> Result<(), LedgerError> {
        self.note(kind, name, cell, false)
    }

    /// Records that LXD has answered whoever asked for an object, whatever it said: it does nothing more for that.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn answered(&self, kind: Kind, name: &str) -> Result<(), LedgerError> {
        self.note(kind, name, "", true)
    }

    fn note(&self, kind: Kind, name: &str, cell: &str, answered: bool) -> Result<(), LedgerError> {
        let made = Made { at: Timestamp::now(), kind, name: name.to_owned(), cell: cell.to_owned(), answered };
        self.append(&made).map_err(|source| LedgerError { action: "append to", path: self.path.clone(), source })
    }

    fn append(&self, made: &Made) -> io::Result<()> {
        let mut line = serde_json::to_vec(made).map_err(io::Error::other)?;
        // A newline on both sides: a line cut short by a crash does not swallow the next one.
        line.insert(0, b'\n');
        line.push(b'\n');
        let mut file: File = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(&line)?;
        file.sync_data()
    }

    /// Everything that was intended. A line that a crash cut short is passed over: its call was never made.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn read(&self) -> Result<Vec<Made>, LedgerError> {
        Ok(self.lines()?.into_iter().filter(|made| !made.answered).collect())
    }

    /// The objects of a kind that LXD was last asked for, or was about to be, without an answer that is recorded.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn unanswered(&self, kind: Kind) -> Result<BTreeSet<String>, LedgerError> {
        let mut names = BTreeSet::new();
        for made in self.lines()?.into_iter().filter(|made| made.kind == kind) {
            match made.answered {
                true => drop(names.remove(&made.name)),
                false => drop(names.insert(made.name)),
            }
        }
        Ok(names)
    }

    fn lines(&self) -> Result<Vec<Made>, LedgerError> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(LedgerError { action: "read", path: self.path.clone(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_survive_a_line_that_was_cut_short() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        let ledger = Ledger::new(&path);
        assert_eq!(ledger.read().expect("an absent ledger is empty"), []);
        ledger.intend(Kind::Network, "tk1", "init_cluster").expect("written");
        let mut file = OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(b"{\"at\":\"2026-").expect("a torn line");
        ledger.intend(Kind::Instance, "microovn-init-cluster-1", "init_cluster").expect("written");
        let names: Vec<_> = ledger.read().expect("read").into_iter().map(|made| (made.kind, made.name)).collect();
        assert_eq!(names, [(Kind::Network, "tk1".to_owned()), (Kind::Instance, "microovn-init-cluster-1".to_owned())]);
    }

    #[test]
    fn what_was_answered_is_done_with_until_it_is_intended_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::new(&folder.path().join("ledger.jsonl"));
        let unanswered = || ledger.unanswered(Kind::Network).expect("read").into_iter().collect::<Vec<_>>();
        ledger.intend(Kind::Network, "tk1", "c").expect("written");
        ledger.intend(Kind::Network, "tk2", "c").expect("written");
        ledger.intend(Kind::Instance, "i", "c").expect("written");
        assert_eq!(unanswered(), ["tk1", "tk2"]);
        ledger.answered(Kind::Network, "tk1").expect("written");
        assert_eq!(unanswered(), ["tk2"]);
        assert_eq!(ledger.read().expect("read").len(), 3, "an answer is no intent");
        ledger.intend(Kind::Network, "tk1", "c").expect("written");
        assert_eq!(unanswered(), ["tk1", "tk2"]);
    }
}
