//! `testkit up` of a cluster that is not as planned says what differs, on the real LXD with a fault in the stand-in.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the command in a folder of its own, so that no run of another is in the way.
fn testkit(out: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
    }
    let command = command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(args);
    let environment =
        [("TESTKIT_FAULTS", "2:encap-with-mask"), ("TESTKIT_SETTLE", "2"), ("TESTKIT_KEEP", ""), ("TESTKIT_REUSE", "")];
    command.env("TESTKIT_OUT_DIR", out).envs(environment).output().expect("testkit runs")
}

#[test]
fn a_cluster_that_is_not_as_planned_stays_up_and_each_difference_is_said() {
    let out = tempfile::tempdir().expect("a folder");
    let up = testkit(out.path(), &["up", "init_cluster", "--members", "2"]);
    let (shown, said) = (String::from_utf8_lossy(&up.stdout), String::from_utf8_lossy(&up.stderr));
    let down = testkit(out.path(), &["down", "init_cluster"]);
    let swept = testkit(out.path(), &["sweep", "--wait", "--quiet"]);
    assert!(swept.status.success());
    assert_eq!(up.status.code(), Some(1), "{shown}{said}");
    assert!(said.contains("init_cluster is not as planned:\n  "), "{said}");
    let line = said.lines().find(|line| line.contains("external_ids:ovn-encap-ip: wanted "));
    let line = line.unwrap_or_else(|| panic!("no difference is told: {said}"));
    assert!(line.contains("member microovn-init-cluster-2") && line.contains("(it has a mask)"), "{line}");
    assert!(shown.contains("kept: enter with"), "{shown}");
    assert!(down.status.success(), "it was not kept: {}", String::from_utf8_lossy(&down.stderr));
}
