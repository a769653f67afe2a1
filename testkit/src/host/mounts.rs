//! What LXD and lxcfs leave mounted when they end.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::limits::is_root;
use crate::wait::{self, Pace, Poll, WaitError};

/// The last threads of a daemon that ended let go of what is mounted within a moment.
const LET_GO: Pace = Pace { deadline: Duration::from_secs(15), every: Duration::from_millis(100) };

/// Where lxcfs is mounted: LXD looks there.
pub(super) const LXCFS: &str = "/var/lib/lxcfs";

/// Unmounts what LXD mounted for itself below its folder and leaves mounted when it ends. Not while anything works
/// there: a person's instances outlive LXD, and go on with it when it is started again.
pub(super) async fn unmount_below(folder: &Path) -> Result<(), Error> {
    // The kernel lists mounts by the path without links.
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    if is_worked_in(&folder) {
        return Ok(());
    }
    let mounts = fs::read_to_string("/proc/mounts").map_err(Error::file("read", "/proc/mounts"))?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    let points: Vec<&Path> = points.filter(|point| point.starts_with(&folder) && *point != folder).collect();
    // The last mount may be on top of an earlier one.
    for point in points.into_iter().rev() {
        unmount(point).await?;
    }
    Ok(())
}

async fn unmount(point: &Path) -> Result<(), Error> {
    let what = format!("{} to be let go of", point.display());
    let unmounted = wait::until(what, LET_GO, async || {
        match rustix::mount::unmount(point, rustix::mount::UnmountFlags::empty()) {
            Ok(()) => Poll::Ready(()),
            // The last threads of a daemon that ended may still be using it.
            Err(error @ rustix::io::Errno::BUSY) => Poll::NotYet(error.to_string()),
            Err(error) => Poll::Failed(io::Error::from(error)),
        }
    });
    unmounted.await.map_err(|error| match error {
        WaitError::Failed { source, .. } => Error::file("unmount", point)(source),
        late => Error::file("unmount", point)(io::Error::other(late)),
    })
}

/// Whether a process names something below the folder on its command line, as an instance's monitor and a bridge's
/// DHCP server do.
fn is_worked_in(folder: &Path) -> bool {
    let mut below = folder.as_os_str().as_bytes().to_vec();
    below.push(b'/');
    let commands = fs::read_dir("/proc").into_iter().flatten().flatten();
    commands
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|command| command.windows(below.len()).any(|part| part == below))
}

/// Unmounts what an lxcfs that was killed has left mounted: dpkg cannot install there, and another lxcfs not start.
pub(super) async fn unmount_dead_lxcfs(changes: &mut Vec<String>) -> Result<(), Error> {
    let dead = matches!(rustix::fs::stat(LXCFS), Err(rustix::io::Errno::NOTCONN));
    if dead && is_root() {
        unmount(Path::new(LXCFS)).await?;
        changes.push(format!("unmounted {LXCFS}, whose lxcfs has died"));
    }
    Ok(())
}
