//! What the product lacks is found before a cluster is formed, and said: on the real LXD, with a stand-in that asks what
//! MicroOVN 24.03 asked.

use std::path::Path;
use std::process::{Command, Output};

const LACKING: &str = "init_cluster_custom_encap_ipv6_services_user_ca_ecdsa_members_4";
/// The profile of the inner runner, so that its JUnit file is not the outer one's.
const PROFILE: &str = "skips";

fn run(args: &[&str]) -> Output {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    // The inner runner is not part of the outer one's run.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
    }
    let output = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("TESTKIT_FAULTS", "older-dialog")
        .env("TESTKIT_OUT_DIR", out.path())
        .arg("run")
        .args(args)
        .output()
        .expect("testkit runs");
    // The run's folder must outlive its reaper.
    let swept = Command::new(env!("CARGO_BIN_EXE_testkit"))
        .env("TESTKIT_OUT_DIR", out.path())
        .args(["sweep", "--wait", "--quiet"])
        .status();
    assert!(swept.expect("testkit runs").success());
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How many checks a suite of three members has: all of them.
fn checks() -> usize {
    testkit::cluster::checks().filter(|check| testkit::expect::is_of_every_formed(check.name)).count()
}

#[test]
fn a_run_of_nothing_but_skips_is_no_success() {
    let output = run(&[LACKING]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let reason = format!("SKIPPED {LACKING}: the product lacks `microovn init` asking \"Please select comma-separated");
    assert!(said.contains(&reason) && said.contains("nothing is tested"), "{said}");
    // The record is written by the run's own runner, which is at work then.
    assert!(said.contains(&format!("report.html (0 passed, 0 failed, {} skipped", checks())), "{said}");
}

#[test]
fn a_skip_is_reported_beside_what_ran_and_can_be_forbidden() {
    let output = run(&[LACKING, "init_cluster", "--forbid-skips", "--", "--profile", PROFILE]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let passed = format!("{} passed", checks());
    assert!(said.contains(&passed) && said.contains(&format!("SKIPPED {LACKING}: the product lacks")), "{said}");
    // The runner keeps it there, wherever cargo compiles to.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nextest").join(PROFILE).join("junit.xml");
    let junit = std::fs::read_to_string(path).expect("a JUnit file");
    assert_eq!(junit.matches("<skipped message=\"the product lacks").count(), checks(), "{junit}");
    // With what readers group by, and sum up.
    let case = format!("testcase name=\"{LACKING}::certificates\" classname=\"suites::pairwise\" time=\"0.000\"");
    assert!(junit.contains(&case), "{junit}");
}
