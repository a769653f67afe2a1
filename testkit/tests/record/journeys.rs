//! The record of a journey: of one that was gone to its end, and of one that was stopped, killed or never formed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::record::schema::{Arrival, Cell, Change, Journey, Outcome, Record, Station};
use testkit::record::{assemble, html};

use super::{copy, record};
use crate::runs::stop_at_a_red_station;

const JOURNEY: &str = "services_restart";

fn cell_of(record: Record) -> Cell {
    record.cells.into_iter().next().expect("a cell")
}

fn journey_in(run: &Path) -> (Cell, Journey) {
    let cell = cell_of(assemble(run, false).expect("a record"));
    let journey = cell.journey.clone().expect("a journey");
    (cell, journey)
}

fn arrivals(journey: &Journey) -> Vec<Arrival> {
    journey.stations.iter().map(|station| station.arrival).collect()
}

/// Changes a document of the journey's folder.
fn change(run: &Path, document: &str, change: impl FnOnce(&mut Value)) {
    let path = run.join(JOURNEY).join(document);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("written");
}

fn remove(run: &Path, document: &str) {
    fs::remove_file(run.join(JOURNEY).join(document)).expect("removed");
}

fn find<'a>(changes: &'a [Change], member: &str, what: &str) -> Option<&'a Change> {
    changes.iter().find(|it| it.member.as_deref().unwrap_or_default().ends_with(member) && it.what == what)
}

/// One that stopped at a station where a service does not run.
fn red() -> tempfile::TempDir {
    let folder = copy("journey");
    stop_at_a_red_station(folder.path());
    folder
}

#[test]
fn a_journey_is_recorded_station_by_station() {
    let cell = cell_of(record("journey"));
    let journey = cell.journey.expect("a journey");
    assert_eq!(journey.cell, "init_cluster_custom_encap");
    assert!(journey.stopped.is_none());
    assert_eq!(arrivals(&journey), [Arrival::Reached; 4]);
    let names: Vec<&str> = journey.stations.iter().map(|station| station.name.as_str()).collect();
    assert_eq!(names, cell.checks.iter().map(|check| check.name.as_str()).collect::<Vec<_>>());
    let Station { acts, state, changes, seen, checks, settled, began, ended, .. } = &journey.stations[1];
    assert_eq!(
        (&*acts[0].what, acts[0].said.as_deref(), acts[0].code),
        ("snap restart microovn.switch", Some("Restarted.\n"), Some(0))
    );
    assert!(acts[0].wanted.starts_with("success") && acts[0].differs.is_none() && acts[0].ms > Some(0), "{acts:?}");
    let state = state.as_ref().expect("a state");
    assert_eq!((state.members.len(), &*state.members[0].presence), (3, "online"));
    assert_eq!(state.members[0].services, ["central", "chassis", "switch"]);
    assert_eq!(
        find(changes, "-1", "process ovs-vswitchd").expect("it is new").after.as_deref(),
        Some("another than before")
    );
    let pid = find(seen, "-1", "process ovs-vswitchd").expect("it was seen");
    assert!(pid.before.as_ref().is_some_and(|it| it.starts_with("pid ")) && pid.before != pid.after, "{pid:?}");
    assert!(find(seen, "-2", "process ovs-vswitchd").is_none(), "what is the same is told: {seen:?}");
    assert!(checks.iter().any(|check| check.name == "processes" && check.compared > 0), "{checks:?}");
    assert!(settled.as_ref().is_some_and(|settled| settled.looks > 0) && began < ended);
    assert!(journey.stations[0].seen.is_empty() && journey.stations[0].changes.is_empty());
}

#[test]
fn the_checks_of_a_record_are_those_that_judge_and_not_its_stations() {
    let record = record("journey");
    let names: Vec<&str> = record.checks.iter().map(|check| check.name.as_str()).collect();
    assert!(names.contains(&"members") && names.contains(&"processes") && !names.contains(&"s0_formed"), "{names:?}");
    assert_eq!(record.totals.all(), 4, "a station is one test");
}

