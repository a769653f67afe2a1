//! What compares with the station before: what should be new is, and everything else is what it was.

use std::collections::BTreeSet;

use testkit::expect::{MemberObservation, Observation, unsatisfied};
use testkit::plan::{Changes, Process, State, Turnover};

use crate::case::{Case, VICTIM, inner};
use crate::common;

/// The state of a station to which a step led that made this new.
fn after(changes: Changes) -> State {
    State { since: Some(changes), ..common::state(false, false) }
}

/// The checks that find what is seen, where what fits the state was seen before.
fn found(state: &State, seen: &Observation) -> BTreeSet<&'static str> {
    let before = common::observe(state);
    unsatisfied(state, seen, Some(&before)).into_iter().map(|(check, _)| check.name).collect()
}

/// The checks that find a change of what fits the state.
fn found_of(state: &State, mutate: fn(&mut Case<'_>)) -> BTreeSet<&'static str> {
    let changes = state.since.clone().expect("a step");
    let mut seen = common::observe_since(state, &changes);
    assert_eq!(found(state, &seen), BTreeSet::new(), "as it must be");
    mutate(&mut Case { state, seen: &mut seen });
    found(state, &seen)
}

fn victim() -> String {
    common::state(false, false).members[VICTIM].name.clone()
}

/// What a step says that makes a daemon of the victim new, and a certificate of it.
fn northd(process: Turnover, certificate: Turnover) -> Changes {
    let mut changes = Changes::default();
    changes.process(&victim(), Process::Northd, process);
    changes.certificate(&victim(), "ovn-northd", certificate);
    changes
}

fn restart(case: &mut Case<'_>) {
    case.daemon("ovn-northd", "ovn-northd").identity.1 += 1;
}

/// The process of the station before, under the same number.
fn as_before(case: &mut Case<'_>) {
    let before = common::observe(case.state);
    let mut member: MemberObservation = before.members[&victim()].clone();
    *case.daemons() = inner(&mut member.daemons).clone();
}

#[test]
fn a_process_that_should_not_and_one_that_did_not_restart_are_found() {
    let found = |turnover, mutate| found_of(&after(northd(turnover, Turnover::Same)), mutate);
    assert_eq!(found(Turnover::Same, restart), BTreeSet::from(["processes"]));
    assert_eq!(
        found(Turnover::Same, |case| case.daemon("ovn-northd", "").identity.0 += 1),
        BTreeSet::from(["processes"])
    );
    assert_eq!(found(Turnover::Fresh, as_before), BTreeSet::from(["processes"]));
    assert_eq!(found(Turnover::Fresh, restart), BTreeSet::new(), "another one still");
    assert_eq!(found(Turnover::Any, restart), BTreeSet::new());
    assert_eq!(found(Turnover::Any, as_before), BTreeSet::new());
}

#[test]
fn a_certificate_that_should_not_be_and_one_that_was_not_renewed_are_found() {
    let found = |turnover, mutate| found_of(&after(northd(Turnover::Same, turnover)), mutate);
    let reissue = |case: &mut Case<'_>| case.reissue("ovn-northd", |_| {});
    let kept = |case: &mut Case<'_>| {
        let before = common::observe(case.state);
        let mut member = before.members[&victim()].clone();
        *case.pki() = inner(&mut member.pki).clone();
    };
    assert_eq!(found(Turnover::Same, reissue), BTreeSet::from(["certificates_since"]));
    assert_eq!(found(Turnover::Fresh, kept), BTreeSet::from(["certificates_since"]));
    assert_eq!(found(Turnover::Fresh, reissue), BTreeSet::new());
    assert_eq!(found(Turnover::Any, reissue), BTreeSet::new());
    assert_eq!(found(Turnover::Any, kept), BTreeSet::new());
}

/// A new certificate with the old key is no new one: that key may be known to whom the old certificate was for.
#[test]
fn a_certificate_that_was_renewed_with_its_old_key_is_found() {
    let state = after(northd(Turnover::Same, Turnover::Fresh));
    let mut seen = common::observe_since(&state, state.since.as_ref().unwrap());
    let before = common::observe(&state);
    let key =
        before.members[&victim()].pki.get().unwrap().certificates("ovn-northd-cert.pem").unwrap()[0].public_key.clone();
    let mut case = Case { state: &state, seen: &mut seen };
    let file = case.file("ovn-northd-cert.pem");
    let testkit::microovn::PkiContent::Certificates(all) = &mut file.content else { panic!("certificates") };
    all[0].public_key = key;
    assert!(found(&state, &seen).contains("certificates_since"));
}

#[test]
fn an_authority_that_should_not_be_and_one_that_was_not_renewed_are_found() {
    let generated = |authority| {
        let mut changes = Changes { authority, ..Changes::default() };
        let state = State { user_ca: None, ..common::state(false, false) };
        for member in &state.members {
            for stem in testkit::microovn::planned_certificates(&member.services) {
                changes.certificate(&member.name, stem, authority);
            }
        }
        State { since: Some(changes), ..state }
    };
    let whole = |from: &State| common::observe(from);
    let (same, fresh) = (generated(Turnover::Same), generated(Turnover::Fresh));
    let renewed = common::observe_since(&fresh, fresh.since.as_ref().unwrap());
    assert_eq!(found(&fresh, &renewed), BTreeSet::new());
    assert_eq!(found(&same, &whole(&same)), BTreeSet::new());
    assert_eq!(found(&same, &renewed), BTreeSet::from(["certificates_since"]));
    assert_eq!(found(&fresh, &whole(&fresh)), BTreeSet::from(["certificates_since"]));
}

#[test]
fn databases_that_should_not_be_and_that_are_no_new_clusters_are_found() {
    let found = |databases, mutate| found_of(&after(Changes { databases, ..Changes::default() }), mutate);
    let other = |case: &mut Case<'_>| {
        for central in 0..3 {
            let id = Some("dddd0000-0000-4000-8000-000000000000".to_owned());
            inner(&mut case.at(central).nb_raft).cluster_id = id;
        }
    };
    let kept = |case: &mut Case<'_>| {
        let before = common::observe(case.state);
        case.seen.clone_from(&before);
    };
    assert_eq!(found(Turnover::Same, other), BTreeSet::from(["databases_since"]));
    assert_eq!(found(Turnover::Fresh, kept), BTreeSet::from(["databases_since"]));
    assert_eq!(found(Turnover::Fresh, other), BTreeSet::new());
    assert_eq!(found(Turnover::Any, kept), BTreeSet::new());
}

#[test]
fn a_station_without_a_reading_is_compared_with_nothing_and_fails() {
    let state = after(Changes::default());
    let mut seen = common::observe(&state);
    let mut case = Case { state: &state, seen: &mut seen };
    case.victim().daemons = testkit::expect::Reading::Failed("exit 1".to_owned());
    case.victim().nb_raft = testkit::expect::Reading::NotRead;
    let found = found(&state, &seen);
    assert!(found.is_superset(&BTreeSet::from(["processes", "databases_since"])), "{found:?}");
}

/// Of what was not there before, or could not be asked, nothing is known.
#[test]
fn what_was_not_there_before_is_not_compared() {
    let state = after(Changes::default());
    let seen = common::observe(&state);
    let mut before = seen.clone();
    before.members.remove(&victim());
    assert!(unsatisfied(&state, &seen, Some(&before)).is_empty());
}
