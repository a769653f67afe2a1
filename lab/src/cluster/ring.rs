//! The members together: the bridge between them, how they join, and how all of it goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::member::{Member, printed};
use crate::leftovers;

/// How the names of the folders of such clusters begin.
const FOLDER: &str = "testkit-cluster-";
/// How the names of their network devices begin; the process id follows, within 15 bytes.
const DEVICE: &str = "tkl";
/// The addresses between members, from a block set aside for documentation (RFC 5737): nobody else is in these namespaces.
const NETWORK: &str = "198.51.100";

/// A cluster of LXDs on this machine.
pub(super) struct Ring {
    folder: PathBuf,
    bridge: String,
    pub(super) members: Vec<Member>,
    _lock: File,
}

impl Ring {
    /// Makes so many members, on one bridge, without LXD. What dead processes left goes first.
    pub(super) fn make(count: usize) -> io::Result<Self> {
        let name = std::process::id().to_string();
        let (folder, lock) = claim(&std::env::temp_dir(), &name)?;
        let bridge = format!("{DEVICE}{name}");
        let mut ring = Self { folder, bridge, members: Vec::new(), _lock: lock };
        ip(&["link", "add", &ring.bridge, "type", "bridge"])?;
        ip(&["link", "set", &ring.bridge, "up"])?;
        for number in 1..=count {
            ring.add(number)?;
        }
        Ok(ring)
    }

    fn add(&mut self, number: usize) -> io::Result<()> {
        let name = format!("m{number}");
        let address = format!("{NETWORK}.{number}");
        let member = Member::make(&self.folder, &name, &address)?;
        let (outside, holder) = (format!("{}{}", self.bridge, letter(number)), member.holder().to_string());
        ip(&["link", "add", &outside, "type", "veth", "peer", "name", "eth0", "netns", &holder])?;
        ip(&["link", "set", &outside, "master", &self.bridge, "up"])?;
        member.run("ip", &["address", "add", &format!("{address}/24"), "dev", "eth0"])?;
        member.run("ip", &["link", "set", "eth0", "up"])?;
        // Nobody is there. LXD has tunnels between members on the NIC of the default route.
        member.run("ip", &["route", "add", "default", "via", &format!("{NETWORK}.254")])?;
        self.members.push(member);
        Ok(())
    }

    /// Starts all LXDs, and joins them by tokens.
    pub(super) fn form(&mut self) -> io::Result<()> {
        for member in &mut self.members {
            member.start()?;
        }
        let Some((first, others)) = self.members.split_first() else { return Ok(()) };
        first.run("lxc", &["config", "set", "core.https_address", &first.address])?;
        first.run("lxc", &["cluster", "enable", &first.name])?;
        for member in others {
            let said = first.run("lxc", &["cluster", "add", &member.name])?;
            let token = said.lines().last().unwrap_or_default().trim();
            member.join(token)?;
        }
        Ok(())
    }

    /// What its processes, devices and files are called.
    pub(super) fn name(&self) -> String {
        self.bridge.clone()
    }

    /// Where all of its files are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps what the LXDs said, where that is wanted; where it is.
    pub(super) fn keep_logs(&self, folder: &Path, wanted: bool) -> Option<String> {
        if !wanted || fs::create_dir_all(folder).is_err() {
            return None;
        }
        for member in &self.members {
            // It is there where LXD was started.
            let _ = fs::copy(member.log(), folder.join(format!("cluster-{}.log", member.name)));
        }
        Some(format!("what the LXDs said is in {}", folder.display()))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.end();
        }
        clear(&self.folder, &self.bridge);
    }
}

/// Clears what the dead left in `base`, and makes a folder there with the lock that is held by whoever is at work in it. One at a
/// time: between another's folder and its lock it would look like what a dead one left.
fn claim(base: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let _one_at_a_time = File::open(base).and_then(|base| base.lock().map(|()| base))?;
    for entry in fs::read_dir(base)?.flatten() {
        let left = entry.path();
        let whose = entry.file_name().to_string_lossy().strip_prefix(FOLDER).map(str::to_owned);
        if let Some(whose) = whose
            && File::open(left.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
        {
            clear(&left, &format!("{DEVICE}{whose}"));
        }
    }
    let folder = base.join(format!("{FOLDER}{name}"));
    fs::create_dir(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    Ok((folder, lock))
}

/// A network device's name has no digit behind the process id that could be another's.
fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number).unwrap_or_default())
}

/// Removes what there may be of a cluster. Whether it is gone is looked at by who proves that nothing is left.
fn clear(folder: &Path, bridge: &str) {
    let here = format!("{}/", folder.display());
    let own = std::process::id();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        let named = process.cmdline().unwrap_or_default().join(" ").contains(&here);
        if (named || leftovers::knows(process.pid, folder)) && u32::try_from(process.pid).is_ok_and(|pid| pid != own) {
            end_with_children(process.pid);
        }
    }
    let devices = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    for device in devices.map(|device| device.file_name().to_string_lossy().into_owned()) {
        if device.starts_with(bridge) && !device[bridge.len()..].starts_with(|next: char| next.is_ascii_digit()) {
            let _ = ip(&["link", "delete", &device]);
        }
    }
    let _ = fs::remove_dir_all(folder);
}

fn end_with_children(pid: i32) {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<i32> = children.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    if let Some(process) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
    children.into_iter().for_each(end_with_children);
}

fn ip(args: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(args).output()?;
    printed(&format!("run ip {}", args.join(" ")), &output).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Whether somebody waits for the lock of this file.
    fn is_waited_for(path: &Path) -> bool {
        let inode = format!(":{} ", fs::metadata(path).expect("there").ino());
        let locks = fs::read_to_string("/proc/locks").expect("the kernel's list");
        locks.lines().any(|lock| lock.contains("-> FLOCK") && lock.contains(&inode))
    }

    #[test]
    fn nobody_takes_what_another_is_about_to_lock_for_what_the_dead_left() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path();
        let (begun, dead) = (path.join(format!("{FOLDER}begun")), path.join(format!("{FOLDER}dead")));
        let claiming = File::open(path).expect("a folder");
        claiming.lock().expect("locked");
        for folder in [&begun, &dead] {
            fs::create_dir(folder).expect("a folder");
            File::create(folder.join("lock")).expect("a lock");
        }
        std::thread::scope(|scope| {
            let other = scope.spawn(|| claim(path, "other"));
            while !other.is_finished() && !is_waited_for(path) {
                std::thread::yield_now();
            }
            let _held = File::open(begun.join("lock")).and_then(|lock| lock.lock().map(|()| lock));
            drop(claiming);
            let (other, _lock) = other.join().expect("an end").expect("a folder");
            assert_eq!((begun.exists(), dead.exists(), other.exists()), (true, false, true));
        });
    }
}
