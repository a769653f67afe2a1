//! Every step is visible: what fits the state before it is red against the state after, or settling would end before anything
//! had happened; and what fits the state after is green.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../testkit/tests/fitting/mod.rs"]
mod fitting;

use std::collections::BTreeMap;

use fitting::{AUTHORITIES, observe, observe_since};
use suites::{journeys, options, steps};
use testkit::cluster::variant;
use testkit::expect::{Observation, unsatisfied};
use testkit::journey::{Step, StepKind, state_after};
use testkit::plan::{Changes, Plan, Segments, State, Variant};

/// Cells whose members differ in more than one way.
const CELLS: [&[(&str, &str)]; 3] = [
    &[("members", "4")],
    &[("address_family", "ipv6"), ("member_name", "custom")],
    &[("encap", "ipv4"), ("user_ca", "rsa")],
];

/// What is only known when a cluster is made: its authority, where it is given one. A step may give another.
fn made(mut state: State, authority: usize) -> State {
    if let Some(given) = state.user_ca.as_mut().filter(|given| given.certificate.is_empty()) {
        given.certificate.clone_from(&AUTHORITIES[authority].certificate);
    }
    state
}

/// States to take steps from, by what they look like: those of some cells, and every station of every journey.
fn states() -> BTreeMap<String, State> {
    let matrix = options::matrix().unwrap();
    let draw = |cell: &[(&str, &str)], variant: &Variant| {
        Plan::draw_variant(&matrix.cell(cell).unwrap(), options::OPTIONS, Segments::documentation(), variant).state
    };
    let mut states = BTreeMap::new();
    for cell in CELLS {
        let state = made(draw(cell, &Variant::default()), 2);
        states.insert(format!("{cell:?}: {state}"), state);
    }
    for journey in journeys::JOURNEYS {
        let formed = draw(journey.cell, &variant(journey));
        for station in journey.draw(&formed).unwrap() {
            // Which journey comes by makes no difference, but who formed the cluster does.
            let whose = if station.state.is_microclouds() { "MicroCloud's: " } else { "" };
            states.entry(format!("{whose}{}", station.state)).or_insert_with(|| made(station.state, 2));
        }
    }
    for state in states.values_mut() {
        state.since = None;
    }
    states
}

/// The state after a step, which says what has changed since.
fn after(step: &dyn Step, before: &State) -> State {
    made(state_after(step, before), 3)
}

/// Whether a step is meant to change nothing.
fn changes_nothing(before: &State, after: &State) -> bool {
    *after == State { since: Some(Changes::default()), ..before.clone() }
}

/// The names of the checks that are red, with what they say first.
fn red(state: &State, seen: &Observation, before: &Observation) -> Vec<String> {
    unsatisfied(state, seen, Some(before)).iter().map(|(_, verdict)| verdict.to_string()).collect()
}

/// How a step is not as it must be, if it is not.
fn wrong(step: &dyn Step, before: &State, then: &Observation) -> Option<String> {
    let state = after(step, before);
    let early = red(&state, then, then);
    match (changes_nothing(before, &state), early.is_empty()) {
        (true, false) => return Some(format!("it changes nothing, and yet: {}", early.join("\n"))),
        (false, true) => return Some("nothing tells the state after it from the one before".to_owned()),
        _ => {}
    }
    let changes = state.since.clone().unwrap_or_default();
    let now = observe_since(&state, &changes);
    let late = red(&state, &now, then);
    (!late.is_empty()).then(|| format!("what fits the state after it is red: {}", late.join("\n")))
}

/// A step, and the state that it is taken from, by what that looks like.
type Taken<'a> = (&'a str, Box<dyn Step>);

/// From so many states a step of the same words is taken, of all that it is possible from: there are thousands.
const STATES: usize = 4;

/// How the steps of a kind are not as they must be, and how many were taken.
fn try_kind(kind: &StepKind, states: &BTreeMap<String, (State, Observation)>) -> (usize, Vec<String>) {
    let mut possible: BTreeMap<String, Vec<Taken<'_>>> = BTreeMap::new();
    for (name, (state, _)) in states {
        for step in (kind.possible)(state) {
            possible.entry(step.words()).or_default().push((name, step));
        }
    }
    let mut tried = 0;
    let mut found = Vec::new();
    for (words, all) in possible {
        // As far apart as there are.
        for (name, step) in all.iter().step_by(all.len().div_ceil(STATES)) {
            let (state, seen) = &states[*name];
            tried += 1;
            found.extend(wrong(&**step, state, seen).map(|why| format!("{words} from {name}: {why}")));
        }
    }
    (tried, found)
}

#[test]
fn every_station_is_green_where_the_cluster_is_as_it_must_be() {
    for (name, state) in states() {
        let seen = observe(&state);
        let red = red(&state, &seen, &seen);
        assert!(red.is_empty(), "{name}:\n{}", red.join("\n"));
    }
}

#[test]
fn every_step_is_visible() {
    let states = states().into_iter().map(|(name, state)| (name, (state.clone(), observe(&state)))).collect();
    let mut all = Vec::new();
    for kind in steps::STEPS {
        let (tried, found) = try_kind(kind, &states);
        println!("{}: {tried} steps, {} wrong", kind.name, found.len());
        assert!(tried > 0, "no state lets a step of the kind {} be taken", kind.name);
        all.extend(found);
    }
    let shown = all.iter().take(20).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(all.is_empty(), "{} are not as they must be\n{shown}", all.len());
}

/// A step whose effect does not say what it does.
#[derive(Debug)]
struct Silent(Box<dyn Step>);

impl Step for Silent {
    fn words(&self) -> String {
        self.0.words()
    }
    fn about(&self) -> String {
        self.0.about()
    }
    fn impossible(&self, state: &State) -> Option<String> {
        self.0.impossible(state)
    }
    fn acts(&self, state: &State) -> Vec<testkit::journey::Act> {
        self.0.acts(state)
    }
    fn effect(&self, state: &mut State) {
        self.0.effect(state);
        if let Some(changes) = &mut state.since {
            changes.processes.clear();
        }
        // Something of the state is another, which allows more than before.
        state.release.core_api = false;
    }
}

#[test]
fn a_step_that_nothing_shows_is_found() {
    let (_, state) = states().pop_first().unwrap();
    let restart = steps::STEPS.iter().find(|kind| kind.name == "restart").unwrap();
    let step = (restart.possible)(&state).swap_remove(0);
    let seen = observe(&state);
    assert_eq!(wrong(&*step, &state, &seen), None);
    let why = wrong(&Silent(step), &state, &seen).expect("nothing that is observed differs");
    assert!(why.contains("nothing tells"), "{why}");
}
