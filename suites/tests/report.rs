//! `testkit report` on runs that were recorded, and on what is none.

#[expect(dead_code, reason = "a part of it is used here")]
mod bad_input_common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bad_input_common::{Ended, World};
use serde_json::Value;
use testkit::session::Process;

/// The runs that the framework's own tests have, by how they came out.
fn recorded(state: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests/fixtures/runs").join(state)
}

/// Puts a recorded run among the runs of this world. Returns its id.
fn add(world: &World, state: &str) -> String {
    let part = fs::read(recorded(state).join("run.json")).expect("a run's part");
    let part: Value = serde_json::from_slice(&part).expect("JSON");
    let id = part["run"].as_str().expect("an id").to_owned();
    copy(&recorded(state), &world.out().join(&id));
    id
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// What a command that succeeded printed.
#[track_caller]
fn printed(ended: &Ended) -> String {
    assert!(ended.0.status.success(), "{}", String::from_utf8_lossy(&ended.0.stderr));
    String::from_utf8_lossy(&ended.0.stdout).trim().to_owned()
}

/// Changes the part of a run.
fn change(world: &World, id: &str, change: impl FnOnce(&mut Value)) {
    let path = world.out().join(id).join("run.json");
    let mut part: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    change(&mut part);
    fs::write(&path, part.to_string()).expect("written");
}

#[test]
fn the_latest_run_is_reported_and_others_by_how_their_id_begins() {
    let world = World::new();
    let (failing, _) = (add(&world, "failing"), add(&world, "interrupted"));
    let latest = add(&world, "skipped");
    let report = |args: &[&str]| PathBuf::from(printed(&world.run(args, &[])));
    let path = report(&["report"]);
    assert_eq!(path, world.out().join(&latest).join("report.html"));
    let path = report(&["report", &failing[..4]]);
    let page = fs::read_to_string(path).expect("a page");
    assert!(page.contains("encap-ignored-on-join") && page.contains(&failing), "another run's page");
    assert!(world.out().join(&failing).join("record.json").is_file());
}

#[test]
fn the_record_is_printed_for_programs() {
    let world = World::new();
    add(&world, "failing");
    let text = printed(&world.run(&["report", "--format", "json"], &[]));
    let record: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&record["schema"], &record["totals"]["failed"]), (&3.into(), &3.into()));
}

#[test]
fn an_unknown_run_is_refused_with_the_nearest() {
    let world = World::new();
    world.run(&["report"], &[]).refused(&["no run is recorded in", "`testkit run` makes one"]);
    let id = add(&world, "good");
    let mistyped: String = id.chars().rev().collect();
    world.run(&["report", &mistyped], &[]).refused(&["there is no run", &mistyped, "the nearest are", &id]);
}

#[test]
fn a_run_is_packed_for_who_was_not_there() {
    let world = World::new();
    world.run(&["evidence"], &[]).refused(&["no run is recorded in", "`testkit run` makes one"]);
    let id = add(&world, "journey");
    let mistyped: String = id.chars().rev().collect();
    world.run(&["evidence", &mistyped], &[]).refused(&["there is no run", &mistyped, "the nearest are", &id]);
    let said = printed(&world.run(&["evidence", &id[..4]], &[]));
    let archive = world.out().join(format!("evidence-{id}.tar.gz"));
    let size = fs::metadata(&archive).expect("it is there").len().div_ceil(1024);
    assert!(said.starts_with(&format!("{} ({size} KiB, ", archive.display())), "{said}");
    let list = std::process::Command::new("tar").arg("-tzf").arg(&archive).output().expect("tar");
    let list = String::from_utf8(list.stdout).expect("names");
    for name in ["record.json", "report.html", "junit.xml", "services_restart/stations/3.json"] {
        assert!(list.lines().any(|line| line == format!("{id}/{name}")), "no {name} in {list}");
    }
    // It is no run, and hides none.
    printed(&world.run(&["report"], &[]));
}

#[test]
fn a_begin_that_more_than_one_run_has_is_refused_with_them() {
    let world = World::new();
    for id in ["abc10000", "abc20000"] {
        copy(&recorded("good"), &world.out().join(id));
    }
    world.run(&["report", "abc"], &[]).refused(&["more than one run begins with \"abc\"", "abc10000", "abc20000"]);
}

