//! Plans, runs and what they leave: plan, sweep, reap, bench.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{Catalogue, Failure, bench as benchmark, clusters};
use crate::config::Config;
use crate::host;
use crate::plan::{Plan, Segment, Segments};
use crate::report::chain;
use crate::session::sweep::{SweepError, Target, sweep as sweep_objects};
use crate::session::{Process, RunId, reaper};

/// How long `sweep --wait` gives a reaper; it has its own, shorter deadlines.
const REAPERS: Duration = Duration::from_secs(180);

/// The cells and checks, or one cell's plan.
pub(super) fn plan(catalogue: &Catalogue, explain: Option<&str>) -> Result<ExitCode, Failure> {
    if let Some(name) = explain {
        let cell = clusters::find_cell(catalogue, name)?;
        let plan = Plan::draw(&cell, catalogue.options, documentation_segments());
        let text = serde_json::to_string_pretty(&plan).map_err(Failure::usage)?;
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let cells = (catalogue.cells)().map_err(Failure::usage)?;
    println!("{} cells:", cells.len());
    for cell in &cells {
        let choices: Vec<String> = cell.choices().iter().map(|(option, value)| format!("{option}={value}")).collect();
        println!("  {:<34} {}", cell.id().to_string(), choices.join(" "));
    }
    println!("{} checks in each:", catalogue.checks.len());
    for check in &catalogue.checks {
        println!("  {:<20} {}", check.name, check.about);
    }
    Ok(ExitCode::SUCCESS)
}

/// Ranges for showing a plan; a run picks free ones. From the blocks set aside for documentation (RFC 5737,
/// RFC 3849).
fn documentation_segments() -> Segments {
    let segment = |third: u8, group: u16| Segment {
        ipv4: ipnet::Ipv4Net::new_assert(if third == 0 { [192, 0, 2, 0] } else { [198, 51, 100, 0] }.into(), 24),
        ipv6: ipnet::Ipv6Net::new_assert([0x2001, 0xdb8, 0, group, 0, 0, 0, 0].into(), 64),
    };
    Segments { management: segment(0, 0), underlay: segment(1, 1) }
}

/// Removes what dead runs left; with `wait`, first lets the reapers of ended runs finish.
pub(super) async fn sweep(config: Config, wait: bool, quiet: bool) -> Result<ExitCode, Failure> {
    if wait {
        let waited = tokio::time::timeout(REAPERS, reaper::ended(&config.out_dir)).await;
        waited
            .map_err(|_| Failure::Provisioning("a reaper is still at work; see target/testkit/*/reaper.log".into()))?
            .map_err(Failure::usage)?;
    }
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    let swept = sweep_objects(&client, &Target::Abandoned, None).await.map_err(Failure::provisioning)?;
    if !swept.is_empty() || !quiet {
        println!("removed {swept}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The detached reaper.
pub(super) async fn reap(config: Config, run: String, runner: Process, dir: PathBuf) -> Result<ExitCode, Failure> {
    let run = RunId::new(run).ok_or_else(|| Failure::Usage("not a run id".into()))?;
    let orders = reaper::Orders { run, runner, dir };
    let connect = async || host::connect(&config).await.map_err(|error| SweepError::Connect(Box::new(error)));
    match reaper::reap(&orders, connect).await {
        Ok(swept) => {
            eprintln!("removed {swept}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(Failure::Provisioning(chain(&error))),
    }
}

/// Rounds of all suites, and where the time went.
pub(super) async fn bench(config: &Config, rounds: usize) -> Result<ExitCode, Failure> {
    benchmark::run(config, rounds).await
}
