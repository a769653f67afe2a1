//! Showing what would be tested, without touching anything.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use comfy_table::Table;
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use serde::Serialize;

use super::cells::{Cells, checks, shown_plan};
use super::compare::Comparison;
use super::output::show;
use super::suites::{Group, LIFE, Suite};
use super::{Catalogue, Failure, explain, parity};
use crate::cluster;
use crate::config::{Config, Layer};
use crate::matrix::{Cell, Tier};
use crate::plan::Plan;

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The tier: core, pairwise, t3 or full; microcloud, formed by MicroCloud; or life, which is all journeys.
    #[arg(long, default_value_t = Group::Tier(Tier::Core))]
    tier: Group,
    /// How to print it; `github` is the strategy matrix of a workflow.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Over how many jobs `--format github` spreads the cells.
    #[arg(long, default_value = "4")]
    jobs: std::num::NonZeroUsize,
    /// What would be provisioned, asked, answered and expected for this cell; or what would be done in this journey, and
    /// what must be so after each step.
    #[arg(long, value_name = "SUITE", conflicts_with_all = ["tier", "coverage"])]
    explain: Option<String>,
    /// From which cell the journey starts, instead of its own.
    #[arg(long, value_name = "CELL", requires = "explain")]
    on: Option<String>,
    /// As `testkit run --traffic` would: with packets between members.
    #[arg(long, requires = "explain")]
    traffic: bool,
    /// Which steps are possible from this cell, or where this journey ends.
    #[arg(long, value_name = "SUITE", conflicts_with_all = ["tier", "coverage", "explain"])]
    steps: Option<String>,
    /// What holds here the tests of this suite of upstream's, such as tls_cluster.
    #[arg(long, value_name = "SUITE", conflicts_with_all = ["tier", "coverage", "explain", "steps"])]
    upstream: Option<String>,
    /// Which combinations of values the tier covers, and which the constraints exclude, and why.
    #[arg(long)]
    coverage: bool,
    /// Which cells of the tier, and which journeys, each of two snaps can be tested with, and what the other lacks: as their
    /// files say, without LXD.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["coverage", "explain", "steps", "upstream"])]
    compare: Option<Vec<PathBuf>>,
    /// Where they would go on the members of the LXD cluster, as it is now.
    #[arg(long, conflicts_with_all = ["coverage", "explain", "steps", "upstream", "compare"])]
    place: bool,
    /// Ask both products what they can do, each on a copy of its golden image in LXD, which is made where it is missing.
    #[arg(long, requires = "compare")]
    ask: bool,
}

impl PlanArgs {
    /// The suites of which is to be shown where they would go, and whether as JSON; where that is asked for.
    pub(super) fn placed(&self, catalogue: &Catalogue) -> Result<Option<(Vec<Suite>, bool)>, Failure> {
        let json = match self.format {
            _ if !self.place => return Ok(None),
            Format::Table => false,
            Format::Json => true,
            Format::Github | Format::Markdown => {
                return Err(Failure::Usage("--place is shown as a table or as JSON".to_owned()));
            }
        };
        let cells = Cells::of(catalogue)?;
        let suites = match self.tier {
            Group::Tier(tier) => cells.suites(&cells.tier(tier)),
            Group::Life => cells.life(None)?,
        };
        Ok(Some((suites, json)))
    }

