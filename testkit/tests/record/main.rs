//! The record of a run, put together from what real runs left: `fixtures/runs/`.

mod journeys;
#[path = "../runs/mod.rs"]
mod runs;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quick_junit::{Report, TestCaseStatus};
use rstest::rstest;
use runs::{STATES, fixture};
use testkit::clock::Clock;
use testkit::record::schema::{Outcome, Record, RunState, Totals, TunnelState, schema};
use testkit::record::{assemble, html, of_runner};
use testkit::report::again;
use testkit::session::Process;

/// A copy of a recorded run, to be changed.
fn copy(state: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy_into(&fixture(state), folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_into(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

fn record(state: &str) -> Record {
    assemble(&fixture(state), false).expect("a record")
}

/// Every check with its outcome, by the name of its test: `<cell>::<check>`.
fn outcomes(record: &Record) -> BTreeMap<String, Outcome> {
    let checks = record.cells.iter().flat_map(|cell| cell.checks.iter().map(move |check| (&cell.name, check)));
    checks.map(|(cell, check)| (format!("{cell}::{}", check.name), check.outcome)).collect()
}

#[rstest]
#[case::good("good", RunState::Finished, Totals { passed: 13, ..Totals::default() })]
#[case::failing("failing", RunState::Finished, Totals { passed: 23, failed: 3, ..Totals::default() })]
#[case::unformed("unformed", RunState::Finished, Totals { failed: 13, ..Totals::default() })]
#[case::skipped("skipped", RunState::Finished, Totals { passed: 13, skipped: 14, ..Totals::default() })]
#[case::journey("journey", RunState::Finished, Totals { passed: 4, ..Totals::default() })]
#[case::interrupted("interrupted", RunState::Interrupted, Totals { unfinished: 26, ..Totals::default() })]
fn a_run_is_what_its_checks_came_to(#[case] name: &str, #[case] state: RunState, #[case] totals: Totals) {
    let record = record(name);
    assert_eq!((record.state, record.totals), (state, totals));
    assert_eq!(record.product.expect("a product").version.split_once('.').expect("a version").0, "26");
    assert!(record.ended > record.started);
}

#[test]
fn a_run_that_goes_on_is_running_and_so_are_its_checks() {
    let record = assemble(&fixture("interrupted"), true).expect("a record");
    assert_eq!(record.state, RunState::Running);
    let outcomes = outcomes(&record);
    assert!(outcomes.values().all(|outcome| *outcome == Outcome::Running), "{outcomes:?}");
}

#[test]
fn what_is_wrong_is_found_with_its_place_and_what_to_type() {
    let record = record("failing");
    assert_eq!(record.faults, ["encap-ignored-on-join"]);
    let cell = record.cells.iter().find(|cell| cell.name == "init_cluster_custom_encap").expect("the cell");
    let check = cell.checks.iter().find(|check| check.name == "ovs_encap_ip").expect("the check");
    assert_eq!((check.outcome, check.compared, check.differences.len()), (Outcome::Failed, 3, 2));
    assert_eq!(
        check.look.as_deref(),
        Some(
            "testkit shell init_cluster_custom_encap:2 -- microovn.ovs-vsctl --if-exists get Open_vSwitch . \
             external_ids:ovn-encap-ip"
        )
    );
    let network = cell.network.as_ref().expect("it was read");
    assert_eq!(network.endpoints.iter().map(|it| it.as_planned).collect::<Vec<_>>(), [true, false, false]);
    let states: Vec<TunnelState> = network.tunnels.iter().map(|tunnel| tunnel.state).collect();
    use TunnelState::{Right, Wrong};
    // Every way to a member that joined ends at its other address; those to the first are right.
    assert_eq!(states, [Wrong, Wrong, Right, Wrong, Right, Wrong]);
}

#[test]
fn a_cluster_that_was_not_formed_has_its_plan_its_reason_and_its_dialog() {
    let record = record("unformed");
    let cell = &record.cells[0];
    assert!(cell.problem.as_ref().expect("a reason").contains("no option answers the question"), "{cell:?}");
    assert_eq!(cell.plan.as_ref().expect("a plan").members.len(), 3);
    assert!(cell.network.is_none());
    let last = cell.transcripts[0].lines.last().expect("a dialog");
    assert!(last.unanswered && last.text.contains("telemetry"), "{last:?}");
    let entered: Vec<_> =
        cell.stages.iter().filter_map(|stage| Some((&*stage.name, stage.member.as_deref()?))).collect();
    assert_eq!(entered, [("wait for the member", "microovn-init-cluster-1"), ("bootstrap", "microovn-init-cluster-1")]);
}

#[test]
fn a_cell_that_was_left_out_says_why() {
    let record = record("skipped");
    let cell = record.cells.iter().find(|cell| cell.skipped.is_some()).expect("the cell");
    assert_eq!(cell.name, "init_cluster_services_named_user_ca_rsa");
    assert!(cell.skipped.as_ref().expect("why").starts_with("the product lacks `microovn init` asking"));
}

/// What the runner says of every test of a suite.
fn junit(state: &str) -> BTreeMap<String, &'static str> {
    let text = fs::read_to_string(fixture(state).join("junit.xml")).expect("a JUnit file");
    let report = Report::deserialize_from_str(&text).expect("JUnit");
    let cases = report.test_suites.into_iter().flat_map(|suite| suite.test_cases);
    let word = |status: &TestCaseStatus| match status {
        TestCaseStatus::Success { .. } => "passed",
        TestCaseStatus::NonSuccess { .. } => "failed",
        TestCaseStatus::Skipped { .. } => "skipped",
    };
    cases.map(|case| (case.name.to_string(), word(&case.status))).collect()
}

#[rstest]
fn record_and_junit_agree(#[values("good", "failing", "unformed", "skipped", "journey")] state: &str) {
    let word = |outcome: Outcome| match outcome {
        Outcome::Passed => "passed",
        Outcome::Skipped => "skipped",
        Outcome::Failed | Outcome::Error => "failed",
        _ => "unfinished",
    };
    let recorded: BTreeMap<String, &str> = outcomes(&record(state)).into_iter().map(|(k, v)| (k, word(v))).collect();
    assert_eq!(recorded, junit(state));
}

#[test]
fn the_schema_is_current_and_every_record_keeps_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/run-record.schema.json");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if committed != schema() {
        fs::write(&path, schema()).expect("written");
        panic!(
            "docs/run-record.schema.json was not current and has been written; raise SCHEMA where a reader would be wrong"
        );
    }
    let schema = serde_json::from_str(&committed).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for state in STATES {
        let mut value = serde_json::to_value(record(state)).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{state}: {errors:?}");
        value["schema"] = 4.into();
        assert!(!validator.is_valid(&value), "the schema of another version would do");
    }
}

