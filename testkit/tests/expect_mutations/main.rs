//! Every check finds what it is for, and nothing else: a cluster formed as planned passes all checks, and one thing
//! changed in what it says is found by exactly the checks named here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod case;
mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod life;
mod packets;
mod since;
mod table;
mod upgrade;

use std::collections::BTreeSet;

use case::{Case, VICTIM, inner};
use table::Mutation;
use testkit::expect::{
    CHECKS, Check, Observation, Reading, Verdict, applicable, is_of_every_formed, look, unsatisfied,
};
use testkit::microovn::CertificateList;
use testkit::ovn::AddressText;
use testkit::plan::{Plug, State};

fn mutations() -> impl Iterator<Item = &'static Mutation> {
    table::MUTATIONS.iter().chain(certificates::MUTATIONS)
}

/// Those that need no station before, no second release and no packets.
fn of_a_formed_cluster() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().filter(|check| is_of_every_formed(check.name))
}

fn found_by(state: &State, observation: &Observation) -> BTreeSet<&'static str> {
    unsatisfied(state, observation, None).into_iter().map(|(check, _)| check.name).collect()
}

#[test]
fn a_cluster_formed_as_planned_passes_every_check() {
    for (name, state) in common::states() {
        let observation = common::observe(&state);
        for check in of_a_formed_cluster() {
            let verdict = check.judge(&state, &observation, None);
            assert!(verdict.passed(), "{name}: {verdict}");
            assert_eq!(verdict.check, check.name);
        }
    }
}

