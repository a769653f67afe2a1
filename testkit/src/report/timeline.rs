//! Where the time of a cell went.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Work;
use crate::clock::Clock;
use crate::folder::CellFolder;

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
    #[serde(rename = "name")]
    pub work: Work,
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
    clock: Clock,
}

impl Timeline {
    /// The timeline of the cell in this folder, on the clock of its run.
    pub fn new(dir: &Path, clock: Clock) -> Self {
        Self { path: CellFolder::new(dir).timeline(), clock }
    }

    /// Does what is to be done as a stage and notes how long it took, whatever came of it.
    pub async fn stage<T>(&self, work: Work, owner: Owner, doing: impl Future<Output = T>) -> T {
        let (at, started) = (self.clock.now(), Instant::now());
        let result = doing.await;
        self.note(work, owner, at, started.elapsed());
        result
    }

    /// Notes a stage that began `at`, by the same clock, and has ended now.
    pub fn since(&self, work: Work, owner: Owner, at: Timestamp) {
        self.note(work, owner, at, Duration::try_from(self.clock.now().duration_since(at)).unwrap_or_default());
    }

    fn note(&self, work: Work, owner: Owner, at: Timestamp, took: Duration) {
        let ms = between_milliseconds(at, took);
        tracing::info!(stage = %work, ms, "done");
        // A timeline that cannot be written is a pity, not a failed test.
        if let Err(error) = self.append(&Stage { work, owner, at, ms }) {
            tracing::warn!(%error, path = %self.path.display(), "the timeline is not written");
        }
    }

    fn append(&self, stage: &Stage) -> io::Result<()> {
        let mut line = serde_json::to_vec(stage)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&line)
    }
}

/// The stages so far of the cell in this folder, in the order in which they ended.
///
/// # Errors
/// When its timeline is there and cannot be read.
pub fn read(dir: &Path) -> io::Result<Vec<Stage>> {
    match std::fs::read_to_string(CellFolder::new(dir).timeline()) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let file = CellFolder::new(dir).timeline();
            Err(io::Error::new(error.kind(), format!("{}: {error}", file.display())))
        }
    }
}

/// From the millisecond of the begin to the millisecond of the end, so that a stage that begins when another ends leaves
/// no gap of a millisecond between them.
fn between_milliseconds(at: Timestamp, took: Duration) -> u64 {
    let end = at.checked_add(took).map_or(i64::MAX, |end| end.as_millisecond());
    u64::try_from(end - at.as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_one_after_the_other_leave_no_gap() {
        let begin = Timestamp::from_nanosecond(1_000_700_000).expect("in range");
        let took = Duration::from_micros(900);
        let next = begin.checked_add(took).expect("in range");
        let ends = begin.as_millisecond() + i64::try_from(between_milliseconds(begin, took)).expect("short");
        assert_eq!(ends, next.as_millisecond());
        assert_eq!(between_milliseconds(begin, Duration::from_micros(200)), 0);
    }

    #[tokio::test]
    async fn stages_are_noted_by_the_clock_of_the_run_and_not_by_the_wall_clock() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::saying("2020-02-29T12:00:00Z".parse().expect("a time"));
        let began = clock.now();
        let timeline = Timeline::new(folder.path(), clock);
        timeline.stage(Work::Clone(1), Owner::Lxd, async {}).await;
        timeline.since(Work::Connect, Owner::Framework, began);
        for stage in read(folder.path()).expect("read") {
            assert!(began <= stage.at && stage.at <= clock.now() && stage.ms < 60_000, "{stage:?}");
        }
    }

    #[tokio::test]
    async fn stages_are_noted_with_their_owner_whatever_came_of_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let timeline = Timeline::new(folder.path(), Clock::start());
        let failed: Result<(), ()> = timeline.stage(Work::Join, Owner::Product, async { Err(()) }).await;
        assert!(failed.is_err());
        timeline.stage(Work::Clone(1), Owner::Lxd, async {}).await;
        let stages = read(folder.path()).expect("read");
        assert_eq!(
            stages.iter().map(|s| (s.work.clone(), s.owner)).collect::<Vec<_>>(),
            [(Work::Join, Owner::Product), (Work::Clone(1), Owner::Lxd)]
        );
    }
}