#[test]
fn a_record_of_another_version_is_refused_plainly() {
    let world = World::new();
    let id = add(&world, "good");
    change(&world, &id, |part| part["schema"] = 7.into());
    let parts = [&*id, "recorded with schema 7", "this testkit reads schemas 1 to 3", "report.html"];
    world.run(&["report"], &[]).refused(&parts);
}

#[test]
fn a_record_that_is_damaged_is_refused_with_its_place() {
    let world = World::new();
    let id = add(&world, "good");
    fs::write(world.out().join(&id).join("init_cluster_custom_encap/checks/tunnels.json"), "{").expect("written");
    let parts = [
        "put together the record of run",
        &id,
        "checks/tunnels.json",
        "damaged or gone: put it back, or move the whole folder of its suite away",
    ];
    world.run(&["report"], &[]).refused(&parts);
    fs::remove_file(world.out().join(&id).join("init_cluster_custom_encap/checks/tunnels.json")).expect("moved away");
    printed(&world.run(&["report"], &[]));
}

#[test]
fn a_suite_is_not_lost_with_the_file_that_says_what_it_is() {
    let world = World::new();
    let id = add(&world, "good");
    let folder = world.out().join(&id).join("init_cluster_custom_encap");
    fs::remove_file(folder.join("cell.json")).expect("moved away");
    let parts =
        ["put together the record of run", "init_cluster_custom_encap/plan.json is there, and no ", "cell.json"];
    world.run(&["report"], &[]).refused(&parts);
    fs::remove_dir_all(folder).expect("moved away");
    printed(&world.run(&["report"], &[]));
}

#[test]
fn runs_that_cannot_be_looked_for_are_not_said_to_be_none() {
    let world = World::new();
    let folder = world.path().join("closed");
    fs::create_dir(&folder).expect("a folder");
    let out = folder.join("out").display().to_string();
    let said = ["the runs that are recorded cannot be found", "TESTKIT_OUT_DIR", &*out];
    let _closed = Closed::new(&folder, 0o000);
    for args in [&["report"][..], &["evidence"]] {
        world.run_as_nobody(args, &[("TESTKIT_OUT_DIR", &out)]).refused(&[&said[..], &["Permission denied"]].concat());
    }
    let file = world.path().join("Cargo.toml").display().to_string();
    let said = ["the runs that are recorded cannot be found", &*file, "Not a directory"];
    world.run(&["report"], &[("TESTKIT_OUT_DIR", &file)]).refused(&said);
}

#[test]
fn a_run_in_a_folder_that_may_not_be_written_is_told_with_the_mend() {
    let world = World::new();
    let id = add(&world, "good");
    let _closed = Closed::new(&world.out().join(&id), 0o555);
    for args in [&["report"][..], &["report", "--format", "json"], &["evidence"]] {
        let ended = world.run_as_nobody(args, &[]);
        ended.refused(&[
            "failed to write the record of run",
            &id,
            "copy that folder to where",
            "record.json: Permission denied",
        ]);
        assert!(!String::from_utf8_lossy(&ended.0.stderr).contains(" at path "), "{ended:?}");
    }
}

#[test]
fn what_leads_out_of_a_run_or_never_ends_is_no_evidence() {
    let world = World::new();
    let id = add(&world, "good");
    let cell = world.out().join(&id).join("init_cluster_custom_encap");
    let member = cell.join("microovn-init-cluster-custom-encap-1");
    fs::write(world.path().join("secret"), "nobody's business").expect("written");
    for (target, link) in [
        (world.path().join("secret"), member.join("link")),
        (PathBuf::from("/nonexistent"), member.join("dangling")),
        (PathBuf::from("/dev/zero"), member.join("zero")),
        (world.path().to_owned(), cell.join("elsewhere")),
        (cell.clone(), world.out().join(&id).join("another_cell")),
    ] {
        std::os::unix::fs::symlink(target, link).expect("a link");
    }
    fs::create_dir(member.join("folder")).expect("a folder");
    assert!(std::process::Command::new("mkfifo").arg(member.join("pipe")).status().expect("mkfifo").success());
    let page = fs::read_to_string(printed(&world.run(&["report"], &[]))).expect("a page");
    for other in ["nobody's business", "dangling", "elsewhere", "another_cell"] {
        assert!(!page.contains(other), "{other}");
    }
    printed(&world.run(&["evidence"], &[]));
}

