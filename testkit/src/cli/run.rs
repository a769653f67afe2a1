//! Running suites by tier or by name, and saying which could not be run.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use duct::Expression;
use quick_junit::{Report, TestCase, TestCaseStatus, TestSuite};
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};

use super::cells::{Cells, checks, shown_plan};
use super::output::show;
use super::programs::Programs;
use super::summary::junit;
use super::watch::{self, Watch};
use super::{Catalogue, Failure, closing, host, nextest};
use crate::cluster::{self, Site};
use crate::config::Config;
use crate::matrix::{Cell, Tier};
use crate::record::{self, CellPart, Record, RunPart};
use crate::session::{Process, Run};

/// nextest's exit code when tests failed; others say that it did not run them (nextest's `NextestExitCode`).
const TESTS_FAILED: i32 = 100;
/// How long a runner has to act on an interrupt that came to both: its own grace for its tests, and some.
const GRACE: Duration = Duration::from_secs(15);

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
    /// Arguments for the runner, which builds nothing: `-- --profile ci`.
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
    let programs = Programs::build(&config, &cells, &chosen);
    let (divided, programs) = tokio::try_join!(divide(&config, catalogue, &chosen), programs)?;
    let Division { runnable, skips, run } = divided;
    if runnable.is_empty() {
        say(&skips);
        let options = catalogue.options.iter().map(|option| option.declaration());
        let left = RunPart::new(&run, &config, options).leave(run.dir()).map_err(Failure::usage);
        tell(left.and_then(|()| conclude(&config, run.dir(), catalogue, &[], &skips)).map(drop));
        return Err(Failure::Usage("nothing is tested: the product lacks what every chosen cell needs".to_owned()));
    }
    let command = nextest::command(&config, &cells, &runnable, None, Some(&programs), &args.runner)?;
    let Followed { end, output, dir } = follow(&config, &command, &runnable).await?;
    say(&skips);
    let path = junit(&config.target_dir, profile(&args.runner));
    if !skips.is_empty() {
        add_skips(&path, catalogue, &skips)?;
    }
    let of_junit = of_junit(&config, &path);
    // A run that no check came to, as when nothing compiles, has no record.
    let dir = dir.or_else(|| of_junit.clone());
    let concluded = dir.as_ref().map(|dir| {
        let copied = match of_junit.as_ref() == Some(dir) {
            true => std::fs::copy(&path, dir.join("junit.xml")).map(drop).map_err(Failure::usage),
            false => Ok(()),
        };
        copied.and_then(|()| conclude(&config, dir, catalogue, &runnable, &skips))
    });
    let record = match concluded {
        Some(Ok(record)) => Some(record),
        Some(Err(failure)) => {
            tell(Err(failure));
            None
        }
        None => None,
    };
    if matches!(end, End::NotRun(_)) {
        // What the runner said, where it says what no check does.
        eprint!("{output}");
    }
    match end {
        End::Good if args.forbid_skips && !skips.is_empty() => Err(Failure::Checks),
        End::Good => Ok(ExitCode::SUCCESS),
        End::Failed => Err(record.as_ref().and_then(unformed).unwrap_or(Failure::Checks)),
        End::NotRun(how) => Err(Failure::Usage(format!("the runner did not come to its tests: it {how}"))),
    }
}

/// How a runner ended.
enum End {
    /// Every test passed.
    Good,
    /// Tests failed, or it was interrupted.
    Failed,
    /// Something kept it from running tests.
    NotRun(String),
}

impl End {
    fn of(status: ExitStatus, interrupted: bool) -> Self {
        match status.code() {
            Some(0) => Self::Good,
            Some(TESTS_FAILED) => Self::Failed,
            _ if interrupted => Self::Failed,
            Some(code) => Self::NotRun(format!("ended with exit code {code}")),
            None => Self::NotRun("was killed".to_owned()),
        }
    }
}

/// That no check could be judged for want of clusters, if that is all that failed.
fn unformed(record: &Record) -> Option<Failure> {
    let failed: Vec<_> = record.cells.iter().filter(|cell| cell.totals().failed > 0).collect();
    let none = !failed.is_empty() && failed.iter().all(|cell| cell.problem.is_some());
    none.then(|| Failure::Provisioning(format!("{} of {} suites have no cluster", failed.len(), record.cells.len())))
}

/// A runner that has ended.
struct Followed {
    end: End,
    /// What it said, where it did not say that on the terminal itself.
    output: String,
    /// The folder of its run, where a check came to make it.
    dir: Option<PathBuf>,
}

