//! Running suites by tier or by name, and saying which could not be run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use quick_junit::{Report, TestCase, TestCaseStatus, TestSuite};

use super::cells::{Cells, checks, shown_plan};
use super::summary::junit;
use super::{Catalogue, Failure, host, nextest, report};
use crate::cluster::{self, Site};
use crate::config::Config;
use crate::matrix::{Cell, Tier};
use crate::record::{self, CellPart, RunPart};
use crate::session::Run;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The cells; those of the tier when none is given.
    pub(super) cells: Vec<String>,
    /// The tier: core, pairwise, t3 or full.
    #[arg(long, default_value_t = Tier::Core, conflicts_with = "cells")]
    pub(super) tier: Tier,
    /// Fail when the product lacks what a cell needs, instead of skipping the cell.
    #[arg(long)]
    pub(super) forbid_skips: bool,
    /// Arguments for the runner: `-- --profile ci`.
    #[arg(last = true)]
    pub(super) runner: Vec<String>,
}

/// A cell that is not run.
struct Skip {
    cell: Cell,
    reason: String,
}

/// Runs the suites of the chosen cells, after asking the product what it can do.
pub(super) async fn run(config: Config, catalogue: &Catalogue, args: RunArgs) -> Result<ExitCode, Failure> {
    let cells = Cells::of(catalogue)?;
    let chosen = match args.cells.as_slice() {
        [] => cells.tier(args.tier),
        names => names.iter().map(|name| cells.find(name)).collect::<Result<_, _>>()?,
    };
    cluster::given_snaps(&config).map_err(Failure::cluster)?;
    let Division { runnable, skips, run } = divide(&config, catalogue, chosen).await?;
    if runnable.is_empty() {
        say(&skips);
        let options = catalogue.options.iter().map(|option| option.declaration());
        let left = RunPart::new(&run, &config, options).leave(run.dir()).map_err(Failure::usage);
        tell(left.and_then(|()| conclude(run.dir(), catalogue, &[], &skips)));
        return Err(Failure::Usage("nothing is tested: the product lacks what every chosen cell needs".to_owned()));
    }
    let command = nextest::command(&config, &cells, &runnable, None, &args.runner)?;
    let since = Timestamp::now();
    // cargo becomes the runner, so that its process id is that of the run's runner.
    let runner = command.start().map_err(Failure::usage)?;
    let pids = runner.pids();
    let ran = runner.wait().map_err(Failure::usage)?;
    say(&skips);
    let path = junit(&config.target_dir, profile(&args.runner));
    if !skips.is_empty() {
        add_skips(&path, catalogue, &skips)?;
    }
    let of_runner = pids.into_iter().find_map(|pid| record::of_runner(&config.out_dir, pid, since));
    let of_junit = of_junit(&config, &path);
    // A run that no check came to, as when nothing compiles, has no record.
    if let Some(dir) = of_runner.or_else(|| of_junit.clone()) {
        let copied = match of_junit.as_ref() == Some(&dir) {
            true => std::fs::copy(&path, dir.join("junit.xml")).map(drop).map_err(Failure::usage),
            false => Ok(()),
        };
        tell(copied.and_then(|()| conclude(&dir, catalogue, &runnable, &skips)));
    }
    match (ran.status.success(), skips.is_empty()) {
        (true, true) => Ok(ExitCode::SUCCESS),
        (true, false) if !args.forbid_skips => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Checks),
    }
}

/// What was chosen, by whether the product can be tested with it.
struct Division {
    runnable: Vec<Cell>,
    skips: Vec<Skip>,
    /// In which the product was asked.
    run: Run,
}

