//! This process as one that makes golden images.

use crate::image::Maker;
use crate::session::Process;

/// This process as a maker of golden images, which others may wait for: `host/pid namespace/process`.
pub fn maker() -> Maker {
    Maker { name: format!("{}/{}", place(), Process::current()), is_alive }
}

/// Whether a maker still runs: whoever is not in the same place as this process cannot be seen from here.
fn is_alive(maker: &str) -> Option<bool> {
    let (seen, process) = maker.rsplit_once('/')?;
    if seen == place() { process.parse::<Process>().ok()?.is_alive() } else { None }
}

/// Where a process id means something: the host, and on it the containers that share its processes.
fn place() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let number: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{}/{number}", host.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maker_is_seen_to_live_only_where_its_process_can_be_seen() {
        let me = maker().name;
        assert_eq!(is_alive(&me), Some(true));
        let ended = format!("{}/{}", place(), Process { started: 1, ..Process::current() });
        assert_eq!(is_alive(&ended), Some(false));
        assert_eq!(is_alive(&format!("elsewhere/1/{}", Process::current())), None);
        assert_eq!(is_alive("no name of ours"), None);
    }
}
