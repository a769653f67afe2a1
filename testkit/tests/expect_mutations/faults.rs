//! Members that are down, cut off or lack a daemon: what is still claimed is judged, and what was not done on purpose is found.

use std::collections::BTreeSet;

use testkit::expect::{Observation, Read, unsatisfied};
use testkit::microovn::Activity;
use testkit::microovn::health::{Kind, Trouble};
use testkit::ovn::RaftStatus;
use testkit::plan::{Network, Process, Standstill, State};

use crate::case::{Case, VICTIM, inner};
use crate::common;

fn found(state: &State, seen: &Observation) -> BTreeSet<&'static str> {
    unsatisfied(state, seen, None).into_iter().map(|(check, _)| check.name).collect()
}

/// The checks that find a change of what fits the state, which none of them finds wrong.
fn found_of(state: &State, mutate: impl FnOnce(&mut Case<'_>)) -> BTreeSet<&'static str> {
    let mut seen = common::observe(state);
    assert_eq!(found(state, &seen), BTreeSet::new(), "as it must be");
    mutate(&mut Case { state, seen: &mut seen });
    found(state, &seen)
}

/// A cluster of so many members of which these do not run.
fn with_down(members: usize, down: &[usize]) -> State {
    let mut state = common::state(false, true);
    state.members.truncate(members);
    for at in down {
        state.members[*at].standstill = Some(Standstill::Off);
        state.members[*at].reckon();
    }
    state
}

/// What the victim reads, or why it reads nothing.
fn reads(case: &mut Case<'_>, read: Read, output: Result<&str, &str>) {
    case.victim().record(read, output.map_err(str::to_owned));
}

#[test]
fn of_a_member_that_is_down_all_that_is_written_stays() {
    let state = with_down(4, &[3]);
    let listed = found_of(&state, |case| case.members()[3].status = "ONLINE".to_owned());
    assert_eq!(listed, BTreeSet::from(["members"]));
    let tunnel = found_of(&state, |case| drop(case.switch().interfaces.pop()));
    assert_eq!(tunnel, BTreeSet::from(["tunnels"]));
    let gone = state.members[3].name.clone();
    let row = found_of(&state, |case| case.southbound().chassis.retain(|row| row.name != gone));
    assert_eq!(row, BTreeSet::from(["sb_chassis", "sb_encap"]));
    let server = found_of(&with_down(4, &[2]), |case| drop(case.nb().servers.pop()));
    assert_eq!(server, BTreeSet::from(["nb_clustered"]));
}

#[test]
fn without_quorum_nobody_answers_and_says_so() {
    let state = with_down(3, &[0, 2]);
    let list = "[]";
    let answered = found_of(&state, |case| reads(case, Read::Members, Ok(list)));
    assert_eq!(answered, BTreeSet::from(["members"]));
    let hung = "`microovn cluster list --format json` had not ended after 45 s";
    assert_eq!(found_of(&state, |case| reads(case, Read::Members, Err(hung))), BTreeSet::from(["members"]));

    let rows = common::printed(&with_down(3, &[]), &state.members[VICTIM], Read::Southbound, &Default::default());
    let rows = rows.expect("rows");
    let answered = found_of(&state, |case| reads(case, Read::LostSouthbound, Ok(&rows)));
    assert_eq!(answered, BTreeSet::from(["sb_chassis", "sb_encap"]));

    let lead = |raft: &mut RaftStatus| raft.status = "cluster member".to_owned();
    assert_eq!(found_of(&state, |case| lead(case.nb())), BTreeSet::from(["nb_clustered"]));
    assert_eq!(found_of(&state, |case| lead(case.sb())), BTreeSet::from(["sb_clustered"]));
}

#[test]
fn a_list_given_up_for_a_silent_member_says_nothing() {
    let late = "`microovn cluster list --format json` exited with 1: Error: Get \"http://control.socket/core/1.0/cluster\": \
                context deadline exceeded";
    let given_up = |down: &[usize]| found_of(&with_down(4, down), |case| reads(case, Read::Members, Err(late)));
    assert_eq!(given_up(&[3]), BTreeSet::new());
    assert_eq!(given_up(&[]), BTreeSet::from(["members"]), "nobody is silent");
    let by_all = found_of(&with_down(4, &[3]), |case| {
        for seen in case.seen.members.values_mut() {
            seen.record(Read::Members, Err(late.to_owned()));
        }
    });
    assert_eq!(by_all, BTreeSet::from(["members"]), "nobody has listed them");
}

/// With this daemon of the victim killed for good.
fn without(process: Process) -> State {
    let mut state = common::state(false, true);
    state.members[VICTIM].dead.insert(process);
    state
}

#[test]
fn a_security_log_that_was_turned_off_stays_off() {
    let mut state = common::state(false, true);
    state.members[VICTIM].security_log = Some(false);
    let on = |case: &mut Case<'_>| {
        let argv = &mut case.daemon("microovnd", "").argv;
        argv.retain(|argument| argument != "--disable-security-logging");
    };
    assert_eq!(found_of(&state, |_| {}), BTreeSet::new());
    assert_eq!(found_of(&state, on), BTreeSet::from(["daemon_arguments"]));
}

#[test]
fn a_daemon_that_was_killed_for_good_is_not_there() {
    for process in [Process::Northd, Process::Controller, Process::Switch, Process::SwitchDatabase] {
        let whole = common::observe(&common::state(false, true));
        let name = common::state(false, true).members[VICTIM].name.clone();
        let seen = found_of(&without(process), |case| {
            let mut was = whole.members[&name].clone();
            *case.daemons() = inner(&mut was.daemons).clone();
        });
        assert_eq!(seen, BTreeSet::from(["daemon_arguments"]), "{process}");
        let another =
            found_of(&without(process), |case| case.daemons().retain(|it| it.process() != Some(Process::Northbound)));
        assert_eq!(another, BTreeSet::from(["daemon_arguments"]), "{process}");
    }
    let active = |case: &mut Case<'_>| case.service("ovn-northd").current = Activity::Active;
    assert_eq!(found_of(&without(Process::Northd), active), BTreeSet::from(["services"]));
    let inactive = |case: &mut Case<'_>| case.service("chassis").current = Activity::Inactive;
    assert_eq!(found_of(&without(Process::Controller), inactive), BTreeSet::from(["services"]));
}

#[test]
fn only_that_a_service_ended_is_forgiven_and_only_that_one() {
    let mut state = common::state(false, true);
    state.members[VICTIM].upset.insert("chassis".to_owned());
    let says = |kind: Kind, who: &str, text: &str| {
        let trouble = Trouble { kind, who: who.to_owned(), text: text.to_owned(), count: 1, per_second: 0 };
        found_of(&state, |case| case.health().troubles.push(trouble)).is_empty()
    };
    let exited = "Main process exited, code=killed, status=9/KILL";
    assert!(says(Kind::Ended, "systemd", &format!("snap.microovn.chassis.service: {exited}")));
    assert!(says(Kind::Ended, "ovn-controller", "pid 252 died, killed (Killed), exiting"));
    assert!(!says(Kind::Ended, "systemd", &format!("snap.microovn.switch.service: {exited}")));
    assert!(!says(Kind::Ended, "ovs-vswitchd", "pid 252 died, killed (Killed), exiting"));
    assert!(!says(Kind::Panic, "ovn-controller", "panic: it went wrong"));
    let restarted = |service: &str| {
        found_of(&state, |case| {
            let unit = &mut case.units()[0];
            (unit.name, unit.restarts) = (format!("snap.microovn.{service}.service"), 1);
        })
    };
    assert_eq!(restarted("chassis"), BTreeSet::new());
    assert_eq!(restarted("daemon"), BTreeSet::from(["healthy"]));
}

#[test]
fn a_link_that_was_cut_is_down_and_no_other() {
    let mut state = common::state(false, true);
    state.members[VICTIM].cut.insert(Network::Underlay);
    state.members[VICTIM].reckon();
    let up = |case: &mut Case<'_>| {
        let up = case.state.members[0].name.clone();
        let mut other = case.seen.members[&up].clone();
        *case.devices() = inner(&mut other.devices).clone();
    };
    assert_eq!(found_of(&state, up), BTreeSet::from(["encap_route"]));
    state.members[VICTIM].cut = BTreeSet::from([Network::Management]);
    state.members[VICTIM].reckon();
    assert_eq!(state.online().count(), 3, "nobody reaches it");
    assert_eq!(found(&state, &common::observe(&state)), BTreeSet::new());
}
