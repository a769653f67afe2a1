//! What a failed check tells a person.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use expect_test::{Expect, expect};
use testkit::expect::{Observation, Reading, Subject, Verdict, find_check, unsatisfied};
use testkit::ovn::AddressText;
use testkit::plan::State;

fn seen<T>(reading: &mut Reading<T>) -> &mut T {
    match reading {
        Reading::Seen(value) => value,
        _ => panic!("the unchanged observation has every reading"),
    }
}

fn check(name: &str, state: &State, observation: &Observation, wanted: Expect) {
    let verdict = find_check(name).unwrap().judge(state, observation, None);
    assert!(!verdict.passed());
    wanted.assert_eq(&verdict.to_string());
}

#[test]
fn a_wrong_address_is_explained() {
    let state = common::state(false, true);
    let mut observation = common::observe(&state);
    let texts = ["10.1.2.13", "10.1.2.12/24", "10.1.1.13", "fd42:1:2::e"];
    for (member, text) in state.members.iter().zip(texts) {
        let switch = seen(&mut observation.members.get_mut(&member.name).unwrap().switch);
        switch.open_vswitch.external_ids.insert("ovn-encap-ip".into(), text.into());
    }
    check(
        "ovs_encap_ip",
        &state,
        &observation,
        expect![[r#"
        ovs_encap_ip: failed, 4 of 4 compared differ
          member microovn-init-cluster-1: Open_vSwitch external_ids:ovn-encap-ip: wanted 10.1.2.11, seen 10.1.2.13 (address of microovn-init-cluster-3)
          member microovn-init-cluster-2: Open_vSwitch external_ids:ovn-encap-ip: wanted 10.1.2.12, seen 10.1.2.12/24 (it has a mask)
          member microovn-init-cluster-3: Open_vSwitch external_ids:ovn-encap-ip: wanted 10.1.2.13, seen 10.1.1.13 (the default address: the custom one was ignored)
          member microovn-init-cluster-4: Open_vSwitch external_ids:ovn-encap-ip: wanted 10.1.2.14, seen fd42:1:2::e (address of this member, on eth1)"#]],
    );
}

#[test]
fn texts_that_are_no_address_are_explained() {
    let state = common::state(true, false);
    let mut observation = common::observe(&state);
    let texts = ["", " fd42:1:1::c", "[fd42:1:1::d]", "microovn-4"];
    for (member, text) in state.members.iter().zip(texts) {
        let switch = seen(&mut observation.members.get_mut(&member.name).unwrap().switch);
        switch.open_vswitch.external_ids.insert("ovn-encap-ip".into(), text.into());
    }
    check(
        "ovs_encap_ip",
        &state,
        &observation,
        expect![[r#"
        ovs_encap_ip: failed, 4 of 4 compared differ
          member microovn-init-cluster-1: Open_vSwitch external_ids:ovn-encap-ip: wanted fd42:1:1::b, seen "" (it is empty)
          member microovn-init-cluster-2: Open_vSwitch external_ids:ovn-encap-ip: wanted fd42:1:1::c, seen " fd42:1:1::c" (it has white space around it)
          member microovn-init-cluster-3: Open_vSwitch external_ids:ovn-encap-ip: wanted fd42:1:1::d, seen [fd42:1:1::d] (it has brackets)
          member microovn-init-cluster-4: Open_vSwitch external_ids:ovn-encap-ip: wanted fd42:1:1::e, seen microovn-4 (it is not an address)"#]],
    );
}

#[test]
fn a_wrong_connection_string_says_what_is_missing_and_what_is_extra() {
    let state = common::state(true, false);
    let mut observation = common::observe(&state);
    let switch = seen(&mut observation.members.get_mut(&state.members[1].name).unwrap().switch);
    let remote = switch.open_vswitch.external_ids.get_mut("ovn-remote").unwrap();
    *remote = remote.replace("::d]", "::e]");
    check(
        "ovn_remote",
        &state,
        &observation,
        expect![[r#"
        ovn_remote: failed, 1 of 4 compared differ
          member microovn-init-cluster-2: Open_vSwitch external_ids:ovn-remote: wanted ssl:[fd42:1:1::b]:6642,ssl:[fd42:1:1::c]:6642,ssl:[fd42:1:1::d]:6642, seen ssl:[fd42:1:1::b]:6642,ssl:[fd42:1:1::c]:6642,ssl:[fd42:1:1::e]:6642 (ssl:[fd42:1:1::d]:6642 is missing; ssl:[fd42:1:1::e]:6642 is not planned)"#]],
    );
}

#[test]
fn every_difference_is_shown_at_once() {
    let state = common::state(false, false);
    let mut observation = common::observe(&state);
    let first = observation.members.get_mut(&state.members[0].name).unwrap();
    seen(&mut first.southbound).encaps.remove(0);
    seen(&mut first.southbound).encaps[0].ip = AddressText::new("10.88.0.999");
    seen(&mut first.switch).interfaces.pop();
    let second = observation.members.get_mut(&state.members[1].name).unwrap();
    second.southbound = Reading::Failed("exit 1: ovn-sbctl: database connection failed ()".into());
    second.routes.clear();
    seen(&mut second.services).retain(|service| service.name != "chassis");
    seen(&mut second.members)[2].status = "UNREACHABLE".into();
    check(
        "sb_encap",
        &state,
        &observation,
        expect![[r#"
        sb_encap: failed, 4 of 60 compared differ
          member microovn-init-cluster-1: Encap chassis_name:                     wanted microovn-init-cluster-1, microovn-init-cluster-2, microovn-init-cluster-3, microovn-init-cluster-4, seen microovn-init-cluster-1, microovn-init-cluster-2, microovn-init-cluster-3
          member microovn-init-cluster-1: Encap microovn-init-cluster-3 ip:       wanted 10.1.1.13, seen 10.88.0.999 (it is not an address)
          member microovn-init-cluster-1: Chassis microovn-init-cluster-4 encaps: wanted none, seen 00000002-0000-4000-8000-000000000003
          member microovn-init-cluster-2: Encap (all):                            wanted a reading, seen failed: exit 1: ovn-sbctl: database connection failed ()"#]],
    );
    check(
        "tunnels",
        &state,
        &observation,
        expect![[r#"
        tunnels: failed, 2 of 27 compared differ
          member microovn-init-cluster-1: Interface geneve rows:       wanted 3, seen 2 (geneve interfaces: ovn-peer-1-0, ovn-peer-2-0)
          member microovn-init-cluster-1: Interface options:remote_ip: wanted one tunnel to 10.1.1.14, seen 0 (the endpoint of microovn-init-cluster-4)"#]],
    );
    check(
        "encap_route",
        &state,
        &observation,
        expect![[r#"
            encap_route: failed, 3 of 50 compared differ
              member microovn-init-cluster-2: ip route get 10.1.1.11 (all): wanted a reading, seen not read
              member microovn-init-cluster-2: ip route get 10.1.1.13 (all): wanted a reading, seen not read
              member microovn-init-cluster-2: ip route get 10.1.1.14 (all): wanted a reading, seen not read"#]],
    );
    check(
        "services",
        &state,
        &observation,
        expect![[r#"
            services: failed, 1 of 36 compared differ
              member microovn-init-cluster-2: snap services chassis: wanted enabled active, seen not listed"#]],
    );
    check(
        "members",
        &state,
        &observation,
        expect![[r#"
        members: failed, 1 of 36 compared differ
          member microovn-init-cluster-2: cluster list microovn-init-cluster-3 status: wanted ONLINE, seen UNREACHABLE"#]],
    );
    let names: Vec<_> = unsatisfied(&state, &observation, None).into_iter().map(|(check, _)| check.name).collect();
    // What a member was given, what became of it, what could not be read.
    assert_eq!(names, ["services", "members", "sb_encap", "tunnels", "sb_chassis", "encap_route"]);
}

#[test]
fn a_passed_check_says_how_much_it_compared() {
    for (_, state) in common::states() {
        let verdict = find_check("ovs_encap_ip").unwrap().judge(&state, &common::observe(&state), None);
        assert!(verdict.passed());
        expect!["ovs_encap_ip: passed, 4 compared"].assert_eq(&verdict.to_string());
    }
}

#[test]
fn a_failed_reading_does_not_show_a_secret() {
    let mut observation = Observation::default();
    let reason = "exit 1: bad token eyJzZWNyZXQiOiIwMDAwMDAw".to_owned();
    observation.record("microovn-1", testkit::expect::Read::Members, Err(reason));
    let seen = &observation.find("microovn-1").unwrap().members;
    assert_eq!(seen.get(), Err("failed: exit 1: bad token [redacted join token]".to_owned()));
}

#[test]
fn a_verdict_over_nothing_has_failed() {
    let verdict = Verdict::builder("nb_sb_propagation").finish();
    assert!(!verdict.passed());
    expect!["nb_sb_propagation: failed: nothing was compared"].assert_eq(&verdict.to_string());
}

#[test]
fn a_live_check_builds_its_own_verdict() {
    let mut builder = Verdict::builder("nb_sb_propagation");
    builder.compare("microovn-1", "Logical_Switch", "name", "sw0", "sw0");
    builder.compare("microovn-1", "SB_Global", "nb_cfg", 2, 1);
    let verdict = builder.finish();
    assert_eq!((verdict.compared, verdict.differences.len()), (2, 1));
    expect![[r#"
        nb_sb_propagation: failed, 1 of 2 compared differ
          member microovn-1: SB_Global nb_cfg: wanted 2, seen 1"#]]
    .assert_eq(&verdict.to_string());
}

#[test]
fn subjects_apply_where_there_is_something_to_read() {
    let state = common::state(false, false);
    let apply = |n: usize| Subject::ALL.iter().filter(|subject| subject.applies_to(&state.members[n])).count();
    assert_eq!((apply(0), apply(3)), (17, 15));
    assert!(Subject::NbRaft.reads(&state, &state.members[3]).is_empty());
    assert_eq!(Subject::Routes.reads(&state, &state.members[3]).len(), 3);
    assert_eq!(Subject::Environment.reads(&state, &state.members[0]).len(), 2);
    assert_eq!(Subject::Environment.reads(&state, &state.members[3]).len(), 1);
}
