//! What LXD was asked for again, because it had said that it never began with it. A run that passes all the same is no
//! less right for it, but whoever looks after the host wants to know how often it happens.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::folder::RunFolder;
use crate::microovn::redact;

/// One call that was made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// When.
    pub at: Timestamp,
    /// What was attempted, and on what.
    pub attempt: String,
    /// Why it had failed.
    pub said: String,
}

/// Notes in the run's folder that a call is made again now: one line, whole, whoever else writes.
pub fn note(run: &Path, clock: Clock, attempt: &str, said: &str) {
    let again = Again { at: clock.now(), attempt: redact(attempt), said: redact(said) };
    if let Err(error) = append(run, &again) {
        tracing::warn!(%error, attempt, "that it was tried again is not noted");
    }
}

fn append(run: &Path, again: &Again) -> io::Result<()> {
    let mut line = serde_json::to_vec(again)?;
    line.push(b'\n');
    OpenOptions::new().create(true).append(true).open(RunFolder::new(run).again())?.write_all(&line)
}

/// What was made again in the run in this folder.
///
/// # Errors
/// When what was noted is there and cannot be read.
pub fn read(run: &Path) -> io::Result<Vec<Again>> {
    match std::fs::read_to_string(RunFolder::new(run).again()) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
