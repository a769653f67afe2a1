//! The cells of a tier, a row each.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use serde::Serialize;

use crate::cli::cells::{Cells, checks};
use crate::cluster;
use crate::matrix::{Cell, Tier};
use crate::plan::Plan;

/// A cell as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct CellRow {
    pub(super) id: String,
    pub(super) choices: BTreeMap<&'static str, &'static str>,
    pub(super) members: usize,
    pub(super) checks: Vec<&'static str>,
    pub(super) needs: Vec<String>,
    pub(super) seconds: u64,
}

pub(super) fn row(cell: &Cell, plan: &Plan, cost: u64) -> CellRow {
    CellRow {
        id: cell.id().to_string(),
        choices: cell.choices().clone(),
        members: plan.state.members.len(),
        checks: checks(plan).map(|check| check.name).collect(),
        needs: plan.needs.iter().map(ToString::to_string).collect(),
        seconds: cost.div_ceil(1000),
    }
}

/// The choices that differ from the default, as `option=value`.
fn told(cells: &Cells, row: &CellRow) -> String {
    let told = cells.matrix.declarations().iter().filter_map(|declaration| {
        let value = row.choices.get(declaration.name)?;
        (*value != declaration.default_value()).then(|| format!("{}={value}", declaration.name))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "every default".to_owned() } else { told.join(" ") }
}

pub(super) fn in_a_table(cells: &Cells, tier: Tier, rows: &[CellRow]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["cell", "members", "checks", "choices"]);
    for row in rows {
        table.add_row([row.id.clone(), row.members.to_string(), row.checks.len().to_string(), told(cells, row)]);
    }
    let mut text = format!("{table}\n");
    let tests: usize = rows.iter().map(|row| row.checks.len()).sum();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "tier {tier}: {} cells, {tests} tests\nchecks:", rows.len());
    let had = |check: &cluster::Check| rows.iter().any(|row| row.checks.contains(&check.name));
    for check in cluster::checks().filter(had) {
        let _ = writeln!(text, "  {:<20} {}", check.name, check.about);
    }
    text
}

pub(super) fn in_markdown(tier: Tier, rows: &[CellRow]) -> String {
    let options: Vec<&str> = rows.first().map(|row| row.choices.keys().copied().collect()).unwrap_or_default();
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["cell"].iter().chain(&options).chain(&["checks"]).map(ToString::to_string));
    for row in rows {
        let values = options.iter().map(|option| row.choices.get(option).copied().unwrap_or_default().to_owned());
        let cells = [format!("`{}`", row.id)].into_iter().chain(values).chain([row.checks.len().to_string()]);
        table.add_row(cells);
    }
    format!("Tier {tier}: {} cells\n\n{table}\n", rows.len())
}
