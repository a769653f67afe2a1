//! Showing what would be tested, without touching anything.

mod coverage;
mod jobs;
mod rows;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::cells::{Cells, shown_plan};
use super::compare::Comparison;
use super::output::show;
use super::suites::{Group, LIFE, Suite};
use super::{Catalogue, Failure, explain, parity};
use crate::cluster;
use crate::config::{Config, Layer};
use crate::matrix::Tier;
use coverage::coverage;
use rows::{CellRow, in_a_table, in_markdown, row};

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
    /// As `testkit run --spread` would: the members of each on different members of the LXD cluster.
    #[arg(long, requires = "place")]
    spread: bool,
    /// Ask both products what they can do, each on a copy of its golden image in LXD, which is made where it is missing.
    #[arg(long, requires = "compare")]
    ask: bool,
}

impl PlanArgs {
    /// The suites of which is to be shown where they would go, by which settings, and whether as JSON; where that is asked for.
    pub(super) fn placed(&self, catalogue: &Catalogue) -> Result<Option<(Vec<Suite>, Config, bool)>, Failure> {
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
        let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
        let spread = config.spread || self.spread;
        Ok(Some((suites, Config { spread, ..config }, json)))
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
        return show(&coverage(&cells, tier, &chosen, args.format == Format::Json)?);
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
        Format::Github => jobs::matrix(&rows, args.jobs, tier).to_string(),
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

/// Suites over the jobs of a workflow.
fn in_jobs(suites: &[Suite], args: &PlanArgs, name: &str) -> Result<String, Failure> {
    let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
    let row = |suite: &Suite| CellRow {
        id: suite.name().to_owned(),
        ..row(&suite.cell, &suite.plan, suite.cost(&config.out_dir))
    };
    let rows: Vec<CellRow> = suites.iter().map(row).collect();
    Ok(jobs::matrix(&rows, args.jobs, name).to_string())
}