#[test]
fn each_mutation_is_found_by_exactly_its_checks() {
    let mut wrong = Vec::new();
    for (name, state) in common::states() {
        let planned = common::observe(&state);
        for (mutation, checks, mutate) in mutations() {
            let mut seen = planned.clone();
            mutate(&mut Case { state: &state, seen: &mut seen });
            assert_ne!(seen, planned, "{name}: {mutation}: nothing was changed");
            let (wanted, found) = (checks.iter().copied().collect(), found_by(&state, &seen));
            if found != wanted {
                wrong.push(format!("{name}: {mutation}: wanted {wanted:?}, found by {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_finds_some_mutation() {
    let used: BTreeSet<&str> = mutations().flat_map(|(_, checks, _)| checks.iter().copied()).collect();
    let known: BTreeSet<&str> = of_a_formed_cluster().map(|check| check.name).collect();
    assert_eq!(used, known);
}

#[test]
fn an_address_is_compared_as_an_address() {
    let state = common::state(true, true);
    let mut seen = common::observe(&state);
    let mut case = Case { state: &state, seen: &mut seen };
    case.external_id("ovn-encap-ip", "FD42:1:2:0::000C");
    assert_eq!(case.encap(VICTIM).to_string(), "fd42:1:2::c");
    case.southbound().encaps[2].ip = AddressText::new("FD42:1:2:0:0:0:0:C");
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
}

#[test]
fn a_member_without_a_chassis_has_no_encap_address() {
    let mut state = common::state(false, false);
    state.members[3].services.remove(&testkit::plan::Service::Chassis);
    let planned = common::observe(&state);
    assert_eq!(found_by(&state, &planned), BTreeSet::new());

    let mut seen = planned;
    let name = state.members[3].name.clone();
    let switch = inner(&mut seen.members.get_mut(&name).unwrap().switch);
    switch.open_vswitch.external_ids.insert("ovn-encap-ip".to_owned(), state.members[3].encap.ip.to_string());
    assert_eq!(found_by(&state, &seen), BTreeSet::from(["ovs_encap_ip"]));
}

#[test]
fn what_the_release_lacks_is_not_expected_and_what_it_adds_must_be_there() {
    let mut state = common::state(false, true);
    state.release.services.remove("bird");
    let seen = common::observe(&state);
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
    assert_eq!(found_by(&common::state(false, true), &seen), BTreeSet::from(["services"]));

    state.release.services.insert("frr-zebra".to_owned());
    assert_eq!(found_by(&state, &seen), BTreeSet::from(["services"]));
    let mut seen = common::observe(&state);
    for member in seen.members.values_mut() {
        let mut added = inner(&mut member.services)[0].clone();
        added.name = "frr-zebra".to_owned();
        inner(&mut member.services).push(added);
    }
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
}

#[test]
fn a_central_starts_from_another_where_there_is_one() {
    let mut state = common::state(false, true);
    let planned = common::observe(&state);
    let starting = |at: usize| {
        let mut seen = planned.clone();
        let address = state.members[at].address.to_string();
        inner(&mut Case { state: &state, seen: &mut seen }.at(0).ovn_env).insert("OVN_INITIAL_NB", address);
        seen
    };
    let (itself, second, third) = (starting(0), starting(1), starting(2));
    // Any other will do: which comes first is the order of a table.
    assert_eq!(found_by(&state, &second), BTreeSet::new());
    assert_eq!(found_by(&state, &third), BTreeSet::new());
    assert_eq!(found_by(&state, &itself), BTreeSet::from(["connection_strings"]));
    // Recorded of branch-22.03: the first names itself.
    state.release.core_api = false;
    assert_eq!(found_by(&state, &itself), BTreeSet::new());
}

#[test]
fn members_listen_where_those_of_the_release_do() {
    let mut state = common::state(false, true);
    let seen = common::observe(&state);
    state.release.member_port = 6443;
    assert_eq!(found_by(&state, &seen), BTreeSet::from(["members"]));
    assert_eq!(found_by(&state, &common::observe(&state)), BTreeSet::new());
}

#[test]
fn a_tunnel_that_is_missing_for_want_of_a_datapath_says_so() {
    let state = common::state(false, true);
    let mut seen = common::observe(&state);
    let mut case = Case { state: &state, seen: &mut seen };
    case.switch().interfaces.truncate(1);
    case.switch().bridges[0].datapath_id = None;
    let said: Vec<String> = unsatisfied(&state, &seen, None).iter().map(|(_, verdict)| verdict.to_string()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("br-int datapath_id: wanted one, seen none (the userspace datapath needs"), "{}", said[0]);
    assert!(
        said[1].contains(
            "wanted 3, seen 0 (geneve interfaces: none; br-int has no datapath, and without one there are no tunnels)"
        ),
        "{}",
        said[1]
    );
}

#[test]
fn only_content_that_nothing_provides_may_stay_unconnected() {
    let mut state = common::state(false, true);
    let refused = Some("no slot".to_owned());
    for (interface, name, excused) in [("content", "logs", true), ("system-files", "etc", false)] {
        let plug = Plug { interface: interface.to_owned(), refused: refused.clone() };
        state.release.plugs.insert(name.to_owned(), plug);
        let mut seen = common::observe(&state);
        seen.members.values_mut().for_each(|member| inner(&mut member.plugs).set(name, None));
        assert_eq!(found_by(&state, &seen).is_empty(), excused, "{interface}");
        // Where a provider is there, it must be connected.
        state.release.plugs.get_mut(name).unwrap().refused = None;
        assert_eq!(found_by(&state, &seen), BTreeSet::from(["plugs"]), "{interface}");
    }
}

#[test]
fn a_cluster_of_one_is_compared_with_something() {
    let mut state = common::state(false, true);
    state.members.truncate(1);
    let observation = common::observe(&state);
    assert_eq!(found_by(&state, &observation), BTreeSet::new());
}

#[test]
fn a_check_without_anything_to_compare_does_not_apply() {
    let names = |state: &State| applicable(state).map(|check| check.name).collect::<BTreeSet<_>>();
    let state = common::state(false, true);
    let all: BTreeSet<&str> = of_a_formed_cluster().map(|check| check.name).collect();
    assert_eq!(names(&state), all);
    let mut alone = state;
    alone.members.truncate(1);
    assert_eq!(&all - &names(&alone), BTreeSet::from(["tunnels"]));
}

#[test]
fn nothing_observed_fails_every_check() {
    let state = common::state(false, false);
    assert_eq!(found_by(&state, &Observation::default()).len(), of_a_formed_cluster().count());
    let nobody = State { members: Vec::new(), ..state };
    assert_eq!(found_by(&nobody, &Observation::default()).len(), applicable(&nobody).count());
}

/// MicroOVN looks up the services of a member by the name of its host.
#[test]
fn a_member_of_another_name_may_list_no_certificate_of_a_service() {
    let mut state = common::state(false, false);
    state.members[VICTIM].name = "member-2".to_owned();
    let mut seen = common::observe(&state);
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
    let mut case = Case { state: &state, seen: &mut seen };
    case.list().services.values_mut().for_each(|listed| *listed = None);
    case.text().services.values_mut().for_each(|listed| *listed = None);
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
    let mut case = Case { state: &state, seen: &mut seen };
    let renewed = case.list().ca.auto_renew.unwrap();
    case.list().ca.auto_renew = Some(!renewed);
    case.text().ca.auto_renew = Some(!renewed);
    assert_eq!(found_by(&state, &seen), BTreeSet::from(["certificates"]));
}

#[test]
fn a_release_that_knows_less_says_less_of_certificates() {
    let state = State { user_ca: None, ..common::state(false, false) };
    let mut seen = common::observe(&state);
    let mut case = Case { state: &state, seen: &mut seen };
    let forget = |list: &mut CertificateList| {
        (list.ca.auto_renew, list.ca.expiration_date) = (None, None);
        list.services.values_mut().flatten().for_each(|listed| listed.expiration_date = None);
    };
    forget(case.list());
    forget(case.text());
    assert_eq!(found_by(&state, &seen), BTreeSet::new());
}

#[test]
fn an_observation_survives_being_stored() {
    for (_, state) in common::states() {
        let mut observation = common::observe(&state);
        let name = state.members[0].name.clone();
        observation.members.get_mut(&name).unwrap().northd = Reading::Failed("exit 1".to_owned());
        observation.members.get_mut(&name).unwrap().switch = Reading::NotRead;
        let text = serde_json::to_string(&observation).unwrap();
        assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), observation);
    }
}

/// What is typed on the member of a difference to see what it is about.
fn shown(state: &State, check: &str, difference: &testkit::expect::Difference) -> String {
    let member = state.members.iter().find(|member| member.name == difference.member).expect("a member");
    look(state, member, check, Some(difference)).expect("a command").join(" ")
}

#[test]
fn what_a_difference_is_about_can_be_looked_at_on_its_member() {
    const DAEMONS: [&str; 5] = ["ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-server", "microovnd"];
    fn first(text: &str) -> &str {
        text.split(' ').next().unwrap_or(text)
    }
    let mut wrong = BTreeSet::new();
    for (_, state) in common::states() {
        let planned = common::observe(&state);
        for (_, _, mutate) in mutations() {
            let mut seen = planned.clone();
            mutate(&mut Case { state: &state, seen: &mut seen });
            for (check, verdict) in unsatisfied(&state, &seen, None) {
                for difference in &verdict.differences {
                    let command = shown(&state, check.name, difference);
                    let (table, column) = (difference.table.as_str(), difference.column.as_str());
                    // What the table is called on a command line, and what of the column must be in it.
                    let part = match table {
                        "snap services" => column,
                        "ovn.env" if !difference.unread => column,
                        "ovn-northd" => "ovn-northd",
                        "Open_vSwitch" if !difference.unread => column,
                        "data/pki" => column.split(' ').next().filter(|file| file.ends_with(".pem")).unwrap_or("pki"),
                        "cluster list" => "cluster list",
                        "systemd" => "systemctl",
                        "ip address" => "ip address show",
                        "daemons" if DAEMONS.iter().any(|it| column.starts_with(it)) => first(column),
                        "daemons" => "ps",
                        table if DAEMONS.iter().any(|it| table.starts_with(it)) => first(table),
                        "TLS" | "TLS without a certificate" => "s_client",
                        "certificates list as text" => "certificates list",
                        table => table,
                    };
                    if !command.contains(part) && !difference.unread {
                        wrong.insert(format!("{}: {table} {column}: {command}", check.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_row_file_or_argument_is_shown_and_not_all_that_was_read() {
    let state = common::state(false, true);
    let member = state.members[VICTIM].name.clone();
    let shown = |check: &str, table: &str, column: &str| {
        let mut verdict = Verdict::builder(check);
        verdict.compare(&member, table, column, "a", "b");
        shown(&state, check, &verdict.finish().differences[0])
    };
    for (check, table, column, command) in [
        ("connection_strings", "ovn-northd", "--ovnnb-db", "ps -ww -C ovn-northd -o pid=,args=".to_owned()),
        (
            "connection_strings",
            "ovn.env",
            "OVN_NB_CONNECT",
            "grep --with-filename ^OVN_NB_CONNECT= /var/snap/microovn/common/data/env/ovn.env".to_owned(),
        ),
        ("services", "snap services", "chassis", "snap services microovn.chassis".to_owned()),
        (
            "ovs_encap_ip",
            "Open_vSwitch",
            "external_ids:ovn-encap-ip",
            "microovn.ovs-vsctl --if-exists get Open_vSwitch . external_ids:ovn-encap-ip".to_owned(),
        ),
        (
            "sb_encap",
            "Encap",
            &format!("{member} ip"),
            format!(
                "microovn.ovn-sbctl --timeout=30 --columns=chassis_name,ip,type,options find Encap chassis_name={member}"
            ),
        ),
        (
            "certificates",
            "data/pki",
            "cacert.pem SHA-256",
            "openssl x509 -noout -subject -issuer -dates -fingerprint -sha256 -in \
             /var/snap/microovn/common/data/pki/cacert.pem"
                .to_owned(),
        ),
        (
            "nb_sb_propagation",
            "ovn-nbctl --wait=sb",
            "ls-add testkit-x",
            "microovn.ovn-nbctl --timeout=30 --wait=sb sync".to_owned(),
        ),
    ] {
        assert_eq!(shown(check, table, column), command);
    }
}
