//! What a real run leaves: its record and the runner's JUnit file say the same of every check, and its report says what
//! was wrong; and what MicroOVN counted of its own code is there. On the real LXD, with a stand-in that forgets an address.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CELL: &str = "init_cluster_custom_encap";
const FAULT: &str = "encap-ignored-on-join";
/// The stand-in leaves what it counted.
const COUNTS: &str = "counts";
/// The profile of the inner runner, so that its JUnit file is not the outer one's.
const PROFILE: &str = "report";

fn testkit(out: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    // The inner runner is not part of the outer one's run.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
    }
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("TESTKIT_OUT_DIR", out)
        .env("TESTKIT_FAULTS", format!("{FAULT}\n{COUNTS}"))
        .env("MICROOVN_COVERAGE_ENABLED", "yes")
        // As long as every suite has, so that what is not wrong is there by then.
        .env("TESTKIT_SETTLE", "")
        .args(args)
        .output()
        .expect("testkit runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether each test of a JUnit file failed, by name.
fn junit(path: &Path) -> BTreeMap<String, bool> {
    let text = std::fs::read_to_string(path).expect("a JUnit file");
    let cases = text.split("<testcase name=\"").skip(1);
    cases.map(|case| (case.split('"').next().unwrap_or_default().to_owned(), case.contains("<failure"))).collect()
}

#[test]
fn record_and_junit_of_a_real_run_agree_and_the_report_names_the_cause() {
    let out = tempfile::tempdir().expect("a folder");
    let ran = testkit(out.path(), &["run", CELL, "--", "--profile", PROFILE]);
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{said}{}", text(&ran.stderr));
    // The run's folder must outlive its reaper.
    assert!(testkit(out.path(), &["sweep", "--wait", "--quiet"]).status.success());

    let line = said.lines().find_map(|line| line.strip_prefix("report: ")).expect("the path of the report");
    let (path, counts) = line.split_once(" (").expect("the counts");
    let all = testkit::cluster::checks().filter(|check| testkit::expect::is_of_every_formed(check.name)).count();
    assert!(
        counts.starts_with(&format!("{} passed, 3 failed, 0 skipped", all - 3)),
        "{counts}\n{said}{}",
        text(&ran.stderr)
    );
    let page = std::fs::read_to_string(path).expect("a report");
    assert!(page.contains("external_ids:ovn-encap-ip") && page.contains("the custom one was ignored"), "{path}");

    let coverage = Path::new(path).with_file_name("coverage").join(CELL);
    for number in 1..=3 {
        let folder = coverage.join(format!("microovn-init-cluster-custom-encap-{number}/coverage"));
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        assert!(files.count() > 0, "{} is empty", folder.display());
    }

    let printed = testkit(out.path(), &["report", "--format", "json"]);
    let record: Value = serde_json::from_slice(&printed.stdout).expect("a record");
    assert_eq!((&record["state"], &record["faults"]), (&"finished".into(), &serde_json::json!([FAULT, COUNTS])));
    assert!(record["host"]["lxd"].as_str().is_some_and(|version| !version.is_empty()), "{}", record["host"]);
    let checks = record["cells"][0]["checks"].as_array().expect("checks").iter();
    let failed = |check: &Value| ["failed", "error"].contains(&check["outcome"].as_str().unwrap_or_default());
    let name = |check: &Value| format!("{CELL}::{}", check["name"].as_str().unwrap_or_default());
    let recorded: BTreeMap<String, bool> = checks.map(|check| (name(check), failed(check))).collect();
    // The runner keeps it there, wherever cargo compiles to.
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nextest");
    assert_eq!(recorded, junit(&store.join(PROFILE).join("junit.xml")));
    assert_eq!(recorded.len(), all);
}
