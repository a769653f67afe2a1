//! What a step must have made new, and what must be what it was at the station before.

mod certificates;
mod databases;
mod processes;

pub(super) use certificates::CHECK as CERTIFICATES;
pub(super) use databases::CHECK as DATABASES;
pub(super) use processes::CHECK as PROCESSES;

use crate::expect::VerdictBuilder;
use crate::plan::{State, Turnover};

/// At every station but the first.
fn after_a_step(state: &State) -> bool {
    state.since.is_some()
}

/// Compares what something is now with what it was, each as it is shown.
fn compare(
    verdict: &mut VerdictBuilder,
    (member, table, column): (&str, &str, &str),
    turnover: Turnover,
    before: &str,
    now: &str,
) {
    let same = before == now;
    let seen = if same { format!("the same, {now}") } else { format!("another, {now}") };
    let wanted = match turnover {
        Turnover::Same => "the one before",
        Turnover::Fresh => "another than before",
        Turnover::Any => "that one or another",
    };
    let holds = match turnover {
        Turnover::Same => same,
        Turnover::Fresh => !same,
        Turnover::Any => true,
    };
    let note = (!holds && !same).then(|| format!("before it was {before}"));
    verdict.judge(holds, member, table, column, wanted, seen, note);
}
