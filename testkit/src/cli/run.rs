//! Running suites by tier or by name, and saying which could not be run.

use std::path::Path;
use std::process::ExitCode;

use quick_junit::{Report, TestCase, TestCaseStatus, TestSuite};

use super::cells::{Cells, checks, shown_plan};
use super::{Catalogue, Failure, host, nextest};
use crate::cluster::{self, Site};
use crate::config::Config;
use crate::matrix::{Cell, Tier};
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
    let (runnable, skips) = divide(&config, catalogue, chosen).await?;
    if runnable.is_empty() {
        report(&skips);
        return Err(Failure::Usage("nothing is tested: the product lacks what every chosen cell needs".to_owned()));
    }
    let ran = nextest::command(&config, &cells, &runnable, None, &args.runner)?.run().map_err(Failure::usage)?;
    report(&skips);
    if !skips.is_empty() {
        let profile = profile(&args.runner);
        let path = config.target_dir.join("nextest").join(profile).join("junit.xml");
        add_skips(&path, catalogue, &skips)?;
    }
    match (ran.status.success(), skips.is_empty()) {
        (true, true) => Ok(ExitCode::SUCCESS),
        (true, false) if !args.forbid_skips => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Checks),
    }
}

/// The cells that the product can be tested with, and the others.
async fn divide(config: &Config, catalogue: &Catalogue, chosen: Vec<Cell>) -> Result<(Vec<Cell>, Vec<Skip>), Failure> {
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    let (golden, product) =
        cluster::golden(&site.config, &site.client, &mut host::lines()).await.map_err(Failure::cluster)?;
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
    Ok((runnable, skips))
}

fn report(skips: &[Skip]) {
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
