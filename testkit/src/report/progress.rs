//! What is being done for a cell at this moment, for who watches the run.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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
}

impl Doing {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Provisioning => "provisioning",
            Self::Forming => "forming",
            Self::Settling => "settling",
        }
    }
}

/// What is being done for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The part of its life.
    pub doing: Doing,
    /// What exactly, or what is waited for; a few words.
    pub detail: String,
}

/// Where the step of a cell is told, for other processes too.
#[derive(Debug, Clone)]
pub struct Progress {
    path: PathBuf,
}

impl Progress {
    /// The progress of the cell in this folder.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("progress.json") }
    }

    /// Tells the step. That nobody can watch is no reason not to go on, so an error is only logged.
    pub fn tell(&self, doing: Doing, detail: impl Into<String>) {
        if let Err(error) = self.write(&Step { doing, detail: detail.into() }) {
            tracing::warn!(%error, path = %self.path.display(), "progress is not told");
        }
    }

    /// Whole or not at all: it is read while it is written.
    fn write(&self, step: &Step) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(&serde_json::to_vec(step)?)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }

    /// The last step told; `None` before the first.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(&self) -> io::Result<Option<Step>> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_what_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let progress = Progress::new(folder.path());
        assert_eq!(progress.read().expect("none yet"), None);
        progress.tell(Doing::Waiting, "for a turn");
        progress.tell(Doing::Forming, "node-2 joins");
        let step = Step { doing: Doing::Forming, detail: "node-2 joins".to_owned() };
        assert_eq!(progress.read().expect("read"), Some(step));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing half written stays");
    }
}
