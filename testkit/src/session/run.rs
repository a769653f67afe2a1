//! One run: all tests that one runner starts.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::runner::{self, RunnerError};
use super::{Ledger, Process, lock};
use crate::clock::Clock;
use crate::config::{Config, Nextest, Round};
use crate::folder::{self, FolderError, RunFolder};

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

    /// The id of a round of a run that nextest names, or else of the run of a runner's process, which may have one for each
    /// snap that it tests.
    fn derive(nextest: Option<&Nextest>, runner: &Process, snap: Option<&Path>) -> Self {
        let seed = match nextest {
            None => snap.map_or_else(|| runner.to_string(), |snap| format!("{runner}, {}", snap.display())),
            Some(Nextest { run, round }) if *round == Round::FIRST => run.clone(),
            Some(Nextest { run, round }) => format!("{run}, {round}"),
        };
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
///
/// What nextest repeats ([`Round`]) is a run of its own, with its own id, folder and clusters. What there is once for a
/// runner (the reaper, the ledger, turns, what was found out once) is in the folder of its first round.
#[derive(Debug, Clone)]
pub struct Run {
    id: RunId,
    runner: Process,
    nextest: Option<Nextest>,
    first: RunId,
    folder: RunFolder,
    common: RunFolder,
    clock: Clock,
    _open: Arc<File>,
}

/// A run that cannot be taken part in.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not known whose it is.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// What is to be remembered in its folder cannot be.
    #[error(transparent)]
    Folder(#[from] FolderError),
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
        let runner = runner::find(config.nextest.as_ref().map(|nextest| nextest.run.as_str()))?;
        let nextest = config.nextest.clone().filter(|_| runner.nextest);
        Self::open(config, nextest, runner.process).await
    }

    /// A run of which this process itself is the runner, as for `testkit up`: one for each snap that it tests.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn start(config: &Config) -> Result<Self, RunError> {
        Self::open(config, None, Process::current()).await
    }

    async fn open(config: &Config, nextest: Option<Nextest>, runner: Process) -> Result<Self, RunError> {
        let of = |nextest: Option<&Nextest>| RunId::derive(nextest, &runner, config.snap.as_deref());
        let (id, first) = (of(nextest.as_ref()), of(nextest.clone().map(Nextest::first).as_ref()));
        let [folder, common] = [&id, &first].map(|id| RunFolder::of(&config.out_dir, id));
        for path in [folder.path(), common.path()] {
            private_dir(path).map_err(io_error("create the run's folder", path))?;
        }
        let path = common.open_lock();
        let open = lock::shared(&path).await.map_err(io_error("lock", &path))?;
        let note = common.runner();
        fs::write(&note, runner.to_string()).map_err(io_error("write", &note))?;
        let mut run = Self { id, runner, nextest, first, folder, common, clock: Clock::start(), _open: Arc::new(open) };
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

    /// What nextest says of it; `None` where it has another runner.
    pub fn nextest(&self) -> Option<&Nextest> {
        self.nextest.as_ref()
    }

    /// The id of the first round of its runner, which is its own where nothing is repeated.
    pub fn first(&self) -> &RunId {
        &self.first
    }

    /// Where its records are: `target/testkit/<run>`.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Its folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The folder of that which there is once for its runner.
    pub fn common(&self) -> &RunFolder {
        &self.common
    }

    /// What its processes note moments by: the wall clock as it was when the run began.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What its runner's tests made.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.common.ledger())
    }

    /// What `make` gives, made once for the runner and remembered under `name` for its other processes.
    ///
    /// # Errors
    /// Those of `make`, which is tried again by the next to ask, or when the run's folder cannot be used.
    pub async fn once<T, E>(&self, name: &str, make: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<RunError>,
    {
        let (path, lock_path) = self.common.once(name);
        let _alone = lock::exclusive(&lock_path).await.map_err(io_error("lock", &lock_path))?;
        // One that does not parse is another version's.
        if let Ok(Some(made)) = folder::read(&path) {
            return Ok(made);
        }
        let made = make().await?;
        folder::write(&path, &made).map_err(RunError::from)?;
        Ok(made)
    }

    /// What `make` gives, made anew where that was longer ago than it `lasts`, and remembered under `name` for the runner's
    /// other processes. Nobody makes it while another does.
    ///
    /// # Errors
    /// Those of `make`, or when the run's folder cannot be used.
    pub async fn recent<T, E>(
        &self,
        name: &str,
        lasts: Duration,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<RunError>,
    {
        let (path, lock_path) = self.common.once(name);
        // A moment to come is of a clock that was set back: what was made then is made anew.
        let age = || fs::metadata(&path).ok()?.modified().ok()?.elapsed().ok();
        let find = || age().filter(|age| *age < lasts).and_then(|_| folder::read(&path).ok().flatten());
        if let Some(found) = find() {
            return Ok(found);
        }
        let _alone = lock::exclusive(&lock_path).await.map_err(io_error("lock", &lock_path))?;
        if let Some(found) = find() {
            return Ok(found);
        }
        let made = make().await?;
        folder::write(&path, &made).map_err(RunError::from)?;
        Ok(made)
    }

    /// What has this name, held against the run's other processes until it is dropped; `None` where one of them has it.
    ///
    /// # Errors
    /// When the run's folder cannot be used.
    pub fn hold(&self, name: &str) -> Result<Option<File>, RunError> {
        let path = self.folder.held(name);
        let folder = self.folder.turns();
        fs::create_dir_all(&folder).map_err(io_error("create", &folder))?;
        lock::try_exclusive(&path).map_err(io_error("lock", &path))
    }

    /// The folder of one cell, made when absent: `target/testkit/<run>/<cell>`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn cell_dir(&self, cell: &str) -> Result<PathBuf, RunError> {
        let dir = self.folder.cell(cell).path().to_owned();
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

/// The runner of the run in this folder; `None` when the folder is not a run's.
pub(super) fn runner_of(folder: &RunFolder) -> Option<Process> {
    fs::read_to_string(folder.runner()).ok()?.parse().ok()
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
        let of = |run: &str, runner| RunId::derive(Some(&nextest(run, 0, 1)), runner, None);
        assert_eq!(of("a", &runner), of("a", &other));
        assert_ne!(of("a", &runner), of("b", &runner));
        let by = |runner, snap: Option<&str>| RunId::derive(None, runner, snap.map(Path::new));
        assert_ne!(by(&runner, None), by(&other, None));
        assert_eq!(by(&runner, None).to_string().len(), 8);
        // A command that tests one snap after the other asks each what it can do.
        assert_ne!(by(&runner, Some("a.snap")), by(&runner, Some("b.snap")));
    }

    fn nextest(run: &str, stress: u32, attempt: u32) -> Nextest {
        Nextest { run: run.to_owned(), round: Round { stress, attempt } }
    }

    #[tokio::test]
    async fn a_round_is_a_run_of_its_own_and_has_a_reaper_with_the_others() {
        let out = tempfile::tempdir().expect("a folder");
        let flags = Layer { out_dir: Some(out.path().to_owned()), ..Layer::default() };
        let config = Config::resolve(flags).expect("a workspace");
        let mut runs = Vec::new();
        for (stress, attempt) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
            runs.push(
                Run::open(&config, Some(nextest("a", stress, attempt)), Process::current()).await.expect("a run"),
            );
        }
        let dirs: std::collections::BTreeSet<_> = runs.iter().map(|run| run.dir().to_owned()).collect();
        assert_eq!(dirs.len(), runs.len(), "{dirs:?}");
        assert!(runs.iter().all(|run| run.common() == runs[0].folder() && run.first() == runs[0].id()));
        assert!(runs.iter().all(|run| run.clock() == runs[0].clock()));
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

    #[tokio::test]
    async fn what_is_recent_is_made_once_for_all_and_anew_when_it_is_old() {
        let out = tempfile::tempdir().expect("a folder");
        let flags = Layer { out_dir: Some(out.path().to_owned()), ..Layer::default() };
        let config = Config::resolve(flags).expect("a workspace");
        let runs = [Run::start(&config).await.expect("a run"), Run::start(&config).await.expect("the same run")];
        let made = std::cell::Cell::new(0);
        let look = async |run: &Run, lasts| {
            let make = async || {
                made.set(made.get() + 1);
                Ok::<_, RunError>(made.get())
            };
            run.recent("members", lasts, make).await.expect("made")
        };
        let hour = Duration::from_secs(3600);
        assert_eq!((look(&runs[0], hour).await, look(&runs[1], hour).await), (1, 1));
        assert_eq!((look(&runs[1], Duration::ZERO).await, look(&runs[0], hour).await), (2, 2));
    }

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for bad in ["", "..", "a/b", "a b", "0123456789abcdef0"] {
            assert_eq!(RunId::new(bad.into()), None, "{bad:?}");
        }
    }
}
