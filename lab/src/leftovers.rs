//! Proof that nothing is left of what ran beside this process: of a host that was booted, of daemons that were started.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What there still is of something with this name, whose files were in `folder`: processes, mounts, network devices, loop
/// devices, control groups, files.
pub(crate) fn of(name: &str, folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    let here = folder.to_string_lossy();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        let command = process.cmdline().unwrap_or_default().join(" ");
        if process.pid != own && (command.contains(name) || command.contains(&*here) || knows(process.pid, folder)) {
            left.push(format!("process {} ({command})", process.pid));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    left.extend(mounts.lines().filter(|mount| mount.contains(&*here)).map(|mount| format!("mount {mount}")));
    let devices = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let devices = devices.map(|device| device.file_name().to_string_lossy().into_owned());
    left.extend(devices.filter(|device| device.contains(name)).map(|device| format!("network device {device}")));
    let loops = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let files = loops.filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok());
    left.extend(files.filter(|file| file.contains(&*here)).map(|file| format!("loop device of {}", file.trim_end())));
    left.extend(groups(name).iter().map(|group| format!("control group {}", group.display())));
    if folder.exists() {
        left.push(format!("folder {here}"));
    }
    left
}

/// The control groups of this name, one in each hierarchy.
pub(crate) fn groups(name: &str) -> Vec<PathBuf> {
    hierarchies().into_iter().map(|root| root.join(name)).filter(|group| group.is_dir()).collect()
}

/// Where the hierarchies of control groups are mounted: that of cgroup v2, where there is one, or else those of v1.
pub(crate) fn hierarchies() -> Vec<PathBuf> {
    hierarchies_of(&fs::read_to_string("/proc/self/mounts").unwrap_or_default())
}

fn hierarchies_of(mounts: &str) -> Vec<PathBuf> {
    let of = |kind: &str| -> Vec<PathBuf> {
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let points = fields.filter(|fields| fields.get(2) == Some(&kind));
        points.filter_map(|fields| fields.get(1).map(PathBuf::from)).collect()
    };
    let unified = of("cgroup2");
    if unified.is_empty() { of("cgroup") } else { unified }
}

/// Whether a process was told of a folder, or of something in it, by its environment, as what a command starts is.
pub(super) fn knows(pid: i32, folder: &Path) -> bool {
    let folder = folder.as_os_str().as_bytes();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.windows(folder.len()).any(|part| part == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_groups_are_those_of_the_newer_version_where_it_is_mounted() {
        let old = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n";
        let both = format!("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n{old}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(hierarchies_of(old), paths(&["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids"]));
        assert_eq!(hierarchies_of(&both), paths(&["/sys/fs/cgroup/unified"]));
        assert_eq!(hierarchies_of("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), paths(&["/sys/fs/cgroup"]));
    }

    #[test]
    fn a_process_and_a_folder_that_are_left_are_found_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("testkit-host-of-a-test-{}", std::process::id());
        assert_eq!(of(&name, &folder.path().join("none")), Vec::<String>::new());
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let running = duct::cmd!("sh", "-c", "read -r line", &name).stdin_file(reader).start().expect("it runs");
        let left = of(&name, folder.path());
        assert!(left.iter().any(|left| left.starts_with("process ") && left.contains(&name)), "{left:?}");
        assert!(left.iter().any(|left| left.starts_with("folder ")), "{left:?}");
        running.kill().expect("it ends");
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let told = duct::cmd!("sh", "-c", "read -r line").env("OUT", folder.path().join("out"));
        let running = told.stdin_file(reader).start().expect("it runs");
        assert!(
            of(&name, folder.path()).iter().any(|left| left.starts_with("process ")),
            "it was told by its environment"
        );
        running.kill().expect("it ends");
    }
}