#[test]
fn evidence_that_may_not_be_read_is_told_in_a_report_of_the_rest() {
    let world = World::new();
    let id = add(&world, "good");
    let run = world.out().join(&id);
    let log = run.join("init_cluster_custom_encap/microovn-init-cluster-custom-encap-1/closed.txt");
    fs::write(&log, "nobody's business").expect("written");
    fs::set_permissions(&log, Permissions::from_mode(0o000)).expect("closed");
    for folder in [&run, &world.out()] {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("for everybody");
    }
    let page = fs::read_to_string(printed(&world.run_as_nobody(&["report"], &[]))).expect("a page");
    assert!(page.contains("the file cannot be read: Permission denied"), "the page does not say so");
    let packed = world.run_as_nobody(&["evidence"], &[]);
    let said = String::from_utf8_lossy(&packed.0.stderr);
    assert!(packed.0.status.success() && said.contains("closed.txt is left out: it cannot be read: Perm"), "{said}");
}

/// Closes a folder to all who are not root, for as long as this lives.
struct Closed(PathBuf);

impl Closed {
    fn new(folder: &Path, mode: u32) -> Self {
        fs::set_permissions(folder, Permissions::from_mode(mode)).expect("closed");
        Self(folder.to_owned())
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        fs::set_permissions(&self.0, Permissions::from_mode(0o755)).expect("open again");
    }
}

#[test]
fn a_run_whose_begin_is_gone_is_no_run_that_never_was() {
    let world = World::new();
    let id = add(&world, "good");
    world.run(&["report"], &[]);
    fs::remove_file(world.out().join(&id).join("run.json")).expect("removed");
    for args in [&["report"][..], &["report", &id]] {
        world.run(args, &[]).refused(&[&format!("run {id} has no record"), "run.json is not there"]);
    }
}

#[test]
fn a_run_that_is_still_going_is_reported_as_such() {
    let world = World::new();
    let id = add(&world, "interrupted");
    let me = serde_json::to_value(Process::current()).expect("JSON");
    change(&world, &id, |part| part["runner"] = me);
    let ended = world.run(&["report"], &[]);
    let page = fs::read_to_string(printed(&ended)).expect("a page");
    let said = String::from_utf8_lossy(&ended.0.stderr);
    assert!(said.contains(&format!("run {id} is still going")), "{said}");
    assert!(page.contains("The run is still going"), "the page does not say so");
}

