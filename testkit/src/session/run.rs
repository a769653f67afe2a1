//! One run: all tests that one runner starts.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Ledger, Process, lock};
use crate::clock::Clock;
use crate::config::Config;

/// The short name of a run: eight hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// An id from text; `None` unless it is letters and digits, up to sixteen of them.
    pub fn new(text: String) -> Option<Self> {
        let fits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then_some(Self(text))
    }

    /// The id of a run that nextest names, or else of the runner's process.
    fn derive(nextest_run: Option<&str>, runner: &Process) -> Self {
        let seed = nextest_run.map_or_else(|| runner.to_string(), str::to_owned);
        let digest = Sha256::digest(seed.as_bytes());
        Self(digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The part that instance names carry to keep runs apart.
    pub fn short(&self) -> &str {
        self.0.get(..6).unwrap_or(&self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run this process takes part in. While it lives, the reaper knows that objects may still be made.
#[derive(Debug, Clone)]
pub struct Run {
    id: RunId,
    runner: Process,
    dir: PathBuf,
    clock: Clock,
    _open: Arc<File>,
}

/// A run that cannot be taken part in.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runner is gone already.
    #[error("the test runner (pid {0}) has ended; nothing is started for a run that is over")]
    RunnerEnded(u32),
    /// Its folder cannot be used.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Attaches path and action to an I/O error.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::Io { action, path, source }
}

impl Run {
    /// Takes part in the run of the process that started this one, making its folder when this is the first test.
    ///
    /// # Errors
    /// When the runner has ended or the folder cannot be made.
    pub async fn join(config: &Config) -> Result<Self, RunError> {
        let parent = std::os::unix::process::parent_id();
        let runner = Process::parent().ok_or(RunError::RunnerEnded(parent))?;
        // A test that outlives its runner is given to another parent, which knows nothing of the run and never ends.
        if !is_runner(&runner.name(), runner.pid, config.nextest_run.is_some()) {
            return Err(RunError::RunnerEnded(parent));
        }
        let id = RunId::derive(config.nextest_run.as_deref(), &runner);
        Self::open(config, id, runner).await
    }

    /// A run of which this process itself is the runner, as for `testkit up`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn start(config: &Config) -> Result<Self, RunError> {
        let runner = Process::current();
        Self::open(config, RunId::derive(None, &runner), runner).await
    }

    async fn open(config: &Config, id: RunId, runner: Process) -> Result<Self, RunError> {
        let dir = config.out_dir.join(id.to_string());
        private_dir(&dir).map_err(io_error("create the run's folder", &dir))?;
        let path = dir.join(OPEN);
        let open = lock::shared(&path).await.map_err(io_error("lock", &path))?;
        let note = dir.join(RUNNER);
        fs::write(&note, runner.to_string()).map_err(io_error("write", &note))?;
        let mut run = Self { id, runner, dir, clock: Clock::start(), _open: Arc::new(open) };
        // The first to come starts it, so that what the run's processes note lies as far apart as it was.
        run.clock = run.once("clock", async || Ok::<_, RunError>(run.clock)).await?;
        Ok(run)
    }

    /// Its id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The process whose end is the end of the run.
    pub fn runner(&self) -> &Process {
        &self.runner
    }

    /// Where its records are: `target/testkit/<run>`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What its processes note moments by: the wall clock as it was when the run began.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What it made.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&ledger_path(&self.dir))
    }

    /// What `make` gives, made once in the run and remembered under `name` for its other processes.
    ///
    /// # Errors
    /// Those of `make`, which is tried again by the next to ask, or when the run's folder cannot be used.
    pub async fn once<T, E>(&self, name: &str, make: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<RunError>,
    {
        let path = self.dir.join(format!("{name}.json"));
        let lock_path = path.with_extension("lock");
        let _alone = lock::exclusive(&lock_path).await.map_err(io_error("lock", &lock_path))?;
        // Written before the lock is given back, so that nobody reads half of it; one that does not parse was cut
        // short by the death of its writer.
        if let Some(made) = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(made);
        }
        let made = make().await?;
        let bytes = serde_json::to_vec(&made).map_err(io::Error::from).map_err(io_error("encode", &path))?;
        fs::write(&path, bytes).map_err(io_error("write", &path))?;
        Ok(made)
    }

    /// The folder of one cell, made when absent: `target/testkit/<run>/<cell>`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn cell_dir(&self, cell: &str) -> Result<PathBuf, RunError> {
        let dir = self.dir.join(cell);
        private_dir(&dir).map_err(io_error("create the cell's folder", &dir))?;
        Ok(dir)
    }

    /// Ends this process as soon as the runner has ended: a test without a runner has nobody to report to, and
    /// the reaper waits for it.
    pub fn end_with_runner(&self) {
        let runner = self.runner.clone();
        tokio::spawn(async move {
            if runner.ended().await.is_ok() {
                std::process::exit(130);
            }
        });
    }
}

/// Whether a process of this name and id can have started a test: nextest, where nextest says that it did, and else
/// anything but the first process of the system, unless that is cargo itself, as in a container.
fn is_runner(name: &str, pid: u32, nextest: bool) -> bool {
    if nextest { name.contains("nextest") } else { pid != 1 || name.starts_with("cargo") }
}

/// Held shared by whoever takes part in the run.
pub(super) const OPEN: &str = "open.lock";
/// The file that names the runner.
const RUNNER: &str = "runner";

/// The runner of the run in this folder; `None` when the folder is not a run's.
pub(super) fn runner_of(dir: &Path) -> Option<Process> {
    fs::read_to_string(dir.join(RUNNER)).ok()?.parse().ok()
}

/// The ledger of the run in this folder.
pub(super) fn ledger_path(dir: &Path) -> PathBuf {
    dir.join("ledger.jsonl")
}

/// Makes a folder that only its owner can enter, with its parents.
fn private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    #[test]
    fn the_id_follows_nextest_and_else_the_runner() {
        let runner = Process::current();
        let other = Process { started: runner.started + 1, ..runner.clone() };
        assert_eq!(RunId::derive(Some("a"), &runner), RunId::derive(Some("a"), &other));
        assert_ne!(RunId::derive(Some("a"), &runner), RunId::derive(Some("b"), &runner));
        assert_ne!(RunId::derive(None, &runner), RunId::derive(None, &other));
        assert_eq!(RunId::derive(None, &runner).to_string().len(), 8);
    }

    #[tokio::test]
    async fn whoever_takes_part_later_goes_by_the_clock_of_the_first() {
        let out = tempfile::tempdir().expect("a folder");
        let flags = Layer { out_dir: Some(out.path().to_owned()), ..Layer::default() };
        let config = Config::resolve(flags).expect("a workspace");
        let first = Run::start(&config).await.expect("a run");
        let second = Run::start(&config).await.expect("the same run");
        assert_eq!((second.dir(), second.clock()), (first.dir(), first.clock()));
    }

    #[test]
    fn a_test_that_was_orphaned_has_no_runner() {
        for (name, pid, nextest, wanted) in [
            ("cargo-nextest", 4711, true, true),
            ("cargo-nextest", 1, true, true),
            ("systemd", 1, true, false),
            ("systemd", 900, true, false),
            ("cargo", 4711, false, true),
            ("bash", 4711, false, true),
            ("cargo", 1, false, true),
            ("systemd", 1, false, false),
        ] {
            assert_eq!(is_runner(name, pid, nextest), wanted, "{name} {pid} {nextest}");
        }
    }

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for bad in ["", "..", "a/b", "a b", "0123456789abcdef0"] {
            assert_eq!(RunId::new(bad.into()), None, "{bad:?}");
        }
    }
}
