//! Proof that nothing is left of a host that was booted, or of a cluster of LXDs that was formed.

use std::fs;
use std::path::Path;

/// What there still is of what has this name, whose files were in `folder`: processes, namespaces, mounts, loop devices, network
/// devices, files.
pub(super) fn of(name: &str, folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    let here = folder.to_string_lossy();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        let command = process.cmdline().unwrap_or_default().join(" ");
        if process.pid != own && (command.contains(name) || command.contains(&*here)) {
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
    }
}