/// The runner's JUnit file of a run that began at this moment.
fn junit(world: &World, id: &str, began: &str) {
    let write = |path: &str, text: &str| {
        let path = world.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    write(".config/nextest.toml", "[profile.default.junit]\npath = \"junit.xml\"\n");
    let counts = "tests=\"0\" failures=\"0\" errors=\"0\"";
    let text = format!("<testsuites name=\"x\" {counts} uuid=\"{id}\" timestamp=\"{began}\"></testsuites>");
    write("target/nextest/default/junit.xml", &text);
}

#[test]
fn a_summary_says_of_which_run_it_is_and_is_not_that_of_another() {
    const OTHER: &str = "11111111-2222-4333-8444-555555555555";
    let world = World::new();
    let id = add(&world, "good");
    let summary = |args: &[&str]| printed(&world.run(&[&["summary"], args].concat(), &[]));
    // The runner's file is of an earlier run: that of the last one is with its record.
    junit(&world, OTHER, "2020-01-01T00:00:00.000+00:00");
    let said = summary(&[]);
    assert!(said.starts_with("### 13 passed, 0 failed") && said.contains(&format!("Of run {id} of ")), "{said}");
    // Of a later one that came to no suite, it is what was asked for.
    junit(&world, OTHER, "2099-01-01T00:00:00.000+00:00");
    let said = summary(&[]);
    assert!(
        said.contains(&format!("Of run {OTHER} of nextest of 2099-01-01 00:00:00 UTC, of which no suite")),
        "{said}"
    );
    // Where there is no copy, an earlier run is shown only by name.
    junit(&world, OTHER, "2020-01-01T00:00:00.000+00:00");
    fs::remove_file(world.out().join(&id).join("junit.xml")).expect("removed");
    let refused = ["is not of the last run here", &id, "but of run", OTHER, "2020-01-01 00:00:00 UTC"];
    world.run(&["summary"], &[]).refused(&refused);
    assert!(summary(&["target/nextest/default/junit.xml"]).contains(OTHER));
}

/// Keeps of the recorded runs that they are of two products. Returns the folder's name.
fn together(world: &World, runs: &[(&str, &[String])]) -> String {
    let folder = world.out().join("cafe0000");
    fs::create_dir_all(&folder).expect("made");
    let product = |(name, runs): &(&str, &[String])| serde_json::json!({"name": name, "runs": runs, "problem": null});
    let products: Vec<Value> = runs.iter().map(product).collect();
    let kept = serde_json::json!({
        "schema": 1, "run": "cafe0000", "ended": "2099-01-01T00:00:00Z", "products": products
    });
    fs::write(folder.join("together.json"), kept.to_string()).expect("written");
    "cafe0000".to_owned()
}

#[test]
fn runs_with_several_products_are_shown_side_by_side() {
    let world = World::new();
    let (good, failing) = (add(&world, "good"), add(&world, "failing"));
    let id = together(&world, &[("old", std::slice::from_ref(&good)), ("new", std::slice::from_ref(&failing))]);
    // They are later than each of them.
    let path = PathBuf::from(printed(&world.run(&["report"], &[])));
    assert_eq!(path, world.out().join(&id).join("report.html"));
    let page = fs::read_to_string(&path).expect("a page");
    for part in [
        "failed with some products".to_owned(),
        format!("<a href=\"../{failing}/report.html#init_cluster_custom_encap\">3 of 13 failed</a>"),
        format!("<a href=\"../{good}/report.html#init_cluster_custom_encap\">13 passed</a>"),
        "2 of 2 did not come out alike".to_owned(),
    ] {
        assert!(page.contains(&part), "no {part} in {page}");
    }
    assert!(world.out().join(&failing).join("report.html").is_file(), "what is linked to is there");
    let side: Value =
        serde_json::from_str(&printed(&world.run(&["report", &id, "--format", "json"], &[]))).expect("JSON");
    assert_eq!(side["suites"][1]["results"][1]["told"], "3 of 13 failed");
    let summary = printed(&world.run(&["summary"], &[]));
    assert!(summary.contains("| `init_cluster_custom_encap` | 13 passed") && summary.contains("## new"), "{summary}");
    world.run(&["evidence"], &[]).refused(&["cafe0000 is several runs, one with each product", &good, "name the one"]);
}

#[test]
fn what_is_gone_of_runs_that_belong_together_is_told_and_the_rest_is_shown() {
    let world = World::new();
    let good = add(&world, "good");
    together(&world, &[("old", std::slice::from_ref(&good)), ("new", &["90000000".to_owned()])]);
    let side: Value = serde_json::from_str(&printed(&world.run(&["report", "--format", "json"], &[]))).expect("JSON");
    assert_eq!(side["products"][1]["problem"], "what run 90000000 left is gone");
    assert_eq!(side["suites"][0]["results"][0]["told"], "13 passed");
    assert!(printed(&world.run(&["summary"], &[])).contains("| `init_cluster_custom_encap` | 13 passed"));
}

#[test]
fn runs_that_belong_together_in_another_version_are_refused_plainly() {
    let world = World::new();
    let id = together(&world, &[]);
    let path = world.out().join(&id).join("together.json");
    let mut kept: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    kept["schema"] = 9.into();
    fs::write(&path, kept.to_string()).expect("written");
    for args in [&["report"][..], &["evidence"], &["summary"]] {
        world.run(args, &[]).refused(&[&*id, "recorded with schema 9", "this testkit reads schemas 1 to 1"]);
    }
    fs::write(&path, "{").expect("written");
    world.run(&["report"], &[]).refused(&[
        "failed to read the record of run",
        &id,
        "together.json",
        "damaged: put it back",
    ]);
}
