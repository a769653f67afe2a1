//! The reaper: a detached process that outlives the runner and removes what its run made.
//!
//! nextest has no teardown hook and a test may be killed at any instruction, so nobody inside the run can be trusted
//! with its end. The reaper is armed before the first object is made, waits on a pidfd of the runner, and sweeps.
//!
//! CI systems end what a job has left: by a mark in its environment, by its process group or session, or by going down
//! from the job's own process. The reaper has none of the three: it is started with the variables that it needs and no
//! others, in a session of its own, and by a process that ends at once, so that it hangs below nobody.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use super::run::{RunError, io_error, runner_of};
use super::sweep::{self, SweepError, Swept, Target};
use super::{Kind, Ledger, Process, Run, RunId, lock};
use crate::config;
use crate::folder::RunFolder;
use crate::lxd::Client;
use crate::wait::{self, Pace, Poll, WaitError};

/// What the reaper prints once it holds on to the runner.
const ARMED: &str = "armed";
/// How long tests get to notice that their runner has ended. They watch it as the reaper does.
const TESTS_END: Duration = Duration::from_secs(20);
/// How long reapers may take. Each has its own, shorter deadlines.
const REAPERS: Pace = Pace::new(180, 200);

/// A reaper that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ReaperError {
    /// Its lock or log cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It did not start.
    #[error("failed to start the reaper {}", exe.display())]
    Spawn {
        /// The program.
        exe: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It started and ended before it was ready.
    #[error("the reaper ended before it was armed; see {}", log.display())]
    NotArmed {
        /// Its log.
        log: PathBuf,
    },
    /// It does not end.
    #[error("{0}")]
    AtWork(String),
}

/// What the detached process needs to know.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The run whose cell is to be removed; else all of the runner's go.
    pub run: RunId,
    /// Whose end to wait for.
    pub runner: Process,
    /// The folder of the runner's first round.
    pub folder: RunFolder,
    /// The one cell to remove, at once.
    pub cell: Option<String>,
}

impl Orders {
    fn of(run: &Run, cell: Option<&str>) -> Self {
        Self {
            run: run.id().clone(),
            runner: run.runner().clone(),
            folder: run.common().clone(),
            cell: cell.map(str::to_owned),
        }
    }

    fn command(&self, exe: &Path) -> Command {
        let mut command = Command::new(exe);
        command.args(["reap", "--run", &self.run.to_string(), "--runner", &self.runner.to_string()]);
        if let Some(cell) = &self.cell {
            command.args(["--cell", cell]);
        }
        command.arg("--dir").arg(self.folder.path());
        command
    }

    /// Starts the `testkit` command `exe` with these orders. On return it is nobody's child.
    fn detach(&self, exe: &Path, stdout: Stdio) -> Result<Option<ChildStdout>, ReaperError> {
        let log = self.folder.reaper_log();
        let output = OpenOptions::new().create(true).append(true).open(&log).map_err(io_error("open", &log))?;
        let start = || {
            let mut command = self.command(exe);
            command.arg("--apart").env_clear().envs(config::lasting());
            let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(output).spawn()?;
            let stdout = child.stdout.take();
            let status = child.wait()?;
            if status.success() {
                Ok(stdout)
            } else {
                Err(io::Error::other(format!("{status}; see {}", log.display())))
            }
        };
        start().map_err(|source| ReaperError::Spawn { exe: exe.to_owned(), source })
    }

    /// What a process does that was started only to start another with these orders: it leaves its session, and ends. The
    /// other is in a session that it does not lead, and that no process leads.
    ///
    /// # Errors
    /// When that cannot be started.
    pub fn step_apart(&self) -> io::Result<()> {
        // It fails only for a group leader, which has its own group already.
        let _ = rustix::process::setsid();
        self.command(&std::env::current_exe()?).spawn().map(drop)
    }
}

