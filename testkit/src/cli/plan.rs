//! Showing what would be tested, without touching anything.

mod coverage;
mod jobs;
mod rows;

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
use crate::config::Config;
use crate::matrix::Tier;
use coverage::coverage;
use rows::{CellRow, in_a_table, in_markdown, row};

/// Jobs of a workflow, where nobody says how many.
const JOBS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(4).unwrap();

/// What is shown instead of one suite. Where an argument requires another, clap does not miss that beside what excludes it; so each
/// that does excludes the same.
const OTHER_THAN_EXPLAINED: [&str; 6] = ["tier", "coverage", "steps", "upstream", "compare", "place"];

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The tier: core, pairwise, t3 or full; microcloud, formed by MicroCloud; or life, which is journeys.
    #[arg(long, default_value_t = Group::Tier(Tier::Core))]
    tier: Group,
    /// How to print it; `github` is the strategy matrix of a workflow.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Over how many jobs `--format github` spreads the cells, instead of four.
    #[arg(long)]
    jobs: Option<std::num::NonZeroUsize>,
    /// What would be provisioned, asked, answered and expected for this cell; or what would be done in this journey, and
    /// what must be so after each step.
    #[arg(long, value_name = "SUITE", conflicts_with_all = ["tier", "coverage"])]
    explain: Option<String>,
    /// From which cell the journey starts, instead of its own.
    #[arg(long, value_name = "CELL", requires = "explain", conflicts_with_all = OTHER_THAN_EXPLAINED)]
    on: Option<String>,
    /// As `testkit run --traffic` would: with packets between members.
    #[arg(long, requires = "explain", conflicts_with_all = OTHER_THAN_EXPLAINED)]
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
    #[arg(long, requires = "place", conflicts_with_all = ["coverage", "explain", "steps", "upstream", "compare"])]
    spread: bool,
    /// Ask both products what they can do, each on a copy of its golden image in LXD, which is made where it is missing.
    #[arg(long, requires = "compare", conflicts_with_all = ["coverage", "explain", "steps", "upstream", "place"])]
    ask: bool,
}

impl PlanArgs {
    /// Over how many jobs suites are spread.
    fn jobs(&self) -> std::num::NonZeroUsize {
        self.jobs.unwrap_or(JOBS)
    }

    /// Refuses a format that what is asked for is not shown in, which a program would read as another.
    fn check_format(&self) -> Result<(), Failure> {
        use Format::{Github, Json, Markdown, Table};
        let (what, formats): (&str, &[Format]) = if self.place {
            ("--place", &[Table, Json])
        } else if self.compare.is_some() {
            ("--compare", &[Table, Json])
        } else if self.explain.is_some() {
            ("--explain", &[Table, Json])
        } else if self.coverage {
            ("--coverage", &[Table, Json])
        } else if self.steps.is_some() {
            ("--steps", &[Table])
        } else if self.upstream.is_none() && matches!(self.tier, Group::Life) {
            ("the tier life", &[Table, Json, Github])
        } else {
            ("this", &[Table, Json, Github, Markdown])
        };
        if !formats.contains(&self.format) {
            let words: Vec<&str> = formats.iter().map(|format| format.word()).collect();
            return Err(Failure::Usage(format!("{what} is shown as {}", words.join(" or as "))));
        }
        if self.jobs.is_some() && self.format != Github {
            return Err(Failure::Usage("--jobs is of --format github".to_owned()));
        }
        Ok(())
    }

    /// The suites of which is to be shown where they would go, by which settings, and whether as JSON; where that is asked for.
    pub(super) fn placed(
        &self,
        config: &Config,
        catalogue: &Catalogue,
    ) -> Result<Option<(Vec<Suite>, Config, bool)>, Failure> {
        if !self.place {
            return Ok(None);
        }
        self.check_format()?;
        let json = self.format == Format::Json;
        let cells = Cells::of(catalogue)?;
        let suites = match self.tier {
            Group::Tier(tier) => cells.suites_of(tier)?,
            Group::Life => cells.life(config.on.as_deref())?,
        };
        let spread = config.spread || self.spread;
        Ok(Some((suites, Config { spread, ..config.clone() }, json)))
    }

