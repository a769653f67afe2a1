//! Facts about the host, for who reads the record elsewhere. Not its name, which is nobody's business.

use std::fs;
use std::io;
use std::path::Path;

use super::schema::Host;
use crate::folder::{RunDocument, RunFolder};
use crate::lxd::Client;

/// Leaves the facts about the host in the run's folder, unless another process has.
///
/// # Errors
/// When they cannot be written.
pub fn leave_host(run: &Path, client: &Client) -> io::Result<()> {
    let folder = RunFolder::new(run);
    if folder.document(RunDocument::Host).exists() {
        return Ok(());
    }
    let mut host = here();
    let there = &client.server().environment;
    host.lxd = client.server().release();
    host.lxd_system = format!("{} {}, Linux {}", there.os_name, there.os_version, there.kernel_version);
    Ok(folder.write_new(&host)?)
}

/// What this host is, without LXD.
fn here() -> Host {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let file = |path| fs::read_to_string(path).unwrap_or_default();
    Host {
        system: value(&file("/etc/os-release"), "PRETTY_NAME=").trim_matches('"').to_owned(),
        kernel: text(uname.release()),
        architecture: text(uname.machine()),
        processors: std::thread::available_parallelism().map_or(0, usize::from),
        memory_mib: value(&file("/proc/meminfo"), "MemTotal:").trim_end_matches("kB").trim().parse().unwrap_or(0)
            / 1024,
        ..Host::default()
    }
}

/// What follows `key` on the line that begins with it.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_is_known() {
        let host = here();
        assert!(host.processors > 0 && host.memory_mib > 0 && !host.kernel.is_empty(), "{host:?}");
        assert_eq!(value("A=1\nPRETTY_NAME=\"Debian\"\n", "PRETTY_NAME="), "\"Debian\"");
    }
}
