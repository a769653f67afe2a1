//! A cluster whose services are off, or whose members have left: it passes all checks, and what is left of what should be gone
//! is found.

use std::collections::BTreeSet;

use testkit::expect::{Observation, Reading, unsatisfied};
use testkit::plan::{Changes, Presence, Service, State, Turnover};

use crate::case::{Case, inner};
use crate::common;
use crate::found_by;

/// The member that has only chassis and switch.
const FOURTH: usize = 3;

/// What becomes of a state and of what is seen of it, where a service is off on a member.
fn off(state: &mut State, member: usize, service: Service) {
    state.members[member].services.remove(&service);
    state.members[member].had.insert(service);
}

fn nobody_answers<T>(reading: &mut Reading<T>) {
    *reading = Reading::Failed("database connection failed ()".to_owned());
}

#[track_caller]
fn found(state: &State, seen: &Observation, wanted: &[&'static str]) {
    assert_eq!(found_by(state, seen), BTreeSet::from_iter(wanted.iter().copied()));
}

/// A cluster without a central, as recorded: `ovn.env` has empty values, the switch no `ovn-remote`, and nobody answers.
fn without_centrals() -> (State, Observation) {
    let mut state = common::state(false, true);
    (0..3).for_each(|member| off(&mut state, member, Service::Central));
    let mut seen = common::observe(&state);
    for member in seen.members.values_mut() {
        nobody_answers(&mut member.southbound);
        inner(&mut member.switch).open_vswitch.external_ids.remove("ovn-remote");
    }
    (state, seen)
}

#[test]
fn without_centrals_nobody_answers_and_nobody_is_named() {
    let (state, planned) = without_centrals();
    found(&state, &planned, &[]);
    let before = common::observe(&common::state(false, true));
    let name = state.members[1].name.clone();

    let mut seen = planned.clone();
    seen.members.get_mut(&name).unwrap().southbound = before.members[&name].southbound.clone();
    found(&state, &seen, &["sb_chassis", "sb_encap"]);
    let mut seen = planned.clone();
    seen.members.get_mut(&name).unwrap().southbound = Reading::NotRead;
    found(&state, &seen, &["sb_chassis", "sb_encap"]);
    let mut seen = planned.clone();
    let switch = inner(&mut seen.members.get_mut(&name).unwrap().switch);
    switch.open_vswitch.external_ids.insert("ovn-remote".to_owned(), "ssl:10.1.1.11:6642".to_owned());
    found(&state, &seen, &["ovn_remote"]);
    for column in ["OVN_NB_CONNECT", "OVN_SB_CONNECT", "OVN_INITIAL_NB", "OVN_INITIAL_SB"] {
        let mut seen = planned.clone();
        let value = inner(&mut before.members[&name].ovn_env.clone()).find(column).unwrap().to_owned();
        inner(&mut seen.members.get_mut(&name).unwrap().ovn_env).insert(column, value);
        found(&state, &seen, &["connection_strings"]);
    }
}

#[test]
fn where_there_never_was_a_central_nobody_has_a_tunnel() {
    let (mut state, told) = without_centrals();
    state.members.iter_mut().for_each(|member| member.had.clear());
    let mut untold = common::observe(&state);
    for (name, member) in &mut untold.members {
        nobody_answers(&mut member.southbound);
        assert!(inner(&mut member.switch).interfaces.iter().all(|it| it.kind != "geneve"), "{name}");
    }
    found(&state, &untold, &[]);
    let mut seen = untold.clone();
    let name = state.members[1].name.clone();
    seen.members.get_mut(&name).unwrap().switch = told.members[&name].switch.clone();
    found(&state, &seen, &["tunnels"]);
}

#[test]
fn of_nothing_but_centrals_no_switch_is_asked_for_anything() {
    let mut state = common::state(false, true);
    state.members.iter_mut().for_each(|member| member.services = BTreeSet::from([Service::Central]));
    let planned = common::observe(&state);
    found(&state, &planned, &[]);
}

#[test]
fn a_chassis_that_is_off_has_no_tunnel_and_nobody_has_one_to_it() {
    let before = common::state(false, true);
    let mut state = before.clone();
    off(&mut state, FOURTH, Service::Chassis);
    let mut planned = common::observe(&state);
    let address = state.members[FOURTH].encap.ip.to_string();
    // Recorded: what was told of the chassis stays.
    let mut case = Case { state: &state, seen: &mut planned };
    inner(&mut case.at(FOURTH).switch).open_vswitch.external_ids.insert("ovn-encap-ip".to_owned(), address);
    found(&state, &planned, &[]);

    let was = common::observe(&before);
    for (member, column) in [(0, "another's tunnel to it"), (FOURTH, "its own")] {
        let name = &state.members[member].name;
        let mut seen = planned.clone();
        let interfaces = inner(&mut was.members[name].switch.clone()).interfaces.clone();
        inner(&mut seen.members.get_mut(name).unwrap().switch).interfaces = interfaces;
        assert_eq!(found_by(&state, &seen), BTreeSet::from(["tunnels"]), "{column}");
    }
    // Keys may stay, and may be gone; others may not be there.
    let mut seen = planned.clone();
    let name = state.members[FOURTH].name.clone();
    let files = inner(&mut was.members[&name].pki.clone()).files.clone();
    let pki = inner(&mut seen.members.get_mut(&name).unwrap().pki);
    pki.files.extend(files.into_iter().filter(|(file, _)| file.starts_with("ovn-controller")));
    found(&state, &seen, &[]);
    let pki = inner(&mut seen.members.get_mut(&name).unwrap().pki);
    let other = pki.files["ovn-controller-cert.pem"].clone();
    pki.files.insert("ovnnb-cert.pem".to_owned(), other);
    found(&state, &seen, &["certificates"]);
}

#[test]
fn a_switch_that_is_off_under_a_chassis_does_not_answer() {
    let mut state = common::state(false, true);
    off(&mut state, FOURTH, Service::Switch);
    let mut seen = common::observe(&state);
    let mut case = Case { state: &state, seen: &mut seen };
    nobody_answers(&mut case.at(FOURTH).switch);
    found(&state, &seen, &[]);
    let all = ["ovn_remote", "ovs_encap_ip", "ovs_encap_type", "system_id", "datapath", "tunnels"];
    let mut answering = seen.clone();
    let name = state.members[FOURTH].name.clone();
    answering.members.get_mut(&name).unwrap().switch =
        common::observe(&common::state(false, true)).members[&name].switch.clone();
    found(&state, &answering, &all);
    seen.members.get_mut(&name).unwrap().switch = Reading::NotRead;
    found(&state, &seen, &all);
}

#[test]
fn of_a_member_that_left_nothing_is_left() {
    let mut state = common::state(false, true);
    let before = common::observe(&state);
    for presence in [Presence::Left, Presence::Gone] {
        state.members[2].presence = presence;
        let after = common::observe(&state);
        for check in ["members", "nb_clustered", "sb_clustered", "connection_strings", "ovn_remote", "sb_chassis"] {
            assert!(found_by(&state, &before).contains(check), "{check}: {presence}");
        }
        assert!(["sb_encap", "tunnels"].iter().all(|check| found_by(&state, &before).contains(check)));
        // Its instance is asked only where there is one, and there only whether anything runs.
        let left = found_by(&state, &after);
        let unread = BTreeSet::from(["services", "daemon_arguments"]);
        assert!(left.is_subset(&unread), "{left:?}");
    }
}

#[test]
fn of_a_snap_that_was_removed_nothing_is_left() {
    let mut state = common::state(false, true);
    state.members[FOURTH].nics[1].bridge = Some("br-uplink".to_owned());
    let before = common::observe(&state);
    state.members[FOURTH].bare = true;
    state.members[FOURTH].reckon();
    assert_eq!(state.members[FOURTH].presence, Presence::Down);
    assert!(found_by(&state, &before).contains("remains"), "nobody looked");
    let planned = common::observe(&state);
    found(&state, &planned, &[]);
    let name = state.members[FOURTH].name.clone();
    for (kind, what) in [
        ("device", "ovs-netdev"),
        ("device", "genev_sys_6081"),
        ("process", "7 /var/snap/microovn/common/left"),
        ("mount", "/snap/microovn/x1"),
        ("file", "/var/snap/microovn"),
    ] {
        let mut seen = planned.clone();
        let nics = "device lo\ndevice eth0\ndevice eth1\ndevice br-uplink\n";
        seen.record(&name, testkit::expect::Read::Remains, Ok(&format!("{nics}{kind} {what}\nend\n")));
        found(&state, &seen, &["remains"]);
    }
    // A list that ends early, and a host that lost a NIC.
    for text in
        ["device lo\ndevice eth0\ndevice eth1\ndevice br-uplink\n", "device lo\ndevice eth0\ndevice eth1\nend\n"]
    {
        let mut seen = planned.clone();
        seen.record(&name, testkit::expect::Read::Remains, Ok(text));
        found(&state, &seen, &["remains"]);
    }
}

#[test]
fn the_first_central_after_there_was_none_begins_other_databases_than_there_were() {
    let before = common::state(false, true);
    let (none, mut nobody) = without_centrals();
    let was = common::observe(&before);
    let mut station = nobody.clone();
    station.remember_databases(&was);
    assert_eq!(found_by(&none, &station), BTreeSet::new(), "what is remembered is no server");
    nobody.remember_databases(&station);
    assert_eq!(nobody, station, "it is remembered over a station more");

    let mut first = none;
    first.members[1].services.insert(Service::Central);
    for (databases, found) in [(Turnover::Fresh, &["databases_since"][..]), (Turnover::Same, &[])] {
        first.since = Some(Changes { databases, ..Changes::default() });
        // Those that there were, of which the state wants others, or not.
        let seen = common::observe(&first);
        let red = unsatisfied(&first, &seen, Some(&station));
        let red: Vec<&str> = red.iter().map(|(check, _)| check.name).collect();
        assert_eq!(red, found, "{databases:?}");
    }
    first.since = Some(Changes { databases: Turnover::Fresh, ..Changes::default() });
    let anew = common::observe_since(&first, &first.since.clone().unwrap());
    assert_eq!(unsatisfied(&first, &anew, Some(&station)).len(), 0);
}
