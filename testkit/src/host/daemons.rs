//! Starts LXD or Incus where one is installed and nothing runs it, and stops what was started.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::SetupOptions;
use super::error::Error;
use super::limits::is_root;
use super::mounts::{LXCFS, unmount_below};
use super::packages::{has_program, incusd};
use super::processes::{detach, ended_within, has_ended, log_path, signal};
use super::search::{INCUS_DIRS, LXD_DIRS};
use super::state::State;
use crate::daemon::Daemon;
use crate::image::{Program, Progress};
use crate::lxd::{Client, Endpoint};
use crate::wait::{self, Pace, Poll};

/// LXD's first start makes its database and certificates.
const START: Pace = Pace::new(60, 100);

/// Where the words of one that is managed are.
fn journal(daemon: Daemon) -> &'static str {
    match daemon {
        Daemon::Lxd => "see `journalctl -u lxd -u snap.lxd.daemon`",
        Daemon::Incus => "see `journalctl -u incus`",
    }
}

const STOP: Duration = Duration::from_secs(15);

/// What root types to start one that something manages; `None` where nothing does.
pub(super) fn start_command(daemon: Daemon) -> Option<&'static [&'static str]> {
    if !Path::new("/run/systemd/system").exists() {
        return None;
    }
    Some(match daemon {
        Daemon::Lxd if Path::new("/snap/bin/lxd").exists() => &["snap", "start", "lxd"],
        Daemon::Lxd => &["systemctl", "start", "lxcfs.service", "lxd.socket", "lxd.service"],
        Daemon::Incus => &["systemctl", "start", "incus.socket", "incus.service"],
    })
}

/// Starts one of the two, through whatever manages daemons here; where nothing does, detached, together with lxcfs.
pub(super) async fn start(
    daemon: Daemon,
    options: &SetupOptions,
    state: &mut State,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<Endpoint, Error> {
    if !is_root() {
        let start = start_command(daemon).map_or_else(|| "make setup".to_owned(), |start| start.join(" "));
        let mend = format!("root must start it: `sudo {start}`");
        return Err(Error::Host { problem: format!("{daemon} is not running"), mend });
    }
    progress(&format!("starting {daemon}"));
    let managed = start_command(daemon).filter(|_| options.lxd_dir.is_none());
    let usual = match daemon {
        Daemon::Lxd => LXD_DIRS[1],
        Daemon::Incus => INCUS_DIRS[1],
    };
    let (dir, name) = if let Some([program, args @ ..]) = managed {
        run(&format!("start {daemon}"), program, args, journal(daemon))?;
        (PathBuf::from(if *program == "snap" { LXD_DIRS[0] } else { usual }), "")
    } else {
        check_cgroups()?;
        let dir = options.lxd_dir.clone().unwrap_or_else(|| PathBuf::from(usual));
        let dir = std::path::absolute(&dir).map_err(Error::file("find", &dir))?;
        start_lxcfs(state)?;
        fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
        // Who is in the group may use it; the distribution's package makes one.
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let has_group = groups.lines().any(|line| line.split(':').next() == Some(daemon.group()));
        let args = ["--group", if has_group { daemon.group() } else { "root" }];
        let (name, program, template) = match daemon {
            Daemon::Lxd => ("lxd", PathBuf::from("lxd"), "LXD_LXC_TEMPLATE_CONFIG"),
            Daemon::Incus => {
                ("incusd", incusd().unwrap_or_else(|| PathBuf::from("incusd")), "INCUS_LXC_TEMPLATE_CONFIG")
            }
        };
        let env = [(template, "/usr/share/lxc/config".as_ref()), (daemon.folder_variable(), dir.as_os_str())];
        detach(state, name, program.as_os_str(), &args, &env, Some(&dir))?;
        (dir, name)
    };
    let endpoint = Endpoint::Unix(dir.join("unix.socket"));
    let answering =
        wait::until(format!("{daemon} to answer"), START, async || match Client::connect(&endpoint).await {
            Ok(_) => Poll::Ready(()),
            Err(error) => Poll::<_, Infallible>::NotYet(error.to_string()),
        });
    let log = log_path(state, name);
    let mend = || match managed {
        Some(_) => journal(daemon).to_owned(),
        None => format!("read what it said in {}", log.display()),
    };
    let late = |late| Error::Host { problem: format!("{daemon} does not start: {late}"), mend: mend() };
    answering.await.map_err(late)?;
    changes.push(format!("started {daemon} in {}", dir.display()));
    Ok(endpoint)
}

/// Stops what [`start`] started and nothing managed, last first.
pub(super) async fn stop(state: &mut State, changes: &mut Vec<String>) -> Result<(), Error> {
    while let Some(daemon) = state.daemons.last().cloned() {
        if !has_ended(&daemon) {
            signal(&daemon, Signal::TERM);
            if ended_within(&daemon, STOP).await {
                changes.push(format!("stopped {}", daemon.name));
            } else {
                // LXD may wait minutes for connections that nobody holds any more. What was ours in it is gone by
                // now, and its database survives a kill.
                signal(&daemon, Signal::KILL);
                if !ended_within(&daemon, STOP).await {
                    let problem = format!("{} (process {}) does not stop", daemon.name, daemon.pid);
                    return Err(Error::Host {
                        problem,
                        mend: "look for what holds it with `ps` and `dmesg`".to_owned(),
                    });
                }
                changes.push(format!("killed {}, which did not stop in {} s", daemon.name, STOP.as_secs()));
            }
        }
        if let Some(folder) = &daemon.folder {
            unmount_below(folder).await?;
        }
        state.daemons.pop();
        state.save()?;
    }
    Ok(())
}

fn start_lxcfs(state: &mut State) -> Result<(), Error> {
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    let mounted = |line: &str| line.split(' ').nth(1) == Some(LXCFS);
    if mounts.lines().any(mounted) || !has_program("lxcfs") {
        return Ok(());
    }
    fs::create_dir_all(LXCFS).map_err(Error::file("create", LXCFS))?;
    detach(state, "lxcfs", "lxcfs".as_ref(), &[LXCFS], &[], None)
}

/// Without control groups LXC fails on each instance with a message about something else.
fn check_cgroups() -> Result<(), Error> {
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    if mounts.lines().any(|line| matches!(line.split(' ').nth(2), Some("cgroup" | "cgroup2"))) {
        return Ok(());
    }
    Err(Error::Host {
        problem: "no control groups are mounted".to_owned(),
        mend: "mount them: `mount -t cgroup2 none /sys/fs/cgroup`".to_owned(),
    })
}

fn run(attempt: &str, program: &str, args: &[&str], mend: &str) -> Result<(), Error> {
    let failed =
        |source| Error::Program { attempt: attempt.to_owned(), mend: mend.to_owned(), source: Box::new(source) };
    Program::new(attempt, program).args(args).run().map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::host::processes::start_time;
    use crate::host::state::Daemon;

    #[tokio::test]
    async fn a_process_that_only_has_the_number_of_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut state = State::load(folder.path()).unwrap();
        let daemon = |started| Daemon { name: "lxd".to_owned(), pid, started, folder: None };
        let mut changes = Vec::new();

        state.daemons.push(daemon(start_time(pid).unwrap() + 1));
        stop(&mut state, &mut changes).await.unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "stopped another's process");
        assert!(changes.is_empty());

        state.daemons.push(daemon(start_time(pid).unwrap()));
        stop(&mut state, &mut changes).await.unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(changes, ["stopped lxd"]);
        assert!(State::load(folder.path()).unwrap().daemons.is_empty());
    }
}
