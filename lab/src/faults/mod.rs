//! Trying every fault of the stand-in: is it found, by what, and does anything else turn red?

mod scenario;
mod tried;

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use futures_util::StreamExt;

use crate::trial::Trial;
use scenario::{Outcome, Scenario, list};
use testkit::cli::{Catalogue, Failure, Format};
use testkit::config::Config;
use testkit::session::reaper;
use tried::{Clean, Fault, Tried};

/// The faults to try.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../suites/faults.toml");

/// What a formed cluster gets to become as planned, in seconds: several times what one without faults takes.
const SETTLE: u64 = 15;
/// What it gets after a step, which may be that all of its members boot.
const SETTLE_STEP: u64 = 40;

/// What to try.
#[derive(Debug, clap::Args)]
pub(super) struct FaultsArgs {
    /// Only faults whose name, or the journey that they are tried in, contains one of these.
    #[arg(long, value_name = "TEXT", value_delimiter = ',')]
    only: Vec<String>,
    /// How many clusters are formed at once.
    #[arg(long, default_value = "3")]
    jobs: std::num::NonZeroUsize,
    /// Afterwards form this many clusters without faults; none of their checks may be red.
    #[arg(long, default_value_t = 0, value_name = "N")]
    clean: usize,
    /// Afterwards play all journeys this many times without faults; every station must be green.
    #[arg(long, default_value_t = 0, value_name = "N")]
    clean_life: usize,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Tries the faults and prints the table; exit code 1 when one is not found as it should be.
pub(super) async fn faults(config: &Config, catalogue: &Catalogue, args: &FaultsArgs) -> Result<ExitCode, Failure> {
    let mut scenarios = scenario::read(Path::new(LIST), catalogue)?;
    for only in &args.only {
        if !scenarios.iter().any(|scenario| scenario.is_called(only)) {
            return Err(Failure::Usage(format!(
                "--only {only:?} is in the name of no fault and of no journey that one is tried in; suites/faults.toml lists them"
            )));
        }
    }
    if !args.only.is_empty() {
        scenarios.retain(|scenario| args.only.iter().any(|only| scenario.is_called(only)));
    }
    let started = Instant::now();
    let trials = scenarios.iter().enumerate().map(|(index, scenario)| async move {
        let settle = if scenario.at.is_some() { SETTLE_STEP } else { SETTLE };
        let Scenario { play, at, traffic, .. } = scenario;
        let attempt =
            Attempt { name: scenario.subject(), until: at.as_deref(), faults: play, settle, traffic: *traffic };
        let attempt = || attempt.run(config);
        let mut tried = attempt().await;
        let mut outcome = judge(scenario, &tried);
        // A cluster that LXD did not make says nothing about the product. One that the fault keeps from being formed,
        // otherwise than the list has it, is not formed the second time either.
        if let (Outcome::Wrong { .. }, Some(why)) = (&outcome, unformed(&tried)) {
            eprintln!("{:7.1} s  {}: once more, for {why}", started.elapsed().as_secs_f32(), scenario.title());
            tried = attempt().await;
            outcome = judge(scenario, &tried);
        }
        let seconds = tried.map(|trial| trial.seconds).unwrap_or_default();
        eprintln!("{:7.1} s  {}", started.elapsed().as_secs_f32(), line(scenario, &outcome, seconds));
        (index, Fault::of(scenario, outcome))
    });
    // In the order of their ends, so that a long one holds up nobody; then in the order of the list.
    let mut faults: Vec<(usize, Fault)> =
        futures_util::stream::iter(trials).buffer_unordered(args.jobs.get()).collect().await;
    faults.sort_by_key(|(index, _)| *index);
    let clusters = clean(config, args.jobs.get(), vec!["init_cluster"; args.clean], SETTLE, started).await;
    let journeys = catalogue.journeys.iter().map(|journey| journey.name);
    let plays: Vec<&str> = std::iter::repeat_n(journeys, args.clean_life).flatten().collect();
    let plays = clean(config, args.jobs.get(), plays, SETTLE_STEP, started).await;
    reaper::ended(&config.out_dir).await.map_err(Failure::usage)?;

    let count = |greens: &[bool]| greens.iter().filter(|green| **green).count();
    let tried = Tried {
        faults: faults.into_iter().map(|(_, fault)| fault).collect(),
        clean: Clean {
            clusters: clusters.len(),
            green: count(&clusters),
            plays: plays.len(),
            green_plays: count(&plays),
        },
    };
    tried.paper().publish(&tried, args.format, &config.root.join("target"), "faults")?;
    if tried.is_good() { Ok(ExitCode::SUCCESS) } else { Err(Failure::Checks) }
}

/// Forms these cells and plays these journeys without faults, and says of each whether everything was green.
async fn clean(config: &Config, jobs: usize, names: Vec<&str>, settle: u64, started: Instant) -> Vec<bool> {
    let trials = names.into_iter().enumerate().map(|(index, name)| async move {
        let attempt = Attempt { name, until: None, faults: "", settle, traffic: false };
        let wrong = match attempt.run(config).await {
            Ok(tried) => {
                let red = tried.verdicts.iter().filter(|verdict| !verdict.passed()).map(ToString::to_string);
                let at = tried.at.map(|at| format!("at {at}:"));
                at.into_iter().chain(tried.error).chain(red).collect::<Vec<_>>().join("\n")
            }
            Err(Failure::Usage(text) | Failure::Provisioning(text)) => text,
            Err(Failure::Checks) => "the trial failed".to_owned(),
        };
        let (seconds, said) = (started.elapsed().as_secs_f32(), if wrong.is_empty() { "green" } else { &wrong });
        eprintln!("{seconds:7.1} s  without faults, {}, {name}: {said}", index + 1);
        wrong.is_empty()
    });
    futures_util::stream::iter(trials).buffer_unordered(jobs).collect().await
}

fn judge(scenario: &Scenario, tried: &Result<Trial, Failure>) -> Outcome {
    match tried {
        Ok(trial) => scenario.judge(trial),
        Err(Failure::Usage(text) | Failure::Provisioning(text)) => Outcome::wrong(text),
        Err(Failure::Checks) => Outcome::wrong("the trial failed"),
    }
}

/// Why there was no cluster to judge, if there was none.
fn unformed(tried: &Result<Trial, Failure>) -> Option<&str> {
    match tried {
        // A journey that could not go on had one.
        Ok(trial) => trial.error.as_deref().filter(|_| trial.at.is_none()),
        Err(Failure::Usage(text) | Failure::Provisioning(text)) => Some(text),
        Err(Failure::Checks) => None,
    }
}

/// One cluster, or one journey as far as this station.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    name: &'a str,
    until: Option<&'a str>,
    faults: &'a str,
    /// Seconds that it has to become as planned.
    settle: u64,
    /// Whether members send each other packets.
    traffic: bool,
}

impl Attempt<'_> {
    /// Makes it in a process of its own, so that its run ends, and is cleared, with it.
    async fn run(self, config: &Config) -> Result<Trial, Failure> {
        let exe = std::env::current_exe().map_err(Failure::usage)?;
        let output = tokio::process::Command::new(exe)
            .args(["trial", self.name])
            .args(self.until.map(|station| format!("--until={station}")))
            .current_dir(&config.root)
            .env("TESTKIT_FAULTS", self.faults)
            .env("TESTKIT_SETTLE", self.settle.to_string())
            .env("TESTKIT_TRAFFIC", if self.traffic { "1" } else { "0" })
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(Failure::usage)?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| Failure::Provisioning(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

fn line(scenario: &Scenario, outcome: &Outcome, seconds: f32) -> String {
    let said = match outcome {
        Outcome::Found { by, .. } => format!("found by {}", list(by)),
        Outcome::Stopped { .. } => "found by provisioning".to_owned(),
        Outcome::Tolerated { why } => format!("tolerated: {why}"),
        Outcome::Wrong { why } => format!("NOT AS WANTED: {why}"),
    };
    format!("{} ({}, {seconds:.0} s): {said}", scenario.title(), scenario.place())
}
