//! What is being done for a cell at this moment, for who watches the run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::folder::{CellDocument, CellFolder, FolderError, OfCell};

/// A part of the life of a cell before its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// It has not begun.
    Waiting,
    /// Images, bridges and instances are made.
    Provisioning,
    /// Members enter the cluster.
    Forming,
    /// The cluster becomes as planned.
    Settling,
    /// A step of a journey is taken.
    Stepping,
    /// Everything was done; tests judge what was seen, as the runner comes to them.
    Judging,
}

impl Doing {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Provisioning => "provisioning",
            Self::Forming => "forming",
            Self::Settling => "settling",
            Self::Stepping => "stepping",
            Self::Judging => "judging",
        }
    }
}

/// What is being done for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The part of its life.
    pub doing: Doing,
    /// What exactly, or what is waited for; a few words.
    pub detail: String,
}

impl OfCell for Activity {
    const DOCUMENT: CellDocument = CellDocument::Progress;
}

/// Where it is told what is being done for a cell, for other processes too.
#[derive(Debug, Clone)]
pub struct Progress {
    cell: CellFolder,
    /// The station of a journey that is on the way, which all details begin with.
    station: Option<String>,
}

impl Progress {
    /// The progress of the cell in this folder.
    pub fn new(dir: &Path) -> Self {
        Self { cell: CellFolder::new(dir), station: None }
    }

    /// The same, on the way to a station: `s2_remove_member_3`.
    pub fn to_station(&self, station: String) -> Self {
        Self { cell: self.cell.clone(), station: Some(station) }
    }

    /// Tells what is being done. That nobody can watch is no reason not to go on, so an error is only logged.
    pub fn tell(&self, doing: Doing, detail: impl Into<String>) {
        let detail = match &self.station {
            Some(station) => format!("{station}: {}", detail.into()),
            None => detail.into(),
        };
        if let Err(error) = self.cell.write(&Activity { doing, detail }) {
            tracing::warn!(%error, cause = %error.source, "progress is not told");
        }
    }

    /// What was told last; `None` before the first.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(&self) -> Result<Option<Activity>, FolderError> {
        self.cell.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_last_is_what_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let progress = Progress::new(folder.path());
        assert_eq!(progress.read().expect("none yet"), None);
        progress.tell(Doing::Waiting, "for a turn");
        progress.tell(Doing::Forming, "node-2 joins");
        let activity = Activity { doing: Doing::Forming, detail: "node-2 joins".to_owned() };
        assert_eq!(progress.read().expect("read"), Some(activity));
        progress.to_station("s2_remove_member_3".to_owned()).tell(Doing::Settling, "waiting for tunnels");
        let told = progress.read().expect("read").expect("told");
        assert_eq!(told.detail, "s2_remove_member_3: waiting for tunnels");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing half written stays");
    }
}
