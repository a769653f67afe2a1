//! What became of a check, and which of those that failed is likely the cause of the others.

use std::collections::BTreeMap;

use super::parts::{CellPart, CheckPart};
use super::schema::{Check, Difference, Outcome};
use crate::expect;
use crate::headline;
use crate::microovn::redact;
use crate::plan::State;

/// A check of a cell, from what its process left.
pub(super) fn check(
    cell: &str,
    state: Option<&State>,
    cell_part: &CellPart,
    part: Option<&CheckPart>,
    name: &str,
    alive: bool,
) -> Check {
    let end = part.and_then(|part| part.end.as_ref());
    let verdict = end.and_then(|end| end.verdict.as_ref());
    let outcome = match (part, end) {
        _ if cell_part.skipped.is_some() => Outcome::Skipped,
        (None, _) => Outcome::NotRun,
        (Some(_), None) if alive => Outcome::Running,
        (Some(_), None) => Outcome::Interrupted,
        (Some(_), Some(end)) => match (&end.failure, verdict) {
            (None, _) => Outcome::Passed,
            (Some(_), _) if !end.known.is_empty() => Outcome::Known,
            (Some(_), Some(verdict)) if !verdict.passed() => Outcome::Failed,
            (Some(_), _) => Outcome::Error,
        },
    };
    let differences: Vec<&expect::Difference> = verdict.map(expect::Verdict::in_order).unwrap_or_default();
    let look = state.and_then(|state| look(cell, state, name, differences.first()?));
    let differences = differences.into_iter().map(difference).collect();
    Check {
        name: name.to_owned(),
        outcome,
        compared: verdict.map_or(0, |verdict| verdict.compared),
        look,
        differences,
        // It was free of secrets when it was left; a report leaves the host.
        message: end.and_then(|end| end.failure.as_deref().map(redact)),
        known: end.into_iter().flat_map(|end| &end.known).map(|known| known.name.clone()).collect(),
        started: part.map(|part| part.started),
        ended: end.map(|end| end.at),
    }
}

/// The names of the checks that failed, known or not, the likely cause of the others first. What was not judged is a cause of nothing.
pub(super) fn causes(checks: &[Check], parts: &BTreeMap<String, CheckPart>) -> Vec<String> {
    let failed = || checks.iter().filter(|check| check.outcome.is_red());
    let judged = expect::likely_causes(failed().filter_map(|check| verdict(parts, &check.name)));
    let mut names: Vec<String> = judged.into_iter().map(|verdict| verdict.check.clone()).collect();
    let others: Vec<String> = failed().map(|check| check.name.clone()).filter(|name| !names.contains(name)).collect();
    names.extend(others);
    names
}

/// What is told in a line of a check that failed.
pub(super) fn told(check: &Check, parts: &BTreeMap<String, CheckPart>) -> String {
    match verdict(parts, &check.name).filter(|verdict| !verdict.passed()) {
        Some(verdict) => verdict.headline(),
        None => format!("{}: {}", check.name, check.message.as_deref().map(headline::of).unwrap_or_default()),
    }
}

fn verdict<'a>(parts: &'a BTreeMap<String, CheckPart>, check: &str) -> Option<&'a expect::Verdict> {
    parts.get(check)?.end.as_ref()?.verdict.as_ref()
}

pub(super) fn difference(difference: &expect::Difference) -> Difference {
    let expect::Difference { member, table, column, wanted, seen, note, .. } = difference.clone();
    let note = note.as_deref().map(redact);
    Difference { member, table, column, wanted: redact(&wanted), seen: redact(&seen), note }
}

/// The command that shows what a difference is about, on its member.
pub(super) fn look(cell: &str, state: &State, check: &str, difference: &expect::Difference) -> Option<String> {
    let number = state.members.iter().position(|member| member.name == difference.member)?;
    let argv = expect::look(state, &state.members[number], check, Some(difference))?;
    let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
    Some(format!("testkit shell {cell}:{} -- {}", number + 1, words.join(" ")))
}

/// A word as a shell takes it.
fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