    /// What is to be compared, where that is asked for.
    pub(super) fn comparison(&self) -> Result<Option<Comparison>, Failure> {
        let Some(paths) = &self.compare else { return Ok(None) };
        let json = match self.format {
            Format::Table => false,
            Format::Json => true,
            Format::Github | Format::Markdown => {
                return Err(Failure::Usage("--compare is shown as a table or as JSON".to_owned()));
            }
        };
        Ok(Some(Comparison { paths: paths.clone(), tier: self.tier, ask: self.ask, json }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Github,
    Markdown,
}

/// A cell as programs read it.
#[derive(Debug, Serialize)]
struct CellRow {
    id: String,
    choices: BTreeMap<&'static str, &'static str>,
    members: usize,
    checks: Vec<&'static str>,
    needs: Vec<String>,
    seconds: u64,
}

/// One job of the workflow.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Job {
    name: String,
    tier: String,
    cells: String,
    seconds: u64,
}

/// Shows a tier, a cell or the coverage of a tier.
pub(super) fn plan(catalogue: &Catalogue, args: &PlanArgs) -> Result<ExitCode, Failure> {
    let cells = Cells::of(catalogue)?;
    if let Some(name) = &args.explain {
        return show(&explained(&cells, name, args)?);
    }
    if let Some(name) = &args.upstream {
        return show(&upstream(catalogue, &cells, name, args)?);
    }
    if let Some(name) = &args.steps {
        let suite = cells.one(name, None)?;
        let last = suite.stations.as_ref().and_then(|stations| stations.last());
        let state = last.map_or(&suite.plan.state, |station| &station.state);
        return show(&explain::steps_possible(catalogue, state));
    }
    let tier = match args.tier {
        Group::Tier(tier) => tier,
        Group::Life if args.coverage => {
            return Err(Failure::Usage(format!("--coverage is of a tier of cells, and {LIFE} is one of journeys")));
        }
        Group::Life => return show(&journeys(&cells, args)?),
    };
    let chosen = cells.tier(tier);
    if args.coverage {
        return show(&coverage_text(&cells, tier, &chosen, args.format)?);
    }
    let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
    let rows: Vec<CellRow> = chosen
        .iter()
        .map(|cell| {
            let plan = shown_plan(catalogue, cell);
            row(cell, &plan, cluster::expected(&config.out_dir, &plan, 0))
        })
        .collect();
    let text = match args.format {
        Format::Table => in_a_table(&cells, tier, &rows),
        Format::Markdown => in_markdown(tier, &rows),
        Format::Json => {
            let checks: Vec<_> =
                cluster::checks().map(|check| serde_json::json!({"name": check.name, "about": check.about})).collect();
            let all = serde_json::json!({"tier": tier.to_string(), "cells": rows, "checks": checks});
            serde_json::to_string_pretty(&all).map_err(Failure::usage)?
        }
        Format::Github => {
            let jobs = balance(&rows, args.jobs.get(), tier);
            serde_json::json!({"include": jobs}).to_string()
        }
    };
    show(&text)
}

/// A cell or a journey, in words or for programs.
fn explained(cells: &Cells, name: &str, args: &PlanArgs) -> Result<String, Failure> {
    let mut suite = cells.one(name, args.on.as_deref())?;
    let (journey, json) = (cells.find_journey(name), args.format == Format::Json);
    if args.traffic {
        suite.lay_traffic();
        suite.stations = journey.map(|it| it.draw(&suite.plan.state)).transpose().map_err(Failure::usage)?;
    }
    match (journey, &suite.stations) {
        (Some(journey), Some(stations)) if json => {
            let (name, about, cell) = (journey.name, journey.about, suite.cell.id());
            let all = serde_json::json!({"name": name, "about": about, "cell": cell, "plan": suite.plan, "stations": stations});
            serde_json::to_string_pretty(&all).map_err(Failure::usage)
        }
        (Some(journey), Some(stations)) => Ok(explain::explain_journey(journey, &suite, stations)),
        _ if json => serde_json::to_string_pretty(&suite.plan).map_err(Failure::usage),
        _ => Ok(explain::explain(&suite.cell, &suite.plan)),
    }
}

/// One of upstream's suites, and what holds its tests; for a workflow, what is run for it.
fn upstream(catalogue: &Catalogue, cells: &Cells, name: &str, args: &PlanArgs) -> Result<String, Failure> {
    let suite = parity::find(catalogue, name)?;
    match args.format {
        Format::Table => Ok(parity::in_words(&suite)),
        Format::Markdown => Ok(parity::in_markdown(&[suite])),
        Format::Json => serde_json::to_string_pretty(&suite).map_err(Failure::usage),
        Format::Github => in_jobs(&cells.named(&suite.places()?, None)?, args, &suite.name),
    }
}

/// Suites over the jobs of a workflow.
fn in_jobs(suites: &[Suite], args: &PlanArgs, name: &str) -> Result<String, Failure> {
    let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
    let row = |suite: &Suite| CellRow {
        id: suite.name().to_owned(),
        ..row(&suite.cell, &suite.plan, suite.cost(&config.out_dir))
    };
    let rows: Vec<CellRow> = suites.iter().map(row).collect();
    Ok(serde_json::json!({"include": balance(&rows, args.jobs.get(), name)}).to_string())
}

/// All journeys, each with the cell it starts from.
fn journeys(cells: &Cells, args: &PlanArgs) -> Result<String, Failure> {
    let suites = cells.life(None)?;
    let about = |suite: &Suite| cells.find_journey(suite.name()).map_or("", |journey| journey.about);
    if args.format == Format::Github {
        return in_jobs(&suites, args, LIFE);
    }
    if args.format == Format::Json {
        let row = |suite: &Suite| {
            serde_json::json!({
                "name": suite.name(),
                "about": about(suite),
                "cell": suite.cell.id(),
                "members": suite.plan.state.members.len(),
                "stations": suite.tests().into_iter().map(|(test, _)| test).collect::<Vec<_>>(),
            })
        };
        let all = serde_json::json!({"tier": LIFE, "journeys": suites.iter().map(row).collect::<Vec<_>>()});
        return serde_json::to_string_pretty(&all).map_err(Failure::usage);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["journey", "members", "steps", "from"]);
    for suite in &suites {
        let (members, steps) = (suite.plan.state.members.len().to_string(), suite.steps().to_string());
        table.add_row([suite.name().to_owned(), members, steps, suite.cell.id().to_string()]);
    }
    let steps: usize = suites.iter().map(Suite::steps).sum();
    let mut text = format!("{table}\ntier {LIFE}: {} journeys, {steps} steps\n", suites.len());
    for suite in &suites {
        let _ = writeln!(text, "  {}: {}", suite.name(), about(suite));
    }
    Ok(text)
}

fn row(cell: &Cell, plan: &Plan, cost: u64) -> CellRow {
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

fn in_a_table(cells: &Cells, tier: Tier, rows: &[CellRow]) -> String {
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

fn in_markdown(tier: Tier, rows: &[CellRow]) -> String {
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

/// The bytes of names that one job is given. They are one variable of its environment, and Linux starts no program with one that
/// is longer than 128 KiB (`MAX_ARG_STRLEN` in execve(2)).
const NAMES: usize = 100_000;

/// The cells over at most `jobs` jobs, or as many as their names take, so that the longest job is short: each cell, the most
/// expensive first, goes to the job that has the least to do.
fn balance(rows: &[CellRow], jobs: usize, tier: impl Display) -> Vec<Job> {
    let names: usize = rows.iter().map(|row| row.id.len() + 1).sum();
    let jobs = jobs.max(names.div_ceil(NAMES)).min(rows.len());
    let mut loads: Vec<(u64, Vec<&str>)> = vec![(0, Vec::new()); jobs];
    let mut order: Vec<&CellRow> = rows.iter().collect();
    order.sort_by_key(|row| std::cmp::Reverse(row.seconds));
    for row in order {
        if let Some((load, names)) = loads.iter_mut().min_by_key(|(load, _)| *load) {
            *load += row.seconds;
            names.push(&row.id);
        }
    }
    (1..)
        .zip(loads)
        .map(|(n, (seconds, mut names))| {
            names.sort_unstable();
            Job { name: format!("{tier} {n}/{jobs}"), tier: tier.to_string(), cells: names.join(" "), seconds }
        })
        .collect()
}

/// The t-tuples of a tier: those it covers, those it lacks, and those the constraints exclude.
fn coverage_text(cells: &Cells, tier: Tier, chosen: &[Cell], format: Format) -> Result<String, Failure> {
    let strengths = [2, 3];
    let covered: Vec<_> = strengths.iter().map(|strength| cells.matrix.coverage(chosen, *strength)).collect();
    if format == Format::Json {
        let all: Vec<_> = covered
            .iter()
            .map(|found| {
                let reasons =
                    |one: &crate::matrix::Excluded| one.constraints.iter().map(ToString::to_string).collect::<Vec<_>>();
                serde_json::json!({
                    "strength": found.strength,
                    "allowed": found.allowed,
                    "covered": found.covered,
                    "missing": found.missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "excluded": found.excluded.iter().map(|one| {
                        serde_json::json!({"tuple": one.tuple.to_string(), "because": reasons(one)})
                    }).collect::<Vec<_>>(),
                })
            })
            .collect();
        let all = serde_json::json!({"tier": tier.to_string(), "cells": chosen.len(), "coverage": all});
        return serde_json::to_string_pretty(&all).map_err(Failure::usage);
    }
    let mut text = format!("tier {tier}: {} cells\n", chosen.len());
    for found in &covered {
        let _ = writeln!(
            text,
            "{} values at a time: {} of {} possible combinations are covered, {} more are excluded",
            found.strength,
            found.covered,
            found.allowed,
            found.excluded.len()
        );
    }
    let Some(pairs) = covered.first() else { return Ok(text) };
    for tuple in &pairs.missing {
        let _ = writeln!(text, "not covered: {tuple}");
    }
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &pairs.excluded {
        let why: Vec<String> = one.constraints.iter().map(ToString::to_string).collect();
        by_reason.entry(why.join("; and ")).or_default().push(one.tuple.to_string());
    }
    for (why, tuples) in by_reason {
        let _ = writeln!(text, "excluded, because {why}:");
        for tuple in tuples {
            let _ = writeln!(text, "  {tuple}");
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, seconds: u64) -> CellRow {
        CellRow {
            id: id.to_owned(),
            choices: BTreeMap::new(),
            members: 3,
            checks: Vec::new(),
            needs: Vec::new(),
            seconds,
        }
    }

    #[test]
    fn jobs_are_balanced_by_cost_and_lose_no_cell() {
        let rows = [row("a", 10), row("b", 40), row("c", 20), row("d", 10)];
        let jobs = balance(&rows, 2, Tier::Core);
        let shown: Vec<(&str, u64)> = jobs.iter().map(|job| (job.cells.as_str(), job.seconds)).collect();
        assert_eq!(shown, [("b", 40), ("a c d", 40)]);
        assert_eq!(balance(&rows, 9, Tier::Core).len(), 4, "no job is empty");
        assert_eq!(balance(&[], 2, Tier::Core), []);
        let many: Vec<CellRow> = (0..3000).map(|n| row(&format!("{n:0>64}"), 1)).collect();
        let jobs = balance(&many, 1, Tier::Full);
        assert!(jobs.iter().all(|job| job.cells.len() < 131_072), "a variable holds no more");
        assert_eq!(jobs.iter().map(|job| job.cells.split(' ').count()).sum::<usize>(), 3000);
    }
}
