//! A journey as the record has it, from the documents that its player left. Each is there whole or not at all, so that what
//! is told of a journey that was killed is all that had happened.

use std::io;
use std::path::Path;

use super::changes;
use super::judged::{difference, look};
use super::parts::CellPart;
use super::schema::{self, Arrival, Check, Journey, MemberState, Outcome, Settled, Station, Stopped};
use super::seen;
use crate::cluster::{self, Done, Itinerary, Reached};
use crate::expect::{self, Verdict};
use crate::folder::CellFolder;
use crate::journey::{self as planned, Watched};
use crate::microovn::redact;
use crate::plan::State;

/// The journey of the cell in this folder; `None` where it is none.
pub(super) fn find(dir: &Path, name: &str, part: &CellPart) -> io::Result<Option<Journey>> {
    let folder = CellFolder::new(dir);
    let itinerary: Option<Itinerary> = folder.read()?;
    let Some(cell) = part.journey.clone().or_else(|| itinerary.as_ref().map(|it| it.cell.clone())) else {
        return Ok(None);
    };
    let stopped: Option<cluster::Stopped> = folder.read()?;
    let drawn = itinerary.map(|itinerary| itinerary.stations).unwrap_or_default();
    let mut stations = Vec::new();
    let mut before: Option<Reached> = None;
    for (number, test) in part.checks.iter().enumerate() {
        let planned = drawn.iter().find(|station| station.number == number);
        let reached = Reached::find(dir, number)?;
        let mut station = Station {
            number,
            name: test.name.clone(),
            about: test.about.clone(),
            arrival: Arrival::NotReached,
            began: None,
            ended: None,
            state: planned.map(|planned| state(&planned.state)),
            changes: Vec::new(),
            acts: planned.map(|planned| planned.acts.iter().map(act).collect()).unwrap_or_default(),
            watches: planned.map(|planned| planned.watches.iter().map(watch).collect()).unwrap_or_default(),
            settled: None,
            checks: Vec::new(),
            causes: Vec::new(),
            seen: Vec::new(),
        };
        let last = number.checked_sub(1).and_then(|last| drawn.iter().find(|station| station.number == last));
        if let Some((last, planned)) = last.zip(planned) {
            station.changes = changes::between(&last.state, &planned.state);
        }
        if let Some(reached) = &reached {
            arrive(name, &mut station, reached, before.as_ref());
        } else if let Some(stopped) = stopped.as_ref().filter(|stopped| stopped.at == number) {
            station.arrival = Arrival::Failed;
            did(&mut station, &stopped.acts, &stopped.watched);
        }
        stations.push(station);
        before = reached;
    }
    let stopped = stopped.map(|cluster::Stopped { at, station, why, .. }| Stopped { at, station, why: redact(&why) });
    Ok(Some(Journey { cell, stations, stopped }))
}

/// What is told of a journey in a line, where something is not as it must be.
pub(super) fn headline(journey: &Journey) -> Option<String> {
    let red = journey.stations.iter().find(|station| station.arrival == Arrival::Red);
    let cause = red.and_then(|station| {
        let cause = station.checks.iter().find(|check| Some(&check.name) == station.causes.first())?;
        let told = cause.differences.first().map_or_else(|| "nothing was compared".to_owned(), line);
        Some(format!("{}: {}: {told}", station.name, cause.name))
    });
    cause.or_else(|| journey.stopped.as_ref().map(|stopped| crate::headline::of(&stopped.why)))
}

fn line(difference: &schema::Difference) -> String {
    let schema::Difference { member, table, column, wanted, seen, note } = difference;
    let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{member} {table} {column}: wanted {wanted}, seen {seen}{note}")
}

/// What came of a station that was reached.
fn arrive(cell: &str, station: &mut Station, reached: &Reached, before: Option<&Reached>) {
    did(station, &reached.acts, &reached.watched);
    let state = &reached.station.state;
    let then = before.map(|before| &before.observation);
    let verdicts: Vec<Verdict> =
        expect::applicable(state).map(|check| check.judge(state, &reached.observation, then)).collect();
    let mut causes = expect::likely_causes(&verdicts);
    causes.sort_by_key(|verdict| !reached.known.is_news(verdict));
    station.causes = causes.into_iter().map(|verdict| verdict.check.clone()).collect();
    let verdicts = verdicts.into_iter().map(|verdict| reached.known.tell(verdict));
    station.checks = verdicts.map(|verdict| check(cell, state, &verdict)).collect();
    let wrong = !station.causes.is_empty() || station.watches.iter().any(|watch| watch.differs.is_some());
    station.arrival = if wrong { Arrival::Red } else { Arrival::Reached };
    (station.began, station.ended) = (Some(reached.began), Some(reached.ended));
    let cluster::Settled { ms, looks, last_ms, unsatisfied } = reached.settled.clone();
    station.settled = Some(Settled { ms, looks, last_ms, unsatisfied });
    station.seen = then.map(|then| seen::between(then, &reached.observation)).unwrap_or_default();
}

/// What was done and observed, in the place of what was planned. Of what was planned and not done, that remains.
fn did(station: &mut Station, acts: &[Done], watched: &[Watched]) {
    for (number, done) in acts.iter().enumerate() {
        let done = schema::Act {
            said: Some(redact(&done.said)),
            code: Some(done.code),
            ms: Some(done.ms),
            differs: done.differs.as_deref().map(redact),
            ..act(&done.act)
        };
        match station.acts.get_mut(number) {
            Some(planned) => *planned = done,
            None => station.acts.push(done),
        }
    }
    for (number, seen) in watched.iter().enumerate() {
        let seen = schema::Watch {
            looks: Some(seen.looks),
            lost: matches!(seen.watch, planned::Watch::Packets { .. }).then_some(seen.lost),
            gap_ms: Some(seen.gap_ms),
            said: seen.said.as_deref().map(redact),
            differs: seen.differs(),
            ..watch(&seen.watch)
        };
        match station.watches.get_mut(number) {
            Some(planned) => *planned = seen,
            None => station.watches.push(seen),
        }
    }
}

fn act(act: &planned::Act) -> schema::Act {
    schema::Act {
        member: act.on.clone(),
        what: redact(&act.what.to_string()),
        wanted: act.want.to_string(),
        said: None,
        code: None,
        ms: None,
        differs: None,
    }
}

fn watch(watch: &planned::Watch) -> schema::Watch {
    schema::Watch { what: watch.to_string(), looks: None, lost: None, gap_ms: None, said: None, differs: None }
}

fn check(cell: &str, state: &State, verdict: &Verdict) -> Check {
    let differences = verdict.in_order();
    Check {
        name: verdict.check.clone(),
        outcome: if verdict.passed() { Outcome::Passed } else { Outcome::Failed },
        compared: verdict.compared,
        look: differences.first().and_then(|first| look(cell, state, &verdict.check, first)),
        differences: differences.into_iter().map(difference).collect(),
        message: None,
        known: Vec::new(),
        started: None,
        ended: None,
    }
}

fn state(state: &State) -> schema::State {
    let member = |member: &crate::plan::Member| MemberState {
        name: member.name.clone(),
        presence: member.presence.to_string(),
        services: member.services.iter().map(ToString::to_string).collect(),
    };
    schema::State { words: state.to_string(), members: state.members.iter().map(member).collect() }
}
