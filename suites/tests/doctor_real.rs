//! `testkit doctor` says what keeps suites from running, and nothing else: on the real LXD, as setup left it, and with
//! one thing taken away at a time.

use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;

fn doctor(environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    command.arg("doctor").args(args).envs(environment.iter().copied()).output().expect("testkit runs")
}

fn text(finding: &Value, key: &str) -> String {
    finding[key].as_str().unwrap_or_default().to_owned()
}

/// All findings, in two parts: what a setup leaves, and how much is free, which is less while other tests form clusters.
fn all(output: &Output) -> (Vec<Value>, Vec<Value>) {
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    findings.into_iter().partition(|finding| !text(finding, "seen").contains(" MiB free"))
}

/// The findings of a level on what a setup leaves, each with its mend.
fn findings(output: &Output, level: &str) -> Vec<(String, String)> {
    let of_level = all(output).0.into_iter().filter(|finding| finding["level"] == level);
    of_level.map(|finding| (text(&finding, "what"), text(&finding, "mend"))).collect()
}

#[test]
fn a_host_that_is_set_up_is_well() {
    let output = doctor(&[], &["--format", "json"]);
    assert_eq!(findings(&output, "fail"), []);
    let scarce = all(&output).1.iter().any(|finding| finding["level"] == "fail");
    assert_eq!(output.status.code(), Some(if scarce { 2 } else { 0 }));
    let well: Vec<String> = findings(&output, "ok").into_iter().map(|(what, _)| what).collect();
    for what in ["LXD", "project", "bridge", "packages", "kernel limits", "devices", "cgroups"] {
        assert!(well.iter().any(|seen| seen == what), "{what} is not among {well:?}");
    }
}

#[rstest]
#[case::no_lxd(("LXD_SOCKET", "/nowhere/lxd.socket"), "LXD")]
#[case::no_project(("TESTKIT_PROJECT", "testkit-nowhere"), "project")]
#[case::a_project_of_others(("TESTKIT_PROJECT", "default"), "project")]
#[case::no_pool(("TESTKIT_POOL", "testkit-nowhere"), "storage")]
fn what_is_missing_is_named_with_its_mend(#[case] environment: (&str, &str), #[case] what: &str) {
    let output = doctor(&[environment], &["--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let failed = findings(&output, "fail");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].0, what);
    assert!(failed[0].1.contains("make setup"), "{failed:?}");
}

#[test]
fn a_table_has_no_colours_where_nobody_sees_them() {
    let output = doctor(&[], &[]);
    let table = String::from_utf8(output.stdout).expect("text");
    assert!(table.contains(" ok    packages ") && !table.contains('\u{1b}'), "{table}");
}