/// Runs the runner and shows the state of every cell until it has ended. An interrupt is the runner's to act on; one
/// that does not reach it is passed on.
async fn follow(config: &Config, command: &Expression, cells: &[Cell]) -> Result<Followed, Failure> {
    let mut watch = Watch::new(cells.iter().map(|cell| cell.id().as_str()));
    let said = tempfile::NamedTempFile::new().map_err(Failure::usage)?;
    let command = match watch::on_terminal() {
        // Only one of the two can write to a terminal.
        true => command.stderr_to_stdout().stdout_path(said.path()),
        false => command.clone(),
    };
    // cargo becomes the runner, so that its process id is that of the run's runner.
    let runner = command.start().map_err(Failure::usage)?;
    let pids = runner.pids();
    let runners: Vec<Process> = pids.iter().filter_map(|pid| Process::find(*pid)).collect();
    let of_runner = || runners.iter().find_map(|runner| record::of_runner(&config.out_dir, runner));
    let mut interrupts = signal(SignalKind::interrupt()).map_err(Failure::usage)?;
    let mut interrupted: Option<Instant> = None;
    let mut dir = None;
    let mut looks = tokio::time::interval(watch::LOOK);
    let end = loop {
        tokio::select! {
            _ = looks.tick() => {}
            Some(()) = interrupts.recv() => interrupted = interrupted.or_else(|| Some(Instant::now())),
        }
        if let Some(ended) = runner.try_wait().map_err(Failure::usage)? {
            break End::of(ended.status, interrupted.is_some());
        }
        if interrupted.is_some_and(|at| at.elapsed() > GRACE) {
            interrupted = Some(Instant::now());
            for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
                // It has ended meanwhile, or else hears it.
                let _ = rustix::process::kill_process(pid, Signal::INT);
            }
        }
        dir = dir.or_else(of_runner);
        match &dir {
            Some(dir) => watch.look(dir),
            None => watch.prelude(&last_line(said.path())),
        }
    };
    dir = dir.or_else(of_runner);
    if let Some(dir) = &dir {
        watch.look(dir);
    }
    watch.end();
    let output = std::fs::read_to_string(said.path()).unwrap_or_default();
    Ok(Followed { end, output, dir })
}

/// What the runner does before the first check: what cargo says last.
fn last_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    strip_ansi_escapes::strip_str(last).trim().to_owned()
}

/// What was chosen, by whether the product can be tested with it.
struct Division {
    runnable: Vec<Cell>,
    skips: Vec<Skip>,
    /// In which the product was asked.
    run: Run,
}

/// The cells that the product can be tested with, and the others.
async fn divide(config: &Config, catalogue: &Catalogue, chosen: &[Cell]) -> Result<Division, Failure> {
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    record::leave_host(site.run.dir(), &site.client).map_err(Failure::usage)?;
    let find = async || cluster::golden(&site.config, &site.client, &mut host::lines()).await;
    let (golden, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    println!("product: {product}");
    let able = cluster::capabilities(&site, &golden).await.map_err(Failure::cluster)?;
    let (mut runnable, mut skips) = (Vec::new(), Vec::new());
    for cell in chosen.iter().cloned() {
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
fn conclude(
    config: &Config,
    dir: &Path,
    catalogue: &Catalogue,
    runnable: &[Cell],
    skips: &[Skip],
) -> Result<Record, Failure> {
    let run = runnable.iter().map(|cell| (cell, None));
    for (cell, reason) in run.chain(skips.iter().map(|skip| (&skip.cell, Some(skip.reason.clone())))) {
        let plan = shown_plan(catalogue, cell);
        let checks = checks(catalogue, &plan).map(|check| (check.name, check.about));
        let folder = dir.join(cell.id().as_str());
        std::fs::create_dir_all(&folder).map_err(Failure::usage)?;
        CellPart::new(cell, checks, reason).leave(&folder).map_err(Failure::usage)?;
    }
    let (record, path) = record::write(dir).map_err(Failure::usage)?;
    let kept = |cell: &str| cluster::kept(config, cell).is_ok_and(|kept| kept.is_some());
    show(&closing::text(&record, dir, &path, kept))?;
    Ok(record)
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
    fn a_runner_that_came_to_no_test_is_no_failed_check() {
        use std::os::unix::process::ExitStatusExt;
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        assert!(matches!(End::of(exited(0), false), End::Good));
        assert!(matches!(End::of(exited(100), false), End::Failed));
        assert!(matches!(End::of(exited(101), false), End::NotRun(how) if how == "ended with exit code 101"));
        assert!(matches!(End::of(ExitStatus::from_raw(9), false), End::NotRun(how) if how == "was killed"));
        assert!(matches!(End::of(ExitStatus::from_raw(2), true), End::Failed));
    }

    #[test]
    fn only_a_run_without_any_cluster_failed_at_provisioning() {
        let record = |state: &str| {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state);
            record::assemble(&dir, false).expect("a record")
        };
        assert!(unformed(&record("good")).is_none() && unformed(&record("failing")).is_none());
        let Some(Failure::Provisioning(said)) = unformed(&record("unformed")) else { panic!("no such failure") };
        assert_eq!(said, "1 of 1 suites have no cluster");
    }

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
