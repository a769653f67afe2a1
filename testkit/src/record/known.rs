//! What a run saw of the faults that are known.

use std::collections::BTreeMap;

use super::schema::{Cell, KnownFault, Outcome};
use crate::known::KnownTold;

/// Those that checks of these cells are about, in the order of their names; `told` has what is told of each.
pub(super) fn all<'a>(
    told: &BTreeMap<String, KnownTold>,
    cells: impl Iterator<Item = &'a Cell> + Clone,
) -> Vec<KnownFault> {
    let names = |cells: Vec<&Cell>| cells.into_iter().map(|cell| cell.name.clone()).collect();
    let fault = |KnownTold { name, reason, since }: &KnownTold| KnownFault {
        name: name.clone(),
        reason: reason.clone(),
        since: *since,
        seen: names(cells.clone().filter(|cell| is_seen(cell, name)).collect()),
        gone: names(cells.clone().filter(|cell| is_gone(cell, name)).collect()),
    };
    told.values().map(fault).collect()
}

fn is_seen(cell: &Cell, name: &str) -> bool {
    cell.checks.iter().any(|check| check.outcome == Outcome::Known && check.known.iter().any(|known| known == name))
}

/// Whether it would have shown in a cell, of which nothing failed or is missing, and did not.
fn is_gone(cell: &Cell, name: &str) -> bool {
    let passed = |outcome| outcome == Outcome::Passed;
    let would = cell.checks.iter().any(|check| passed(check.outcome) && check.known.iter().any(|known| known == name));
    let whole = |outcome| matches!(outcome, Outcome::Passed | Outcome::Known | Outcome::Skipped | Outcome::NotRun);
    would && !is_seen(cell, name) && cell.checks.iter().all(|check| whole(check.outcome))
}
