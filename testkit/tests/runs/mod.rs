//! Runs as they were recorded, one for each way in which a run comes out. Evidence is cut, and what would name the
//! machine is replaced.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The ways.
pub(crate) const STATES: [&str; 6] = ["good", "failing", "unformed", "skipped", "interrupted", "journey"];

/// The folder of a run that came out in this way.
pub(crate) fn fixture(state: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state)
}

/// Makes of the recorded journey, in a copy of its run, one that stopped at its second station, where a service was seen not
/// to run.
pub(crate) fn stop_at_a_red_station(run: &Path) {
    let journey = run.join("services_restart");
    let change = |document: &str, change: &dyn Fn(&mut Value)| {
        let path = journey.join(document);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        change(&mut value);
        fs::write(path, value.to_string()).expect("written");
    };
    change("stations/2.json", &|reached| {
        let services = &mut reached["observation"]["members"]["microovn-services-restart-2"]["services"]["seen"];
        let chassis = services.as_array_mut().expect("services").iter_mut().find(|it| it["name"] == "chassis");
        chassis.expect("it is there")["current"] = "inactive".into();
    });
    fs::remove_file(journey.join("stations/3.json")).expect("removed");
    let name = "s2_restart_chassis_1";
    let why = format!("{name} is not as it must be: services");
    let stopped = json!({"at": 2, "station": name, "why": why, "acts": [], "watched": []});
    fs::write(journey.join("stopped.json"), stopped.to_string()).expect("written");
    for (test, said) in [(name, &*why), ("s3_restart_ovn_ovsdb_server_nb_1", &format!("not reached: {why}"))] {
        change(&format!("checks/{test}.json"), &|part| {
            part["end"]["verdict"] = Value::Null;
            part["end"]["failure"] = said.into();
        });
    }
}