#[test]
fn what_lxd_was_asked_for_again_is_counted_and_shown() {
    let folder = copy("unformed");
    let page = |record: &Record| html::render(record, folder.path()).expect("a page");
    let none = assemble(folder.path(), false).expect("a record");
    assert!(none.again == 0 && !page(&none).contains("Tried again"));
    for _ in 0..2 {
        again::note(
            folder.path(),
            Clock::start(),
            "push file \"/x\" in instance \"a\"",
            "LXD refused (500: forkfile.sock)",
        );
    }
    let twice = assemble(folder.path(), false).expect("a record");
    assert_eq!(twice.again, 2);
    assert!(page(&twice).contains("2 times, when LXD had not begun"), "no reader sees it");
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    for state in STATES {
        let record = record(state);
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("read"), record);
    }
}

#[test]
fn what_a_node_printed_stays_text() {
    let folder = copy("failing");
    let member = "init_cluster_custom_encap/microovn-init-cluster-custom-encap-1";
    let evil = "</pre></details><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[31mred\u{1b}[0m\0";
    fs::write(folder.path().join(member).join("journal.txt"), evil).expect("written");
    let page = html::render(&assemble(folder.path(), false).expect("a record"), folder.path()).expect("a page");
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "markup of a node is markup of the page");
    assert!(page.contains("&#60;script&#62;alert(1)"), "the text is gone");
    assert!(!page.contains(['\u{1b}', '\0']), "a control character is in the page");
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn no_secret_reaches_the_record_or_the_page() {
    const TOKEN: &str = "eyJzZWNyZXQiOiIwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmIn0=";
    let folder = copy("failing");
    let cell = folder.path().join("init_cluster_custom_encap");
    // Evidence and failures are redacted when they are written; this is what would be there if that were forgotten.
    for file in ["dialog.txt", "journal.txt"] {
        fs::write(cell.join("microovn-init-cluster-custom-encap-1").join(file), format!("token: {TOKEN}\n"))
            .expect("written");
    }
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{TOKEN}\n-----END EC PRIVATE KEY-----");
    let failure = serde_json::json!({"message": format!("refused {TOKEN}\n{key}")});
    fs::write(cell.join("failure.json"), failure.to_string()).expect("written");
    let record = assemble(folder.path(), false).expect("a record");
    let page = html::render(&record, folder.path()).expect("a page");
    let text = serde_json::to_string(&record).expect("JSON");
    assert!(!text.contains(TOKEN) && !page.contains(TOKEN));
    assert!(text.contains("redacted private key") && page.contains("redacted join token"));
}

