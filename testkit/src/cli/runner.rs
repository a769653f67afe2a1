//! A runner that is at work: showing the state of every suite, and passing on an interrupt.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use duct::Expression;
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use super::suites::Suite;
use super::watch::{self, Watch};
use crate::config::Config;
use crate::record;
use crate::session::Process;

/// nextest's exit code when tests failed; others say that it did not run them (nextest's `NextestExitCode`).
const TESTS_FAILED: i32 = 100;
/// How long a runner has to act on an interrupt that came to both: its own grace for its tests, and some.
const GRACE: Duration = Duration::from_secs(15);

/// How a runner ended.
pub(super) enum End {
    /// Every test passed.
    Good,
    /// Tests failed, or it was interrupted.
    Failed,
    /// Something kept it from running tests.
    NotRun(String),
}

impl End {
    pub(super) fn of(status: ExitStatus, interrupted: bool) -> Self {
        match status.code() {
            Some(0) => Self::Good,
            Some(TESTS_FAILED) => Self::Failed,
            _ if interrupted => Self::Failed,
            Some(code) => Self::NotRun(format!("ended with exit code {code}")),
            None => Self::NotRun("was killed".to_owned()),
        }
    }
}

/// A runner that has ended.
pub(super) struct Followed {
    pub(super) end: End,
    /// What it said, where it did not say that on the terminal itself.
    pub(super) output: String,
    /// The folder of its run, where a check came to make it.
    pub(super) dir: Option<PathBuf>,
    /// Whether somebody did not want it to go on.
    pub(super) interrupted: bool,
}

/// Runs the runner and shows the state of every suite until it has ended. An interrupt is the runner's to act on; one
/// that does not reach it is passed on.
pub(super) async fn follow(
    config: &Config,
    command: &Expression,
    suites: &[Suite],
    repeats: bool,
) -> Result<Followed, Failure> {
    let names = || suites.iter().map(Suite::name);
    let mut watch = Watch::new(names());
    let said = tempfile::NamedTempFile::new().map_err(Failure::usage)?;
    let command = match watch::on_terminal() {
        // Only one of the two can write to a terminal.
        true => command.stderr_to_stdout().stdout_path(said.path()),
        false => command.clone(),
    };
    // cargo becomes the runner, so that its process id is that of the run's runner.
    let runner = command.start().map_err(Failure::usage)?;
    let pids = runner.pids();
    let runners: Vec<Process> = pids.iter().filter_map(|pid| Process::find(*pid)).collect();
    let of_runner = || runners.iter().find_map(|runner| record::of_runner(&config.out_dir, runner));
    let mut interrupts = signal(SignalKind::interrupt()).map_err(Failure::usage)?;
    let mut interrupted: Option<Instant> = None;
    let mut dir = None;
    let mut looks = tokio::time::interval(watch::LOOK);
    let end = loop {
        tokio::select! {
            _ = looks.tick() => {}
            Some(()) = interrupts.recv() => interrupted = interrupted.or_else(|| Some(Instant::now())),
        }
        if let Some(ended) = runner.try_wait().map_err(Failure::usage)? {
            break End::of(ended.status, interrupted.is_some());
        }
        if interrupted.is_some_and(|at| at.elapsed() > GRACE) {
            interrupted = Some(Instant::now());
            for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
                // It has ended meanwhile, or else hears it.
                let _ = rustix::process::kill_process(pid, Signal::INT);
            }
        }
        if dir.is_none() || repeats {
            let latest = of_runner();
            if dir.is_some() && dir != latest {
                watch.end();
                watch = Watch::new(names());
            }
            dir = latest;
        }
        match &dir {
            Some(dir) => watch.look(dir),
            None => watch.prelude(&last_line(said.path())),
        }
    };
    dir = of_runner().or(dir);
    if let Some(dir) = &dir {
        watch.look(dir);
    }
    watch.end();
    let output = std::fs::read_to_string(said.path()).unwrap_or_default();
    Ok(Followed { end, output, dir, interrupted: interrupted.is_some() })
}

/// What the runner does before the first check: what cargo says last.
fn last_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    strip_ansi_escapes::strip_str(last).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_that_came_to_no_test_is_no_failed_check() {
        use std::os::unix::process::ExitStatusExt;
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        assert!(matches!(End::of(exited(0), false), End::Good));
        assert!(matches!(End::of(exited(100), false), End::Failed));
        assert!(matches!(End::of(exited(101), false), End::NotRun(how) if how == "ended with exit code 101"));
        assert!(matches!(End::of(ExitStatus::from_raw(9), false), End::NotRun(how) if how == "was killed"));
        assert!(matches!(End::of(ExitStatus::from_raw(2), true), End::Failed));
    }
}