#[test]
fn a_red_station_has_its_checks_the_cause_first_and_what_to_type() {
    let folder = red();
    let why = "s2_restart_chassis_1 is not as it must be: services";
    let (cell, journey) = journey_in(folder.path());
    assert_eq!(arrivals(&journey), [Arrival::Reached, Arrival::Reached, Arrival::Red, Arrival::NotReached]);
    let station = &journey.stations[2];
    assert_eq!(station.causes, ["services"]);
    let check = station.checks.iter().find(|check| check.name == "services").expect("the check");
    assert_eq!((check.outcome, check.differences.len()), (Outcome::Failed, 1));
    assert!(
        check.look.as_deref().is_some_and(|look| look.starts_with("testkit shell services_restart:2 -- ")),
        "{check:?}"
    );
    let off = find(&station.seen, "-2", "service chassis").expect("it was seen");
    assert_eq!((off.before.as_deref(), off.after.as_deref()), (Some("enabled active"), Some("enabled inactive")));
    let told = cell.headline.expect("a line");
    assert!(told.starts_with("s2_restart_chassis_1: services: microovn-services-restart-2"), "{told}");
    assert_eq!(journey.stopped.expect("why").why, why);
    // What was not reached is told as it was planned.
    let next = &journey.stations[3];
    assert!(next.state.is_some() && next.acts[0].said.is_none() && next.checks.is_empty(), "{next:?}");
}

#[test]
fn only_what_differs_between_two_stations_is_told() {
    let folder = copy("journey");
    change(folder.path(), "stations/2.json", |reached| {
        let members = reached["observation"]["members"].as_object_mut().expect("members");
        for (name, seen) in members {
            let chassis = seen["southbound"]["seen"]["chassis"].as_array_mut().expect("rows");
            chassis.retain(|row| row["name"] != "microovn-services-restart-3");
            if name.ends_with("-1") {
                let files = &mut seen["pki"]["seen"]["files"];
                files["ovn-northd-cert.pem"]["content"] = files["cacert.pem"]["content"].clone();
            }
            if name.ends_with("-2") {
                seen["devices"] = json!({"failed": "no answer"});
            }
        }
    });
    let (_, journey) = journey_in(folder.path());
    let seen = &journey.stations[2].seen;
    let told: Vec<(&str, &str, bool)> = seen
        .iter()
        .map(|it| (it.member.as_deref().unwrap_or("all"), &*it.what, it.after.is_some()))
        .filter(|it| !it.1.starts_with("process "))
        .collect();
    assert_eq!(
        told,
        [
            ("all", "Chassis microovn-services-restart-3", false),
            ("microovn-services-restart-1", "certificate ovn-northd-cert.pem", true),
            ("microovn-services-restart-2", "reading devices", true),
        ]
    );
}

#[test]
fn a_step_that_was_refused_is_told_with_what_was_said_and_without_secrets() {
    const TOKEN: &str = "eyJzZWNyZXQiOiIwMDAwIiwiZmluZ2VycHJpbnQiOiJmZmZmIn0=";
    let folder = copy("journey");
    let done = {
        let text = fs::read(folder.path().join(JOURNEY).join("stations/3.json")).expect("read");
        let mut reached: Value = serde_json::from_slice(&text).expect("JSON");
        let mut done = reached["acts"][0].take();
        done["said"] = format!("refused: {TOKEN}\n").into();
        done["code"] = 1.into();
        done["differs"] = format!("exit code 1, {TOKEN}").into();
        done
    };
    remove(folder.path(), "stations/3.json");
    let name = "s3_restart_ovn_ovsdb_server_nb_1";
    let why = format!("{name}: it said: {TOKEN}");
    let stopped = json!({"at": 3, "station": name, "why": why, "acts": [done], "watched": []});
    fs::write(folder.path().join(JOURNEY).join("stopped.json"), stopped.to_string()).expect("written");
    change(folder.path(), &format!("checks/{name}.json"), |part| {
        part["end"] = json!({"at": "2026-11-29T02:06:00Z", "verdict": null, "failure": why});
    });
    let record = assemble(folder.path(), false).expect("a record");
    let text = serde_json::to_string(&record).expect("JSON");
    assert!(!text.contains(TOKEN) && text.contains("redacted join token"), "a secret is told");
    let cell = cell_of(record);
    let journey = cell.journey.expect("a journey");
    assert_eq!(arrivals(&journey), [Arrival::Reached, Arrival::Reached, Arrival::Reached, Arrival::Failed]);
    let act = &journey.stations[3].acts[0];
    assert!(act.code == Some(1) && act.differs.as_deref().is_some_and(|it| it.starts_with("exit code 1")), "{act:?}");
    assert!(cell.headline.expect("a line").starts_with(name));
}

