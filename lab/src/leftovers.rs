//! Proof that nothing is left of a host that was booted, or of a cluster of LXDs that was formed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What there still is of what has this name, whose files were in `folder`: processes, namespaces, mounts, loop devices, network
/// devices, files.
pub(super) fn of(name: &str, folder: &Path) -> Vec<String> {
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
    let blocks = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let backed = blocks.filter_map(|block| {
        let file = fs::read_to_string(block.path().join("loop/backing_file")).ok()?;
        file.contains(&*here).then(|| format!("loop device {} of {}", block.file_name().to_string_lossy(), file.trim()))
    });
    left.extend(backed);
    let devices = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let devices = devices.map(|device| device.file_name().to_string_lossy().into_owned());
    left.extend(devices.filter(|device| device.contains(name)).map(|device| format!("network device {device}")));
    if folder.exists() {
        left.push(format!("folder {here}"));
    }
    left
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
