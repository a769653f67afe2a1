//! What the runner repeats has clusters of its own, on the real LXD.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A command outside the outer runner's run, and without what cargo sets for this test, which would have it build anew.
fn outside(program: &str, out: &Path) -> Command {
    let own = ["NEXTEST", "CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_ENCODED_", "OUT_DIR"];
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| own.iter().any(|start| name.starts_with(start))) {
        command.env_remove(name);
    }
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).env("TESTKIT_OUT_DIR", out);
    command
}

#[test]
fn no_round_judges_the_cluster_of_another() {
    let out = tempfile::tempdir().expect("a folder");
    let mut runner = outside("cargo", out.path());
    runner.args(["nextest", "run", "--workspace", "--test", "init", "-E", "test(/^init_cluster::/)"]);
    let ran = runner.args(["--profile", "rounds", "--stress-count", "2"]).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    // The runs' folders must outlive their reaper.
    let mut sweep = outside(env!("CARGO_BIN_EXE_testkit"), out.path());
    assert!(sweep.args(["sweep", "--wait", "--quiet"]).status().expect("testkit runs").success());
    assert!(ran.status.success(), "{said}");
    let manifest = |run: fs::DirEntry| fs::read(run.path().join("init_cluster/manifest.json")).ok();
    let manifests = fs::read_dir(out.path()).expect("runs").filter_map(|run| manifest(run.expect("a run")));
    let manifests: Vec<Value> = manifests.map(|text| serde_json::from_slice(&text).expect("JSON")).collect();
    let instances: BTreeSet<String> = manifests.iter().map(|manifest| manifest["instances"].to_string()).collect();
    assert_eq!((manifests.len(), instances.len()), (2, 2), "{instances:?}");
}
