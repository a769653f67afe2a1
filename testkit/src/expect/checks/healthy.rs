//! How the services have fared since the members booted.
//!
//! A cluster may look right in every table while a daemon has crashed and was started again, loops, or is refused what it
//! asks for.

use std::collections::BTreeSet;

use crate::expect::{Check, Judge, Noise, Observation, Subject, Verdict, VerdictBuilder};
use crate::microovn::health::{Health, Kind, OFTEN, Trouble, Unit};
use crate::plan::{Member, State};

pub(super) const CHECK: Check = Check {
    name: "healthy",
    about: "since the members booted no service of the snap crashed, failed or was restarted by itself, but those that were \
            killed on purpose, nothing was denied to it, and none says the same over and over",
    reads: &[Subject::Health],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const JOURNAL: &str = "journal";
const UNITS: &str = "systemd";
/// So many lines of a kind are shown; one of them is usually enough.
const SHOWN: usize = 3;

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let known = Noise::known().map(|all| all.into_iter().filter(|noise| noise.may_be_in(state)).collect::<Vec<_>>());
    for member in state.online() {
        match observation.get(&member.name, |seen| &seen.units) {
            Err(reason) => drop(verdict.unread(&member.name, UNITS, reason)),
            Ok(units) => judge_units(&mut verdict, member, units),
        }
        match (observation.get(&member.name, |seen| &seen.health), &known) {
            (Err(reason), _) => drop(verdict.unread(&member.name, JOURNAL, reason)),
            (_, Err(error)) => drop(verdict.unread(&member.name, "known noise", error.to_string())),
            (Ok(health), Ok(known)) => judge_journal(&mut verdict, member, health, known),
        }
    }
    verdict.finish()
}

fn judge_units(verdict: &mut VerdictBuilder, planned: &Member, units: &[Unit]) {
    let member = planned.name.as_str();
    verdict.judge(!units.is_empty(), member, UNITS, "units", "some", "none", None);
    let upset = |unit: &&Unit| unit.service().is_some_and(|service| planned.upset.contains(service));
    for unit in units.iter().filter(|unit| !upset(unit)) {
        let seen = state(unit);
        verdict.judge(seen.is_empty(), member, UNITS, &unit.name, "no failure, no restart of its own", seen, None);
    }
}

fn judge_journal(verdict: &mut VerdictBuilder, planned: &Member, health: &Health, known: &[Noise]) {
    let member = planned.name.as_str();
    // systemd writes a line when it starts a service, and the daemon always runs.
    verdict.judge(health.lines > 0, member, JOURNAL, "lines", "some", "none", None);
    let left_out = format!("{} more that may tell of trouble", health.left_out);
    verdict.judge(health.left_out == 0, member, JOURNAL, "lines that were left out", "none", left_out, None);
    for kind in Kind::ALL {
        let of_kind =
            health.troubles.iter().filter(|trouble| trouble.kind == kind && !is_meant(trouble, &planned.upset));
        let unknown: Vec<&Trouble> =
            of_kind.filter(|one| !known.iter().any(|noise| noise.covers(kind, &one.who, &one.text))).collect();
        let column = kind.to_string();
        if unknown.is_empty() {
            verdict.judge(true, member, JOURNAL, &column, "none", "none", None);
        }
        for trouble in unknown.iter().take(SHOWN) {
            let seen = format!("{}: {}", trouble.who, trouble.text.trim_end());
            verdict.judge(false, member, JOURNAL, &column, "none", seen, how_often(trouble));
        }
        if unknown.len() > SHOWN {
            let seen = format!("{} other lines of that kind", unknown.len() - SHOWN);
            verdict.judge(false, member, JOURNAL, &column, "none", seen, None);
        }
    }
}

/// Whether a line tells only that a service ended, or was started again, that was made to end.
fn is_meant(trouble: &Trouble, upset: &BTreeSet<String>) -> bool {
    let ended = matches!(trouble.kind, Kind::Ended | Kind::Restarted | Kind::Failed);
    ended && trouble.services().iter().any(|service| upset.contains(*service))
}

/// What is wrong with a unit; nothing where all is well.
fn state(unit: &Unit) -> String {
    let Unit { active, sub, result, restarts, .. } = unit;
    let mut wrong = Vec::new();
    if active == "failed" || sub == "auto-restart" || result != "success" {
        wrong.push(format!("{active} ({sub}), result {result}"));
    }
    if *restarts > 0 {
        wrong.push(format!("restarted {restarts} times by systemd"));
    }
    wrong.join(", ")
}

fn how_often(trouble: &Trouble) -> Option<String> {
    let Trouble { count, per_second, .. } = trouble;
    match (count, per_second) {
        (count, often) if *often > OFTEN => Some(format!("{count} times, up to {often} times a second")),
        (1, _) => None,
        (count, _) => Some(format!("{count} times")),
    }
}
