//! The ways a run can be ended or disturbed.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;

use super::Field;
use super::jump::Jump;
use super::leftovers::{self, Role};
use testkit::cli::Failure;
use testkit::config::Config;
use testkit::host;

/// How far the clock jumps, in seconds.
const LEAP: i64 = 2 * 60 * 60;

/// A way to end a run or a part of it, or to make the host hard to live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// One test.
    Test,
    /// The test that plays the journey.
    Player,
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
    /// The disk that the run's records are on is full from then on.
    Disk,
    /// The storage pool is full from then on, until the run has ended.
    Pool,
    /// LXD, which is started again.
    Lxd,
    /// The host's clock is two hours ahead from then on, until the run has ended.
    ClockAhead,
    /// The host's clock is two hours back.
    ClockBack,
}

impl Attack {
    pub(super) const ALL: [Self; 13] = [
        Self::Test,
        Self::Player,
        Self::Runner,
        Self::Group,
        Self::Everything,
        Self::Terminate,
        Self::Interrupt,
        Self::OneOfTwo,
        Self::Disk,
        Self::Pool,
        Self::Lxd,
        Self::ClockAhead,
        Self::ClockBack,
    ];

    /// Whether this user and this host can do it.
    pub(super) fn is_possible(self, config: &Config) -> bool {
        match self {
            Self::Disk => rustix::process::geteuid().is_root(),
            Self::Pool => host::pool_folder(config).is_some(),
            Self::Lxd => host::started_lxd(&config.state_dir).is_some(),
            _ => true,
        }
    }

    /// Whether nobody is left to clean up, so that a sweep has to.
    pub(super) fn kills_the_reaper(self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Whether the run must not mind it, and end green.
    pub(super) fn is_harmless(self) -> bool {
        matches!(self, Self::ClockAhead | Self::ClockBack)
    }

    /// Does it to the run of `runner`, whose records are in `out`. `choice` picks among several. What is returned is to be
    /// dropped when the run has ended.
    pub(super) async fn strike(
        self,
        field: &Field,
        runner: &mut Child,
        out: &Path,
        choice: u64,
    ) -> Result<Option<Box<dyn Any>>, Failure> {
        let Some(pid) = runner.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else { return Ok(None) };
        // What has ended meanwhile cannot be killed any more, which is as good.
        let one = |pid, signal| {
            let _ = kill_process(pid, signal);
        };
        let group = |signal| {
            let _ = kill_process_group(pid, signal);
        };
        match self {
            Self::Test | Self::Player => {
                let role = if self == Self::Player { Role::Player } else { Role::Test };
                let tests = leftovers::processes(out, role);
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
            Self::Disk => SmallDisk::fill(out).map_err(Failure::usage)?,
            Self::Pool => return Ok(Some(Box::new(FullPool::fill(&field.config).map_err(Failure::usage)?))),
            Self::Lxd => restart_lxd(field).await?,
            Self::ClockAhead => return Ok(Some(Box::new(Jump::by(&field.lab, LEAP)?))),
            Self::ClockBack => return Ok(Some(Box::new(Jump::by(&field.lab, -LEAP)?))),
        }
        Ok(None)
    }
}

/// A file system of its own for the records of one run, so that filling it hurts nobody else. It goes when it is dropped.
pub(super) struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts it at `at`, a folder.
    pub(super) fn mount(at: &Path) -> io::Result<Self> {
        let options = c"size=8m,mode=0700";
        rustix::mount::mount("testkit-storm", at, "tmpfs", MountFlags::empty(), options)?;
        Ok(Self { at: at.to_owned() })
    }

    /// Writes until nothing more fits.
    fn fill(at: &Path) -> io::Result<()> {
        let mut file = File::create(at.join("filler"))?;
        match io::copy(&mut io::repeat(0), &mut file) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached: a process that still has a file of it open is reported as left, and the mount goes with it.
        if let Err(error) = rustix::mount::unmount(&self.at, UnmountFlags::DETACH) {
            eprintln!("{} stays mounted: {error}", self.at.display());
        }
    }
}

/// A storage pool in which nothing more fits. It has room again when this is dropped.
struct FullPool(PathBuf);

impl FullPool {
    /// Takes what is free, in pieces that get smaller.
    fn fill(config: &Config) -> io::Result<Self> {
        let folder = host::pool_folder(config).ok_or(io::ErrorKind::NotFound)?;
        let full = Self(folder.join("testkit-storm-filler"));
        let file = File::create(&full.0)?;
        let (mut length, mut piece) = (0, 1 << 32);
        while piece >= 1 << 16 {
            match rustix::fs::fallocate(&file, FallocateFlags::empty(), length, piece) {
                Ok(()) => length += piece,
                Err(rustix::io::Errno::NOSPC) => piece /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(full)
    }
}

impl Drop for FullPool {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// Kills the LXD that setup started, and has setup start it again.
async fn restart_lxd(field: &Field) -> Result<(), Failure> {
    if let Some(pid) = host::started_lxd(&field.config.state_dir).and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    match field.command(&["setup"], None).await? {
        true => Ok(()),
        false => Err(Failure::Usage("`testkit setup` did not start LXD again".to_owned())),
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "SIGKILL to a test",
            Self::Player => "SIGKILL to the player",
            Self::Runner => "SIGKILL to the runner",
            Self::Group => "SIGKILL to the process group",
            Self::Everything => "SIGKILL to the group and the reaper, sweep",
            Self::Terminate => "SIGTERM to the runner",
            Self::Interrupt => "Ctrl-C",
            Self::OneOfTwo => "SIGKILL to one of two runs",
            Self::Disk => "disk of the records full",
            Self::Pool => "storage pool full",
            Self::Lxd => "SIGKILL to LXD, restart",
            Self::ClockAhead => "clock 2 h ahead",
            Self::ClockBack => "clock 2 h back",
        })
    }
}