    /// What is to be compared, where that is asked for.
    pub(super) fn comparison(&self) -> Result<Option<Comparison>, Failure> {
        let Some(paths) = &self.compare else { return Ok(None) };
        self.check_format()?;
        let json = self.format == Format::Json;
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

impl Format {
    /// As an error names it.
    fn word(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::Json => "JSON",
            Self::Github => "the matrix of a workflow",
            Self::Markdown => "Markdown",
        }
    }
}

/// Shows a tier, a cell or the coverage of a tier.
pub(super) fn plan(config: &Config, catalogue: &Catalogue, args: &PlanArgs) -> Result<ExitCode, Failure> {
    args.check_format()?;
    let cells = Cells::of(catalogue)?;
    if let Some(name) = &args.explain {
        return show(&explained(config, &cells, name, args)?);
    }
    if let Some(name) = &args.upstream {
        return show(&upstream(config, catalogue, &cells, name, args)?);
    }
    if let Some(name) = &args.steps {
        let suite = cells.one(name, cells.start(None, config, std::slice::from_ref(name)))?;
        let last = suite.stations.as_ref().and_then(|stations| stations.last());
        let state = last.map_or(&suite.plan.state, |station| &station.state);
        return show(&explain::steps_possible(catalogue, state));
    }
    let tier = match args.tier {
        Group::Tier(tier) => tier,
        Group::Life if args.coverage => {
            return Err(Failure::Usage(format!("--coverage is of a tier of cells, and {LIFE} is one of journeys")));
        }
        Group::Life => return show(&journeys(config, &cells, args)?),
    };
    let chosen = cells.tier(tier);
    if args.coverage {
        return show(&coverage(&cells, tier, &chosen, args.format == Format::Json)?);
    }
    let rows: Vec<CellRow> = chosen
        .iter()
        .map(|cell| {
            let plan = shown_plan(catalogue, cell);
            row(cell, &plan, cluster::expected(&config.out_dir, &plan, 0))
        })
        .collect();
    let journeys = cells.journeys_of(tier)?;
    let heading = if journeys.is_empty() { "" } else { "journeys:\n" };
    let text = match args.format {
        Format::Table => in_a_table(&cells, tier, &rows) + heading + &told(&cells, &journeys),
        Format::Markdown => in_markdown(tier, &rows),
        Format::Json => {
            let checks: Vec<_> =
                cluster::checks().map(|check| serde_json::json!({"name": check.name, "about": check.about})).collect();
            let mut all = serde_json::json!({"tier": tier.to_string(), "cells": rows, "checks": checks});
            if !journeys.is_empty() {
                all["journeys"] = journeys.iter().map(|suite| journey_row(&cells, suite)).collect();
            }
            serde_json::to_string_pretty(&all).map_err(Failure::usage)?
        }
        Format::Github if !journeys.is_empty() => in_jobs(config, &cells.suites_of(tier)?, args, tier.as_str())?,
        Format::Github => jobs::matrix(&rows, args.jobs(), tier).to_string(),
    };
    show(&text)
}

/// A cell or a journey, in words or for programs.
fn explained(config: &Config, cells: &Cells, name: &str, args: &PlanArgs) -> Result<String, Failure> {
    // What `run` would do with the same settings.
    let journey = cells.find_journey(name);
    let mut suite = cells.one(name, cells.start(args.on.as_deref(), config, &[name.to_owned()]))?;
    let json = args.format == Format::Json;
    if args.traffic || config.traffic {
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
fn upstream(
    config: &Config,
    catalogue: &Catalogue,
    cells: &Cells,
    name: &str,
    args: &PlanArgs,
) -> Result<String, Failure> {
    let suite = parity::find(catalogue, name)?;
    match args.format {
        Format::Table => Ok(parity::in_words(&suite)),
        Format::Markdown => Ok(parity::in_markdown(&[suite])),
        Format::Json => serde_json::to_string_pretty(&suite).map_err(Failure::usage),
        Format::Github => in_jobs(config, &cells.named(&suite.places()?, None)?, args, &suite.name),
    }
}

/// All journeys, each with the cell it starts from.
fn journeys(config: &Config, cells: &Cells, args: &PlanArgs) -> Result<String, Failure> {
    let suites = cells.life(config.on.as_deref())?;
    if args.format == Format::Github {
        return in_jobs(config, &suites, args, LIFE);
    }
    if args.format == Format::Json {
        let rows: Vec<_> = suites.iter().map(|suite| journey_row(cells, suite)).collect();
        let all = serde_json::json!({"tier": LIFE, "journeys": rows});
        return serde_json::to_string_pretty(&all).map_err(Failure::usage);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["journey", "members", "steps", "from"]);
    for suite in &suites {
        let (members, steps) = (suite.plan.state.members.len().to_string(), suite.steps().to_string());
        table.add_row([suite.name().to_owned(), members, steps, suite.cell.id().to_string()]);
    }
    let steps: usize = suites.iter().map(Suite::steps).sum();
    let text = format!("{table}\ntier {LIFE}: {} journeys, {steps} steps\n", suites.len());
    Ok(text + &told(cells, &suites))
}

fn about(cells: &Cells, suite: &Suite) -> &'static str {
    cells.find_journey(suite.name()).map_or("", |journey| journey.about)
}

/// Journeys, a line each.
fn told(cells: &Cells, journeys: &[Suite]) -> String {
    journeys.iter().map(|suite| format!("  {}: {}\n", suite.name(), about(cells, suite))).collect()
}

/// A journey for programs.
fn journey_row(cells: &Cells, suite: &Suite) -> serde_json::Value {
    serde_json::json!({
        "name": suite.name(),
        "about": about(cells, suite),
        "cell": suite.cell.id(),
        "members": suite.plan.state.members.len(),
        "stations": suite.tests().into_iter().map(|(test, _)| test).collect::<Vec<_>>(),
    })
}

/// Suites over the jobs of a workflow.
fn in_jobs(config: &Config, suites: &[Suite], args: &PlanArgs, name: &str) -> Result<String, Failure> {
    let row = |suite: &Suite| CellRow {
        id: suite.name().to_owned(),
        ..row(&suite.cell, &suite.plan, suite.cost(&config.out_dir))
    };
    let rows: Vec<CellRow> = suites.iter().map(row).collect();
    Ok(jobs::matrix(&rows, args.jobs(), name).to_string())
}
