//! Trying every fault of the stand-in: is it found, by what, and does anything else turn red?

mod scenario;
mod tried;

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use futures_util::StreamExt;

use crate::trial::Trial;
use scenario::{Outcome, Scenario, list};
use testkit::cli::Failure;
use testkit::cli::Format;
use testkit::config::Config;
use testkit::session::reaper;
use tried::{Clean, Fault, Tried};

/// The faults to try.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../suites/faults.toml");

/// What a formed cluster gets to become as planned, in seconds: several times what one without faults takes.
const SETTLE: u64 = 15;

/// What to try.
#[derive(Debug, clap::Args)]
pub(super) struct FaultsArgs {
    /// Only faults whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How many clusters are formed at once.
    #[arg(long, default_value = "3")]
    jobs: std::num::NonZeroUsize,
    /// Afterwards form this many clusters without faults; none of their checks may be red.
    #[arg(long, default_value_t = 0, value_name = "N")]
    clean: usize,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Tries the faults and prints the table; exit code 1 when one is not found as it should be.
pub(super) async fn faults(config: &Config, args: &FaultsArgs) -> Result<ExitCode, Failure> {
    let mut scenarios = scenario::read(Path::new(LIST))?;
    if let Some(only) = &args.only {
        scenarios.retain(|scenario| scenario.play.contains(only.as_str()));
    }
    let started = Instant::now();
    let trials = scenarios.iter().enumerate().map(|(index, scenario)| async move {
        let mut tried = run(config, &scenario.cell, &scenario.play).await;
        let mut outcome = judge(scenario, &tried);
        // A cluster that LXD did not make says nothing about the product. One that the fault keeps from being formed,
        // otherwise than the list has it, is not formed the second time either.
        if let (Outcome::Wrong { .. }, Some(why)) = (&outcome, unformed(&tried)) {
            eprintln!("{:7.1} s  {}: once more, for {why}", started.elapsed().as_secs_f32(), scenario.title());
            tried = run(config, &scenario.cell, &scenario.play).await;
            outcome = judge(scenario, &tried);
        }
        let seconds = tried.map(|trial| trial.seconds).unwrap_or_default();
        eprintln!("{:7.1} s  {}", started.elapsed().as_secs_f32(), line(scenario, &outcome, seconds));
        (index, Fault { play: scenario.title(), cell: scenario.cell.clone(), outcome })
    });
    // In the order of their ends, so that a long one holds up nobody; then in the order of the list.
    let mut faults: Vec<(usize, Fault)> =
        futures_util::stream::iter(trials).buffer_unordered(args.jobs.get()).collect().await;
    faults.sort_by_key(|(index, _)| *index);
    let clean: Vec<bool> = futures_util::stream::iter(0..args.clean)
        .map(async |number| {
            let wrong = match run(config, "init_cluster", "").await {
                Ok(tried) => {
                    let red = tried.verdicts.iter().filter(|verdict| !verdict.passed()).map(ToString::to_string);
                    tried.error.into_iter().chain(red).collect::<Vec<_>>().join("\n")
                }
                Err(Failure::Usage(text) | Failure::Provisioning(text)) => text,
                Err(Failure::Checks) => "the trial failed".to_owned(),
            };
            eprintln!(
                "{:7.1} s  without faults, {}: {}",
                started.elapsed().as_secs_f32(),
                number + 1,
                if wrong.is_empty() { "green" } else { &wrong }
            );
            wrong.is_empty()
        })
        .buffer_unordered(args.jobs.get())
        .collect()
        .await;
    reaper::ended(&config.out_dir).await.map_err(Failure::usage)?;

    let tried = Tried {
        faults: faults.into_iter().map(|(_, fault)| fault).collect(),
        clean: Clean { clusters: clean.len(), green: clean.iter().filter(|green| **green).count() },
    };
    tried.paper().publish(&tried, args.format, &config.root.join("target"), "faults")?;
    if tried.is_good() { Ok(ExitCode::SUCCESS) } else { Err(Failure::Checks) }
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
        Ok(trial) => trial.error.as_deref(),
        Err(Failure::Usage(text) | Failure::Provisioning(text)) => Some(text),
        Err(Failure::Checks) => None,
    }
}

/// One cluster in a process of its own, so that its run ends, and is cleared, with it.
async fn run(config: &Config, cell: &str, faults: &str) -> Result<Trial, Failure> {
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let output = tokio::process::Command::new(exe)
        .args(["trial", cell])
        .current_dir(&config.root)
        .env("TESTKIT_FAULTS", faults)
        .env("TESTKIT_SETTLE", SETTLE.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Failure::usage)?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| Failure::Provisioning(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn line(scenario: &Scenario, outcome: &Outcome, seconds: f32) -> String {
    let said = match outcome {
        Outcome::Found { by, .. } => format!("found by {}", list(by)),
        Outcome::Stopped { .. } => "found by provisioning".to_owned(),
        Outcome::Tolerated { why } => format!("tolerated: {why}"),
        Outcome::Wrong { why } => format!("NOT AS WANTED: {why}"),
    };
    format!("{} ({}, {seconds:.0} s): {said}", scenario.title(), scenario.cell)
}