#[test]
fn of_a_long_file_the_end_is_shown_and_the_rest_is_named() {
    let folder = copy("failing");
    let journal = "init_cluster_custom_encap/microovn-init-cluster-custom-encap-1/journal.txt";
    let lines: Vec<String> = (0..20_000).map(|n| format!("line {n} of the journal")).collect();
    fs::write(folder.path().join(journal), lines.join("\n")).expect("written");
    let page = html::render(&assemble(folder.path(), false).expect("a record"), folder.path()).expect("a page");
    assert!(page.contains("line 19999 of") && !page.contains("line 1000 of"), "not the end of it");
    assert!(page.contains(&format!("are in the file: <code>{journal}</code>")), "the file is not named");
    assert!(page.len() < 600 << 10, "{} bytes", page.len());
}

#[test]
fn cells_that_fail_in_the_same_way_are_one_failure() {
    let folder = copy("failing");
    let cell = folder.path().join("init_cluster_custom_encap");
    copy_into(&cell, &folder.path().join("init_cluster_custom_encap_again"));
    copy_into(&fixture("unformed").join("init_cluster"), &folder.path().join("init_cluster_unformed"));
    let page = html::render(&assemble(folder.path(), false).expect("a record"), folder.path()).expect("a page");
    let cells: Vec<&str> = page.split("data-cells=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
    assert_eq!(cells, ["init_cluster_custom_encap init_cluster_custom_encap_again", "init_cluster_unformed"]);
    assert!(page.contains("The same in 1 more cell<"), "the other cell is not named");
}

#[test]
fn the_run_of_a_runner_is_found_by_the_process_and_by_no_time() {
    let out = tempfile::tempdir().expect("a folder");
    let mut part: serde_json::Value =
        serde_json::from_slice(&fs::read(fixture("good").join("run.json")).expect("read")).expect("JSON");
    let runner = Process::current();
    // One of an earlier runner that had the same process id, noted by a clock that was ahead, and its own.
    let earlier = Process { started: runner.started + 1, ..runner.clone() };
    for (run, runner, started) in
        [("earlier", &earlier, "2036-01-01T00:00:00Z"), ("own", &runner, "2016-01-01T00:00:00Z")]
    {
        part["runner"] = serde_json::to_value(runner).expect("JSON");
        part["started"] = started.into();
        fs::create_dir(out.path().join(run)).expect("made");
        fs::write(out.path().join(run).join("run.json"), part.to_string()).expect("written");
    }
    assert_eq!(of_runner(out.path(), &runner), Some(out.path().join("own")));
    assert_eq!(of_runner(out.path(), &Process { started: 1, ..runner }), None);
}

#[test]
fn what_was_noted_by_a_clock_that_went_back_is_shown_all_the_same() {
    let folder = copy("good");
    let check = folder.path().join("init_cluster_custom_encap/checks/members.json");
    let mut part: serde_json::Value = serde_json::from_slice(&fs::read(&check).expect("read")).expect("JSON");
    part["end"]["at"] = "2016-01-01T00:00:00Z".into();
    fs::write(&check, part.to_string()).expect("written");
    let record = assemble(folder.path(), false).expect("a record");
    assert_eq!(record.totals.passed, 13);
    assert!(record.started <= record.ended, "{} {}", record.started, record.ended);
    let page = html::render(&record, folder.path()).expect("a page");
    assert!(!page.contains("<dd>-"), "it took less than no time");
}

#[test]
fn the_page_allows_nothing_but_itself() {
    let page = html::render(&record("good"), &fixture("good")).expect("a page");
    assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"), "no policy");
    for outside in ["src=", "href=\"http", "url(", "@import", "style=\"", "onclick"] {
        assert!(!page.contains(outside), "{outside} is in the page");
    }
}
