//! Daemons as processes that outlive this one.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::error::Error;
use super::state::{Daemon, State};
use crate::wait::{self, Pace, Poll};

const LOOK: Duration = Duration::from_millis(100);

/// Whether it is gone.
pub(super) fn has_ended(daemon: &Daemon) -> bool {
    start_time(daemon.pid) != Some(daemon.started) || is_zombie(daemon.pid)
}

/// Sends it a signal, unless it has ended just now.
pub(super) fn signal(daemon: &Daemon, signal: Signal) {
    if let Some(pid) = Pid::from_raw(daemon.pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether it ends before the deadline.
pub(super) async fn ended_within(daemon: &Daemon, deadline: Duration) -> bool {
    let ended = wait::until(format!("{} to stop", daemon.name), Pace { deadline, every: LOOK }, async || {
        if has_ended(daemon) { Poll::Ready(()) } else { Poll::<_, Infallible>::NotYet("it runs".to_owned()) }
    });
    ended.await.is_ok()
}

/// Starts a program in a session of its own, so that it outlives this process and its terminal, and writes it down.
pub(super) fn detach(
    state: &mut State,
    name: &str,
    program: &OsStr,
    args: &[&str],
    env: &[(&str, &OsStr)],
    folder: Option<&Path>,
) -> Result<(), Error> {
    let path = log_path(state, name);
    fs::create_dir_all(state.folder()).map_err(Error::file("create", state.folder()))?;
    let log = File::options().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
    let also = log.try_clone().map_err(Error::file("open", &path))?;
    // duct would wait for it. setsid(1) becomes the program it is given, so that the process id stays.
    let child = Command::new("setsid")
        .arg(program)
        .args(args)
        .envs(env.iter().copied())
        // Once the folder that this was called in is gone, the daemon's own programs (rsync) fail there.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        .spawn()
        .map_err(Error::file("run", name))?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let started = start_time(pid).unwrap_or_default();
    state.daemons.push(Daemon { name: name.to_owned(), pid, started, folder: folder.map(Path::to_owned) });
    state.save()
}

/// Where a daemon of this name writes what it says.
pub(super) fn log_path(state: &State, name: &str) -> PathBuf {
    state.folder().join(format!("{name}.log"))
}

/// When a process started, in clock ticks since boot; `None` when there is no such process. Source: proc(5), `stat`.
pub(super) fn start_time(pid: i32) -> Option<u64> {
    stat_field(pid, 22)?.parse().ok()
}

/// A child of this process that ended stays until it is waited for.
fn is_zombie(pid: i32) -> bool {
    stat_field(pid, 3).is_some_and(|state| state == "Z")
}

fn stat_field(pid: i32, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number - 3).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_when_it_started() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(start_time(own).unwrap() > 0);
        assert_eq!(start_time(own), start_time(own));
        assert_eq!(start_time(i32::MAX), None);
        assert!(!is_zombie(own));
    }
}