#[test]
fn a_journey_that_was_killed_is_as_far_as_it_had_come() {
    let folder = copy("journey");
    for document in ["stations/2.json", "stations/3.json"] {
        remove(folder.path(), document);
    }
    let (_, journey) = journey_in(folder.path());
    assert_eq!(arrivals(&journey), [Arrival::Reached, Arrival::Reached, Arrival::NotReached, Arrival::NotReached]);
    // Before its cluster was formed.
    for document in ["stations/0.json", "stations/1.json", "journey.json", "manifest.json"] {
        remove(folder.path(), document);
    }
    let (_, journey) = journey_in(folder.path());
    assert_eq!(arrivals(&journey), [Arrival::NotReached; 4]);
    assert!(journey.stations.iter().all(|station| station.state.is_none() && !station.about.is_empty()));
}

#[test]
fn a_record_of_the_first_schema_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records/schema-1.json");
    let text = fs::read_to_string(path).expect("a record");
    let record: Record = serde_json::from_str(&text).expect("it is read");
    assert_eq!((record.schema, record.totals.failed), (1, 13));
    assert!(record.cells.iter().all(|cell| cell.journey.is_none()));
}

/// The page, without the style and the script.
fn page(run: &Path) -> String {
    let page = html::render(&assemble(run, false).expect("a record"), run).expect("a page");
    page.split_once("<body>").and_then(|(_, rest)| rest.split_once("<script>")).expect("a body").0.to_owned()
}

#[test]
fn a_journey_is_shown_as_a_line_of_stations_and_is_no_row_of_the_matrix() {
    let folder = copy("journey");
    let page = page(folder.path());
    assert!(page.contains("of 4 stations in 1 journey"), "not counted as what they are");
    assert!(!page.contains("id=\"matrix\"") && page.contains("id=\"filter\""), "there are no cells, and a search");
    let line = page.split_once("<ol class=\"line\"").and_then(|(_, rest)| rest.split_once("</ol>")).expect("a line").0;
    assert_eq!(line.matches("<li class=\"passed\">").count(), 4, "{line}");
    assert!(line.contains("href=\"#services_restart-s1_restart_switch_1\""), "{line}");
    assert!(page.contains("id=\"services_restart-s1_restart_switch_1\""), "the link leads nowhere");
    for part in
        ["snap restart microovn.switch", "Restarted.", "another than before", "What differs from the station before"]
    {
        assert!(page.contains(part), "no {part:?}");
    }
    // Beside cells, both have their place.
    super::copy_into(
        &super::fixture("good").join("init_cluster_custom_encap"),
        &folder.path().join("init_cluster_custom_encap"),
    );
    let page = self::page(folder.path());
    assert!(page.contains("of 13 checks in 1 cell and 4 stations in 1 journey"), "not counted as what they are");
    let grid =
        page.split_once("<table class=\"grid\">").and_then(|(_, rest)| rest.split_once("</table>")).expect("a grid").0;
    assert!(!grid.contains("s0_formed") && !grid.contains("certificates_since"), "a station has a column");
    assert_eq!(page.matches("id=\"filter\"").count(), 1);
}

#[test]
fn a_red_station_is_told_first_with_its_cause_and_what_was_not_reached() {
    let folder = red();
    let page = page(folder.path());
    let failure = page
        .split_once("<article class=\"failure\"")
        .and_then(|(_, rest)| rest.split_once("</article>"))
        .expect("one")
        .0;
    for part in [
        "s2_restart_chassis_1",
        "chassis is restarted on member 1",
        "services",
        "microovn-services-restart-2",
        "1 station was not reached",
        "testkit up services_restart --until 2",
        "testkit shell services_restart:2 -- ",
    ] {
        assert!(failure.contains(part), "no {part:?} in {failure}");
    }
    let line = page.split_once("<ol class=\"line\"").and_then(|(_, rest)| rest.split_once("</ol>")).expect("a line").0;
    let marks: Vec<&str> = line.split("<li class=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
    assert_eq!(marks, ["passed", "passed", "failed", "unfinished"]);
    assert!(line.contains(", red<") && line.contains(", not reached<"), "told by colour alone: {line}");
    assert!(page.contains("<details class=\"station\" open>"), "what is wrong is closed");
}
