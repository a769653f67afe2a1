//! Control groups of its own: what the daemon makes is below them, and whoever is in them is of it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use testkit::wait::{self, Pace, Poll, WaitError};

use crate::leftovers::{groups, hierarchies};

/// The daemon's own. LXC takes it for that of a host's first process, and makes an instance's beside it and not below: a
/// group of cgroup v2 that has processes has no groups below it.
const OWN: &str = "init.scope";

/// For processes that were killed to leave their groups.
const EMPTY: Pace = Pace { deadline: Duration::from_secs(20), every: Duration::from_millis(100) };

/// Puts this process, and so whatever it starts, into control groups of this name.
pub(super) fn enter(name: &str) -> io::Result<()> {
    for root in hierarchies() {
        let group = root.join(name);
        fs::create_dir_all(group.join(OWN))?;
        // Of cgroup v1: a group has processors and memory nodes only once it is given some, as those above it have.
        for inherited in ["cpuset.cpus", "cpuset.mems"] {
            for (above, below) in [(&root, &group), (&group, &group.join(OWN))] {
                if let Ok(value) = fs::read(above.join(inherited))
                    && above.join("cgroup.clone_children").exists()
                {
                    fs::write(below.join(inherited), value)?;
                }
            }
        }
        fs::write(group.join(OWN).join("cgroup.procs"), "0")?;
    }
    Ok(())
}

/// Removes the control groups of this name, when nothing is in them any more.
///
/// # Errors
/// When something stays in them.
pub(super) async fn remove(name: &str) -> Result<(), WaitError<io::Error>> {
    wait::until(format!("the control groups of {name} to be empty"), EMPTY, async || {
        let busy = groups(name).iter().filter_map(|group| remove_below(group).err()).next();
        busy.map_or(Poll::Ready(()), |error| Poll::NotYet(error.to_string()))
    })
    .await
}

/// Removes a group and those below it. They hold files that go with them and are not removed one by one.
fn remove_below(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_below(&entry.path())?;
    }
    fs::remove_dir(group).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", group.display())))
}
