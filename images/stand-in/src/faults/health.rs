//! Faults that only units and journals show: what the tables say stays right.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};
use crate::ovn::snapctl;
use crate::paths::Paths;

use super::{Fault, find_or};

/// What is said where the fault has no value: how Go's runtime ends a program.
const PANIC: &str = "panic: runtime error: invalid memory address or nil pointer dereference";
/// What is said over and over: recorded of an ovn-controller whose chassis had another name than its row.
const AGAIN: &str = "OVNSB commit failed, force recompute next time.";
/// For how long.
const FLOOD: Duration = Duration::from_secs(10);
/// Says what the daemon is to say.
pub(super) fn say(paths: &Paths) {
    if let Some(text) = find_or(paths, Fault::JournalSays, PANIC) {
        complain!("{text}");
    }
}

/// Says the same over and over.
pub(super) async fn flood(paths: &Paths) -> Result<()> {
    let Some(often) = find_or(paths, Fault::JournalFloods, "1000") else {
        return Ok(());
    };
    let often: u32 = often.parse().map_err(|error| Error::internal(format!("no number of lines: {error}")))?;
    let (started, mut number) = (Instant::now(), 0);
    // All of a second at once, so that a flood is one from its first moment on.
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while started.elapsed() < FLOOD {
        seconds.tick().await;
        for _ in 0..often {
            number += 1;
            complain!("ovs|{number:05}|main|INFO|{AGAIN}");
        }
    }
    Ok(())
}

/// Kills a service.
pub(super) fn kill(paths: &Paths) -> Result<()> {
    let Some(service) = find_or(paths, Fault::ServiceRestarts, "chassis") else {
        return Ok(());
    };
    // The script that the unit consists of: of daemons that end systemd hears nothing.
    let pid = std::fs::read_to_string(paths.common.join(format!("run/{service}.pid")))?;
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(|| Error::internal("no process id"))?;
    kill_process(pid, Signal::KILL).map_err(|errno| Error::internal(format!("failed to kill {service}: {errno}")))
}

/// Starts a service that cannot run. systemd starts it again as often as it may; snapd may already tell that it failed.
pub(super) async fn fail(paths: &Paths) -> Result<()> {
    let Some(service) = find_or(paths, Fault::ServiceFails, "bird") else {
        return Ok(());
    };
    snapctl::try_start(&[&service]).await
}