/// Makes sure that a reaper watches this run; returns once it does. `exe` is the `testkit` command.
///
/// # Errors
/// When it cannot be started; nothing may be made then.
pub async fn arm(run: &Run, exe: &Path) -> Result<(), ReaperError> {
    let path = run.common().arm_lock();
    let _one_at_a_time = lock::exclusive(&path).await.map_err(io_error("lock", &path))?;
    let held = run.common().reaper_lock();
    if lock::try_exclusive(&held).map_err(io_error("lock", &held))?.is_none() {
        return Ok(());
    }
    let stdout = Orders::of(run, None).detach(exe, Stdio::piped())?;
    let armed = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        let _ = stdout.map(|pipe| BufReader::new(pipe).read_line(&mut line));
        line.trim_end() == ARMED
    });
    let log = run.common().reaper_log();
    if armed.await.unwrap_or(false) { Ok(()) } else { Err(ReaperError::NotArmed { log }) }
}

/// Has a detached process remove what the run made for one cell, which nobody needs any more. Should it fail, the reaper does it when the run ends.
///
/// # Errors
/// When it cannot be started.
pub fn release(run: &Run, exe: &Path, cell: &str) -> Result<(), ReaperError> {
    Orders::of(run, Some(cell)).detach(exe, Stdio::null()).map(drop)
}

/// The detached process that [`release`] starts: removes that cell of the run.
///
/// # Errors
/// When the sweep cannot finish.
pub async fn remove_cell(
    orders: &Orders,
    cell: String,
    connect: impl AsyncFn() -> Result<Client, SweepError>,
) -> Result<Swept, SweepError> {
    // As long as it lives the run is open: the reaper would only be in its way, asking LXD for what is under way.
    let _open = lock::shared(&orders.folder.open_lock()).await;
    let client = connect().await?;
    sweep::sweep(&client, &Target::Cell(orders.run.clone(), cell), None).await
}

/// The detached process itself: waits for the runner to end, and sweeps what all of its rounds made.
///
/// # Errors
/// When the sweep cannot finish; the next run or `testkit sweep` tries again.
pub async fn reap(orders: &Orders, connect: impl AsyncFn() -> Result<Client, SweepError>) -> Result<Swept, SweepError> {
    let _held = match lock::try_exclusive(&orders.folder.reaper_lock()) {
        Ok(Some(file)) => file,
        // Another reaper was quicker; the run is watched all the same.
        _ => return Ok(Swept::default()),
    };
    let _ = writeln!(io::stdout(), "{ARMED}");
    if orders.runner.ended().await.is_err() {
        eprintln!("the kernel cannot say when the runner ends; sweeping by tags only");
    }
    let _closed = close(&orders.folder).await;
    let client = connect().await?;
    let ledger = Ledger::new(&orders.folder.ledger());
    let late = ledger.unanswered(Kind::Network)?;
    let mut swept = sweep::sweep(&client, &Target::Runner(orders.runner.clone()), Some(&ledger)).await?;
    swept.networks.extend(sweep::sweep_undone(&client, &[ledger]).await?);
    if !late.is_empty() {
        swept.networks.extend(sweep::sweep_late(&client, &orders.runner, &late).await?);
    }
    Ok(swept)
}

/// The ledgers of all runs recorded in `out_dir` whose runner has ended.
pub fn ledgers_of_the_dead(out_dir: &Path) -> Vec<Ledger> {
    dead(out_dir).map(|folder| Ledger::new(&folder.ledger())).collect()
}

fn dead(out_dir: &Path) -> impl Iterator<Item = RunFolder> {
    let runs = std::fs::read_dir(out_dir).into_iter().flatten().flatten();
    let runs = runs.map(|run| RunFolder::new(&run.path()));
    runs.filter(|folder| runner_of(folder).is_some_and(|runner| runner.is_alive() == Some(false)))
}

