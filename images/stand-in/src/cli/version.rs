//! `microovn --version`.

use std::process::Command;

use crate::paths::Paths;

/// The versions of the stand-in, OVN and Open vSwitch, one a line.
pub(crate) fn describe(paths: &Paths) -> String {
    let of = |tool: &str| {
        let output = Command::new(paths.snap.join("usr/bin").join(tool)).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.lines().next().and_then(|line| line.split(' ').next_back()).unwrap_or("unknown").to_owned()
    };
    format!(
        "microovn: stand-in-{}\novn: {}\nopenvswitch: {}\n",
        env!("CARGO_PKG_VERSION"),
        of("ovn-nbctl"),
        of("ovs-vsctl")
    )
}
