//! What belongs together: failures of the same kind, and cells by the values of their options.

use super::view::CellView;
use crate::record::schema::{InitOption, Record};

/// Cells that failed in the same way; the first stands for all.
pub(super) struct Failure<'v, 'a> {
    pub(super) view: &'v CellView<'a>,
    pub(super) others: Vec<&'v CellView<'a>>,
}

impl Failure<'_, '_> {
    /// The names of its cells.
    pub(super) fn names(&self) -> String {
        let all = std::iter::once(&self.view).chain(&self.others);
        all.map(|view| view.cell.name.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The failures, each kind once, in the order in which they come.
pub(super) fn failures<'v, 'a>(cells: &'v [CellView<'a>]) -> Vec<Failure<'v, 'a>> {
    let mut groups: Vec<(String, Failure<'v, 'a>)> = Vec::new();
    for view in cells.iter().filter(|view| view.totals.failed > 0) {
        let kind = kind(view);
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, failure)) => failure.others.push(view),
            None => groups.push((kind, Failure { view, others: Vec::new() })),
        }
    }
    groups.into_iter().map(|(_, failure)| failure).collect()
}

/// What a failure is about, without what differs from cell to cell: members, addresses, numbers.
fn kind(view: &CellView<'_>) -> String {
    if let Some((first, _)) = &view.problem {
        return general(first, view);
    }
    if let (Some(_), Some(told)) = (&view.journey, &view.cell.headline) {
        return general(told, view);
    }
    let Some(cause) = view.cause() else { return view.cell.name.clone() };
    match cause.check.differences.first() {
        Some(it) => {
            let note = it.note.as_deref().unwrap_or_default();
            format!("{} {} {}", cause.check.name, it.table, general(&format!("{} {note}", it.column), view))
        }
        None => format!("{} {}", cause.check.name, general(cause.check.message.as_deref().unwrap_or_default(), view)),
    }
}

fn general(text: &str, view: &CellView<'_>) -> String {
    let mut text = text.replace(&view.cell.name, "…");
    for member in view.cell.plan.iter().flat_map(|plan| &plan.members) {
        text = text.replace(&member.name, "…").replace(&member.hostname, "…");
    }
    // Whatever has a digit is an address or a number.
    let words = text.split(|c: char| c.is_whitespace() || "\"'()[],".contains(c));
    words.map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

/// The cells that have a value of an option.
pub(super) struct Value<'a> {
    pub(super) name: &'a str,
    pub(super) cells: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

/// The values of every option that some cell has, with how those cells came out.
pub(super) fn values<'a>(record: &'a Record, cells: &[&CellView<'_>]) -> Vec<(&'a str, Vec<Value<'a>>)> {
    let of = |option: &'a InitOption| {
        let value = |name: &'a String| {
            let having = || cells.iter().filter(|view| view.cell.choices.get(&option.name) == Some(name));
            let (cells, failed) = (having().count(), having().filter(|view| view.totals.failed > 0).count());
            let skipped = having().filter(|view| view.cell.skipped.is_some()).count();
            Value { name, cells, failed, skipped }
        };
        let values = option.values.iter().map(value).filter(|value| value.cells > 0).collect();
        (option.name.as_str(), values)
    };
    record.options.iter().map(of).collect()
}

/// How often a check passed and failed, over all cells.
pub(super) fn counts(cells: &[&CellView<'_>]) -> Vec<(usize, usize)> {
    let columns = cells.first().map_or(0, |view| view.results.len());
    let column = |n: usize| {
        let results = || cells.iter().filter_map(move |view| view.results.get(n)?.as_ref());
        let passed = results().filter(|it| it.mark.class == "passed").count();
        (passed, results().filter(|it| it.check.outcome.is_failure()).count())
    };
    (0..columns).map(column).collect()
}
