//! Where the time of a cell went.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose time a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// Inside MicroOVN commands, and waits for what they set in motion.
    Product,
    /// LXD, the kernel, systemd and snapd.
    Lxd,
    /// The framework itself.
    Framework,
}

/// One stage of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What was done.
    pub name: String,
    /// Whose time it is.
    pub owner: Owner,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// The stages of one cell, appended to a file, one JSON line a stage.
#[derive(Debug, Clone)]
pub struct Timeline {
    path: PathBuf,
}

impl Timeline {
    /// The timeline of the cell in this folder.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("timeline.jsonl") }
    }

    /// Runs `work` as a stage and notes how long it took, whatever came of it.
    pub async fn stage<T>(&self, name: &str, owner: Owner, work: impl Future<Output = T>) -> T {
        let (at, started) = (Timestamp::now(), Instant::now());
        let result = work.await;
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(stage = name, ms, "done");
        // A timeline that cannot be written is a pity, not a failed test.
        if let Err(error) = self.append(&Stage { name: name.to_owned(), owner, at, ms }) {
            tracing::warn!(%error, path = %self.path.display(), "the timeline is not written");
        }
        result
    }

    fn append(&self, stage: &Stage) -> io::Result<()> {
        let mut line = serde_json::to_vec(stage)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&line)
    }

    /// The stages so far, in the order in which they ended.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(&self) -> io::Result<Vec<Stage>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stages_are_noted_with_their_owner_whatever_came_of_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let timeline = Timeline::new(folder.path());
        let failed: Result<(), ()> = timeline.stage("dialog", Owner::Product, async { Err(()) }).await;
        assert!(failed.is_err());
        timeline.stage("clone", Owner::Lxd, async {}).await;
        let stages = timeline.read().expect("read");
        assert_eq!(
            stages.iter().map(|s| (s.name.as_str(), s.owner)).collect::<Vec<_>>(),
            [("dialog", Owner::Product), ("clone", Owner::Lxd)]
        );
    }
}