/// The cells that the product can be tested with, and the others.
async fn divide(config: &Config, catalogue: &Catalogue, chosen: Vec<Cell>) -> Result<Division, Failure> {
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    record::leave_host(site.run.dir(), &site.client).map_err(Failure::usage)?;
    let find = async || cluster::golden(&site.config, &site.client, &mut host::lines()).await;
    let (golden, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    println!("product: {product}");
    let able = cluster::capabilities(&site, &golden).await.map_err(Failure::cluster)?;
    let (mut runnable, mut skips) = (Vec::new(), Vec::new());
    for cell in chosen {
        let plan = shown_plan(catalogue, &cell);
        let lacking = able.lacks(&plan.needs);
        if lacking.is_empty() {
            runnable.push(cell);
        } else {
            let lacking: Vec<String> = lacking.iter().map(ToString::to_string).collect();
            skips.push(Skip { cell, reason: format!("the product lacks {}", lacking.join(", ")) });
        }
    }
    Ok(Division { runnable, skips, run: site.run })
}

/// Says that there is no report. What the checks found stands all the same, and decides how the command ends.
fn tell(concluded: Result<(), Failure>) {
    if let Err(Failure::Usage(reason)) = concluded {
        eprintln!("warning: the run has no report: {reason}");
    }
}

/// Writes the record and the report of the run in this folder, with the cells that it left out and did not come to.
fn conclude(dir: &Path, catalogue: &Catalogue, runnable: &[Cell], skips: &[Skip]) -> Result<(), Failure> {
    let run = runnable.iter().map(|cell| (cell, None));
    for (cell, reason) in run.chain(skips.iter().map(|skip| (&skip.cell, Some(skip.reason.clone())))) {
        let plan = shown_plan(catalogue, cell);
        let checks = checks(catalogue, &plan).map(|check| (check.name, check.about));
        let folder = dir.join(cell.id().as_str());
        std::fs::create_dir_all(&folder).map_err(Failure::usage)?;
        CellPart::new(cell, checks, reason).leave(&folder).map_err(Failure::usage)?;
    }
    let (record, path) = record::write(dir).map_err(Failure::usage)?;
    println!("{}", report::line(&record, &path));
    Ok(())
}

/// The folder of the run that a JUnit file is of.
fn of_junit(config: &Config, junit: &Path) -> Option<PathBuf> {
    let report = Report::deserialize_from_str(&std::fs::read_to_string(junit).ok()?).ok()?;
    record::of_nextest(&config.out_dir, &report.uuid?.to_string())
}

fn say(skips: &[Skip]) {
    for skip in skips {
        println!("SKIPPED {}: {}", skip.cell.id(), skip.reason);
    }
}

/// The runner's profile, which names the folder of its JUnit file.
fn profile(runner: &[String]) -> &str {
    let follows = |name: &str| {
        let at = runner.iter().position(|word| word == name)?;
        runner.get(at + 1).map(String::as_str)
    };
    let joined = runner.iter().find_map(|word| word.strip_prefix("--profile="));
    follows("--profile").or_else(|| follows("-P")).or(joined).unwrap_or("default")
}

/// Adds the checks of the skipped cells to the runner's JUnit file, with the reason.
fn add_skips(path: &Path, catalogue: &Catalogue, skips: &[Skip]) -> Result<(), Failure> {
    let failed =
        |what: String| Failure::Usage(format!("failed to add the skipped cells to {}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let mut report = Report::deserialize_from_str(&text).map_err(|error| failed(error.to_string()))?;
    report.add_test_suite(skipped_suite(catalogue, skips));
    let text = report.to_string().map_err(|error| failed(error.to_string()))?;
    std::fs::write(path, text).map_err(|error| failed(error.to_string()))
}

fn skipped_suite(catalogue: &Catalogue, skips: &[Skip]) -> TestSuite {
    let mut suite = TestSuite::new("suites::skipped");
    for skip in skips {
        let plan = shown_plan(catalogue, &skip.cell);
        for check in checks(catalogue, &plan) {
            let mut status = TestCaseStatus::skipped();
            status.set_message(skip.reason.as_str());
            suite.add_test_case(TestCase::new(format!("{}::{}", skip.cell.id(), check.name), status));
        }
    }
    suite
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_the_runners() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (runner, wanted) in [
            (words(&[]), "default"),
            (words(&["--profile", "ci"]), "ci"),
            (words(&["-P", "ci"]), "ci"),
            (words(&["--no-capture", "--profile=ci"]), "ci"),
        ] {
            assert_eq!(profile(&runner), wanted, "{runner:?}");
        }
    }
}
