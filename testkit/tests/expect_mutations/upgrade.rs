//! A cluster on its way from one release to another: each member has its own, and the databases have the schemas that all can
//! read.

use std::collections::BTreeSet;

use testkit::expect::{Observation, Reading};
use testkit::microovn::Summary;
use testkit::plan::{Presence, Release, State};

use crate::case::{VICTIM, inner};
use crate::common;
use crate::found_by;

/// The checks that judge nothing where there is only one release.
const CHECKS: [&str; 2] = ["snap_version", "schemas"];

/// With so many members refreshed, from the first on.
fn refreshed(count: usize) -> (State, Observation) {
    let mut state = common::state(false, true);
    state.newer = Some(std::mem::replace(&mut state.release, Release::older()));
    state.members.iter_mut().take(count).for_each(|member| member.refreshed = true);
    state.convert_when_due();
    let seen = common::observe(&state);
    (state, seen)
}

#[track_caller]
fn found(state: &State, seen: &Observation, wanted: &[&'static str]) {
    assert_eq!(found_by(state, seen), BTreeSet::from_iter(wanted.iter().copied()));
}

#[test]
fn every_stage_of_an_upgrade_passes_and_fits_no_other() {
    let stages: Vec<_> = (0..=4).map(refreshed).collect();
    for (number, (state, seen)) in stages.iter().enumerate() {
        found(state, seen, &[]);
        for (_, other) in stages.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, stage)| stage) {
            let found = found_by(state, other);
            assert!(CHECKS.iter().all(|check| found.contains(check)), "{number}: {found:?}");
        }
    }
}

#[test]
fn a_member_that_is_down_is_said_not_to_answer() {
    let (mut state, _) = refreshed(3);
    state.members[3].presence = Presence::Down;
    found(&state, &common::observe(&state), &[]);
}

#[test]
fn one_database_of_one_server_with_the_other_schema_is_found() {
    for count in [3, 4] {
        let (state, planned) = refreshed(count);
        let name = &state.members[VICTIM].name;
        let other = if count == 4 { "7.0.0" } else { "7.11.0" };
        let mut seen = planned.clone();
        *inner(&mut seen.members.get_mut(name).unwrap().nb_schema) = other.to_owned();
        found(&state, &seen, &["schemas"]);
        let mut seen = planned.clone();
        seen.members.get_mut(name).unwrap().sb_schema = Reading::Failed("connection failed".to_owned());
        found(&state, &seen, &["schemas"]);
    }
}

#[test]
fn a_status_that_says_all_is_well_too_early_or_leaves_a_member_out_is_found() {
    let (state, planned) = refreshed(2);
    let name = &state.members[VICTIM].name;
    let status = |change: fn(&mut Option<Summary>)| {
        let mut seen = planned.clone();
        change(&mut inner(&mut seen.members.get_mut(name).unwrap().status).southbound);
        seen
    };
    found(&state, &status(|summary| *summary = Some(Summary::Content("20.27.0".to_owned()))), &["schemas"]);
    found(&state, &status(|summary| *summary = None), &["schemas"]);
    let without_one = status(|summary| match summary {
        Some(Summary::Attention { expected, .. }) => drop(expected.pop_last()),
        _ => panic!("nothing is held back"),
    });
    found(&state, &without_one, &["schemas"]);
}

#[test]
fn a_snap_of_another_version_is_found() {
    let (state, mut seen) = refreshed(2);
    let name = &state.members[3].name;
    *inner(&mut seen.members.get_mut(name).unwrap().version) = Release::default().version;
    found(&state, &seen, &["snap_version"]);
}

#[test]
fn what_only_the_newer_release_has_is_wanted_of_who_has_it() {
    let (mut state, _) = refreshed(1);
    let newer = state.newer.as_mut().unwrap();
    let plug = newer.plugs["network"].clone();
    newer.plugs.insert("another".to_owned(), plug);
    let seen = common::observe(&state);
    found(&state, &seen, &[]);
    state.members[3].refreshed = true;
    found(&state, &seen, &["plugs", "schemas", "services", "snap_version"]);
}

#[test]
fn a_northd_that_cannot_write_what_the_databases_lack_is_known_only_where_schemas_are_held_back() {
    let line = "ovs|00102|ovn_northd|INFO|OVNSB commit failed, force recompute next time.";
    for (upgrading, wanted) in [(true, &[][..]), (false, &["healthy"])] {
        let (mut state, mut seen) = refreshed(2);
        if !upgrading {
            state = common::state(false, true);
            seen = common::observe(&state);
        }
        let name = &state.members[VICTIM].name;
        let trouble = format!("7803\t2354\tovn-northd\t{line}");
        let text = printed_health(&trouble);
        seen.record(name, testkit::expect::Read::Health, Ok(&text));
        found(&state, &seen, wanted);
    }
}

/// What is printed of a member that is well but for this line.
fn printed_health(trouble: &str) -> String {
    format!("= journal 1204 0\n{trouble}\n= end\n")
}
