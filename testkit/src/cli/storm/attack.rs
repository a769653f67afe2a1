//! The ways a run can be ended.

use std::fmt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

use super::super::Failure;
use super::leftovers::{self, Role};
use crate::config::Config;
use crate::host;

/// A way to end a run, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// One test.
    Test,
    /// The runner.
    Runner,
    /// The runner's process group: runner and tests.
    Group,
    /// The group and the reaper.
    Everything,
    /// The runner is asked to end.
    Terminate,
    /// Ctrl-C: the group is interrupted.
    Interrupt,
    /// One of two runs at once on one LXD; the other must stay green.
    OneOfTwo,
    /// LXD, which is started again.
    Lxd,
}

impl Attack {
    pub(super) const ALL: [Self; 8] = [
        Self::Test,
        Self::Runner,
        Self::Group,
        Self::Everything,
        Self::Terminate,
        Self::Interrupt,
        Self::OneOfTwo,
        Self::Lxd,
    ];

    /// Whether nobody is left to clean up, so that a sweep has to.
    pub(super) fn kills_the_reaper(self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Does it to the run of `runner`, whose records are in `out`. `choice` picks among several.
    pub(super) async fn strike(
        self,
        config: &Config,
        runner: &mut Child,
        out: &Path,
        choice: u64,
    ) -> Result<(), Failure> {
        let Some(pid) = runner.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else { return Ok(()) };
        // What has ended meanwhile cannot be killed any more, which is as good.
        let one = |pid, signal| {
            let _ = kill_process(pid, signal);
        };
        let group = |signal| {
            let _ = kill_process_group(pid, signal);
        };
        match self {
            Self::Test => {
                let tests = leftovers::processes(out, Role::Test);
                if !tests.is_empty() {
                    let index = usize::try_from(choice).unwrap_or(0) % tests.len();
                    one(tests[index], Signal::KILL);
                }
            }
            Self::Runner => one(pid, Signal::KILL),
            Self::Group | Self::OneOfTwo => group(Signal::KILL),
            Self::Everything => {
                // The reaper first: it would notice the death of the runner.
                for reaper in leftovers::processes(out, Role::Reaper) {
                    one(reaper, Signal::KILL);
                }
                group(Signal::KILL);
                for other in leftovers::processes(out, Role::Any) {
                    one(other, Signal::KILL);
                }
            }
            Self::Terminate => one(pid, Signal::TERM),
            Self::Interrupt => group(Signal::INT),
            Self::Lxd => restart_lxd(config).await?,
        }
        Ok(())
    }
}

/// Kills the LXD that setup started, and has setup start it again.
async fn restart_lxd(config: &Config) -> Result<(), Failure> {
    if let Some(pid) = host::started_lxd(&config.state_dir).and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let mut command = Command::new(exe);
    command.arg("setup").current_dir(&config.root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().await.map_err(Failure::usage)?;
    if status.success() { Ok(()) } else { Err(Failure::Usage("`testkit setup` did not start LXD again".to_owned())) }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "SIGKILL to a test",
            Self::Runner => "SIGKILL to the runner",
            Self::Group => "SIGKILL to the process group",
            Self::Everything => "SIGKILL to the group and the reaper, sweep",
            Self::Terminate => "SIGTERM to the runner",
            Self::Interrupt => "Ctrl-C",
            Self::OneOfTwo => "SIGKILL to one of two runs",
            Self::Lxd => "SIGKILL to LXD, restart",
        })
    }
}
