//! What a runner repeats, and what stands between it and a test: with the real runner, where there is no LXD, so that every
//! suite fails at once and leaves what says to which run it belongs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::Value;
use testkit::config::{Config, Layer};
use testkit::session::{Run, reaper};

const CHECK: &str = "test(=init_cluster::members)";

/// The runner on one check of the core suites, with more arguments and variables. Returns what it said.
fn nextest(out: &Path, args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Command::new("cargo");
    // The inner runner is not part of the outer one's run, and what cargo sets for this test would have it build anew.
    let own = ["NEXTEST", "CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_ENCODED_", "OUT_DIR"];
    for (name, _) in std::env::vars().filter(|(name, _)| own.iter().any(|start| name.starts_with(start))) {
        command.env_remove(name);
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    command.current_dir(root).args(["nextest", "run", "--workspace", "--test", "init", "-E", CHECK]);
    command.args(["--profile", "rounds"]).args(args);
    command.env("TESTKIT_OUT_DIR", out).env("LXD_SOCKET", "/nonexistent/lxd.socket").envs(env.iter().copied());
    let output = command.output().expect("cargo runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// What each run below `out` left of itself and of the cell, which could not be provisioned in any.
fn runs(out: &Path) -> Vec<(Value, String)> {
    let read = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let run = |dir: &PathBuf| {
        let part = serde_json::from_str(&read(dir.join("run.json"))).expect("JSON");
        (part, read(dir.join("init_cluster/checks/members.json")))
    };
    entries(out).iter().filter(|path| path.join("run.json").exists()).map(run).collect()
}

#[test]
fn every_round_provisions_for_itself() {
    let out = tempfile::tempdir().expect("a folder");
    let said = nextest(out.path(), &["--stress-count", "2", "--retries", "1"], &[]);
    let runs = runs(out.path());
    let number = |part: &Value, name: &str| part["round"][name].as_u64().expect("a number");
    let rounds: BTreeSet<_> = runs.iter().map(|(part, _)| (number(part, "stress"), number(part, "attempt"))).collect();
    assert_eq!(rounds, [(0, 1), (0, 2), (1, 1), (1, 2)].into(), "{said}");
    for (part, check) in runs {
        assert!(check.contains("lxd.socket") && !check.contains("not checked"), "{part} {check}");
    }
}

#[test]
fn a_runner_that_is_not_told_which_product_to_test_is_told_how() {
    let out = tempfile::tempdir().expect("a folder");
    let said = nextest(out.path(), &[], &[("MICROOVN_SNAP_PATH", "/a.snap:/b.snap")]);
    assert!(said.contains("several products are given (a, b), and this is done with one; name it with"), "{said}");
    assert!(runs(out.path()).is_empty(), "something was begun");
}

#[rstest]
#[case::forks("timeout -k 5 600")]
#[case::two_of_them("timeout 600 timeout 500")]
#[case::execs("setpriv --no-new-privs")]
fn a_program_between_the_runner_and_a_test_is_no_runner(#[case] between: &str) {
    let out = tempfile::tempdir().expect("a folder");
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
    let said = nextest(out.path(), &[], &[(&variable, between)]);
    let runs = runs(out.path());
    assert!(runs.len() == 1 && runs[0].1.contains("lxd.socket"), "{said}");
}

#[test]
fn a_variable_that_does_not_come_through_is_missed() {
    let out = tempfile::tempdir().expect("a folder");
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
    let said = nextest(out.path(), &[], &[(&variable, "timeout 600 env --unset=NEXTEST_RUN_ID")]);
    assert!(said.contains("NEXTEST_RUN_ID, which it sets, did not come through timeout (pid "), "{said}");
}

#[tokio::test]
async fn the_reaper_hangs_below_nobody_and_carries_no_mark() {
    let out = tempfile::tempdir().expect("a folder");
    let config = Config::resolve(Layer { out_dir: Some(out.path().to_owned()), ..Layer::default() });
    // It ends with this process.
    let run = Run::start(&config.expect("a workspace")).await.expect("a run");
    reaper::arm(&run, Path::new(env!("CARGO_BIN_EXE_testkit"))).await.expect("armed");
    let below = out.path().to_string_lossy().into_owned();
    let found = entries(Path::new("/proc")).into_iter().find(|folder| {
        let words = fs::read(folder.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&below)
    });
    let folder = found.expect("a reaper");
    // Parent, process group and session (proc_pid_stat(5), fields 4 to 6).
    let status = |folder: &Path| {
        let stat = fs::read_to_string(folder.join("stat")).expect("its status");
        let fields = stat[stat.rfind(')').expect("a name") + 2..].split(' ');
        fields.skip(1).take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let (its, own) = (status(&folder), status(Path::new("/proc/self")));
    assert!(its[0] != std::process::id().to_string() && its[1] != own[1] && its[2] != own[2], "{its:?} {own:?}");
    let environment = fs::read(folder.join("environ")).expect("its variables");
    let names = environment.split(|byte| *byte == 0).filter(|it| !it.is_empty());
    let names: Vec<String> =
        names.map(|it| String::from_utf8_lossy(it).split('=').next().unwrap_or_default().to_owned()).collect();
    // What the runner and cargo set stands for what a CI system does.
    assert!(names.iter().any(|name| name == "PATH"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("NEXTEST") || name.starts_with("CARGO")), "{names:?}");
}
