//! The fault that a link that is lost is the occasion for.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::ovn::tools;
use crate::paths::Paths;

use super::{Fault, plays};

/// The devices of this host.
const DEVICES: &str = "/sys/class/net";
/// How often links are looked at, where that matters.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for so long, and plays what happens meanwhile. `address` is that of the member.
pub(crate) async fn pause(paths: &Paths, address: &str, time: Duration) {
    if !plays(paths, Fault::LinkLostMovesEncap) {
        return tokio::time::sleep(time).await;
    }
    let began = Instant::now();
    while began.elapsed() < time {
        tokio::time::sleep(LOOK).await;
        if is_any_down(Path::new(DEVICES))
            && let Err(error) = move_encap(paths, address).await
        {
            complain!("the fault {} is not played: {error}", Fault::LinkLostMovesEncap.name());
        }
    }
}

/// Whether an Ethernet device is down.
fn is_any_down(devices: &Path) -> bool {
    let entries = fs::read_dir(devices).into_iter().flatten().flatten();
    entries.into_iter().any(|device| {
        device.file_name().to_string_lossy().starts_with("eth")
            && fs::read_to_string(device.path().join("operstate")).is_ok_and(|state| state.trim() == "down")
    })
}

async fn move_encap(paths: &Paths, address: &str) -> Result<()> {
    let set = format!("external-ids:ovn-encap-ip=\"{address}\"");
    tools::run(paths, "ovs-vsctl", &["--timeout=10", "--no-wait", "set", "Open_vSwitch", ".", &set]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_down_is_seen_and_what_is_no_nic_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = |device: &str, state: &str| {
            let device = folder.path().join(device);
            fs::create_dir_all(&device).expect("a device");
            fs::write(device.join("operstate"), state).expect("its state");
        };
        state("eth0", "up\n");
        state("br-int", "down\n");
        assert!(!is_any_down(folder.path()));
        state("eth1", "down\n");
        assert!(is_any_down(folder.path()));
    }
}