/// Waits until the reapers of all runs recorded in `out_dir` whose runner has ended are done.
///
/// # Errors
/// When a lock cannot be used, or one is at work for longer than its own deadlines allow.
pub async fn ended(out_dir: &Path) -> Result<(), ReaperError> {
    ended_within(out_dir, REAPERS).await
}

async fn ended_within(out_dir: &Path, pace: Pace) -> Result<(), ReaperError> {
    let ended = wait::until("the reapers of ended runs", pace, async || match at_work(out_dir) {
        Ok(logs) if logs.is_empty() => Poll::Ready(()),
        Ok(logs) => Poll::NotYet(format!("at work, see {}", logs.join(", "))),
        Err(error) => Poll::Failed(error),
    });
    ended.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => ReaperError::Run(source),
        late => ReaperError::AtWork(late.to_string()),
    })
}

/// The logs of those that are.
fn at_work(out_dir: &Path) -> Result<Vec<String>, RunError> {
    let mut logs = Vec::new();
    for folder in dead(out_dir) {
        let path = folder.reaper_lock();
        if path.exists() && !lock::is_free(&path).map_err(io_error("lock", &path))? {
            logs.push(folder.reaper_log().display().to_string());
        }
    }
    Ok(logs)
}

/// Waits until no test of the run is left that could still make something, and nobody who removes a cell of it. Tests end
/// with their runner; one that does not (a stopped process) must not keep the cluster alive, so the wait is bounded.
async fn close(folder: &RunFolder) -> Option<File> {
    tokio::time::timeout(TESTS_END, lock::exclusive(&folder.open_lock())).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_reaper_that_is_at_work_is_waited_for_and_named_if_that_is_long() {
        let out = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::new(&out.path().join("r"));
        std::fs::create_dir(folder.path()).expect("a folder");
        let ended_one = Process { started: 1, ..Process::current() };
        std::fs::write(folder.runner(), ended_one.to_string()).expect("written");
        let held = lock::try_exclusive(&folder.reaper_lock()).expect("a lock").expect("free");
        let short = Pace { deadline: Duration::from_millis(50), every: Duration::from_millis(5) };
        let late = ended_within(out.path(), short).await.expect_err("it is at work").to_string();
        assert!(late.contains(&format!("last seen: at work, see {}", folder.reaper_log().display())), "{late}");
        let waiting = ended(out.path());
        let end = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        tokio::join!(waiting, end).0.expect("it has ended");
    }

    #[tokio::test]
    async fn the_run_is_swept_when_those_who_remove_its_cells_are_done() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat starts");
        let runner = Process::find(child.id()).expect("it runs");
        drop(child.stdin.take());
        child.wait().expect("it ends");
        let orders = Orders {
            run: RunId::new("a".to_owned()).expect("an id"),
            runner,
            folder: RunFolder::new(dir.path()),
            cell: None,
        };
        let refused = || Err(SweepError::Connect("refused".into()));
        let (begun, beginning) = oneshot::channel();
        let (done, end) = oneshot::channel::<()>();
        let (begun, end) = (std::cell::Cell::new(Some(begun)), tokio::sync::Mutex::new(end));
        let removing = remove_cell(&orders, "cell".to_owned(), async || {
            if let Some(begun) = begun.take() {
                begun.send(()).expect("somebody waits");
            }
            let _ = (&mut *end.lock().await).await;
            refused()
        });
        let swept = std::cell::Cell::new(false);
        let reaping = async {
            beginning.await.expect("the cell is being removed");
            let sweeping = reap(&orders, async || {
                swept.set(true);
                refused()
            });
            tokio::pin!(sweeping);
            let early = tokio::time::timeout(Duration::from_millis(300), &mut sweeping).await;
            assert!(early.is_err() && !swept.get(), "swept meanwhile");
            done.send(()).expect("somebody waits");
            sweeping.await
        };
        let (removed, reaped) = tokio::join!(removing, reaping);
        assert!(removed.is_err() && reaped.is_err() && swept.get());
    }
}
