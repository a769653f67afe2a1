//! Where the time of a run goes, over several rounds.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::Failure;
use crate::cluster::{self, Site};
use crate::config::Config;
use crate::report::{Owner, Stage, Timeline};
use crate::session::{Run, reaper};

/// Milliseconds of every round, by suite and stage.
type Times = BTreeMap<(String, String), Vec<u64>>;

/// Times single clones, then runs all suites `rounds` times, each round on its own, and prints medians.
pub(super) async fn run(config: &Config, rounds: usize) -> Result<ExitCode, Failure> {
    let clones = clone_times(config, rounds.max(1)).await?;
    let out = tempfile::tempdir().map_err(Failure::usage)?;
    let (mut stages, mut owners) = (Times::new(), BTreeMap::new());
    let (mut walls, mut cleanups) = (Vec::new(), Vec::new());
    for round in 1..=rounds.max(1) {
        let dir = out.path().join(round.to_string());
        let started = Instant::now();
        let ran = duct::cmd!("cargo", "nextest", "run", "--package", "suites", "-E", "binary_id(suites::init)")
            .dir(&config.root)
            .env("TESTKIT_OUT_DIR", &dir)
            .stderr_to_stdout()
            .stdout_capture()
            .unchecked()
            .run()
            .map_err(Failure::usage)?;
        if !ran.status.success() {
            println!("{}", String::from_utf8_lossy(&ran.stdout));
            return Err(Failure::Checks);
        }
        walls.push(millis(started));
        let cleaning = Instant::now();
        reaper::ended(&dir).await.map_err(Failure::usage)?;
        cleanups.push(millis(cleaning));
        println!("round {round}: {} s", seconds(walls.last().copied().unwrap_or_default()));
        collect(&dir, &mut stages, &mut owners)?;
    }
    print(&stages, &owners);
    let (running, active, memory) = clones;
    println!("one clone, running: {} s (median of {})", seconds(median(&running)), running.len());
    println!("one clone, snap services active and MicroOVN answering: {} s", seconds(median(&active)));
    println!("memory of that node: {} MiB", median(&memory) >> 20);
    println!("all suites, one command: {} s (median of {})", seconds(median(&walls)), walls.len());
    println!("cleanup after it: {} s", seconds(median(&cleanups)));
    Ok(ExitCode::SUCCESS)
}

/// Clones the golden image one at a time. Milliseconds to running and to the daemon answering, and bytes of memory.
async fn clone_times(config: &Config, rounds: usize) -> Result<(Vec<u64>, Vec<u64>, Vec<u64>), Failure> {
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    let (mut running, mut active, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        let clone = cluster::time_clone(&site, &format!("bench-{round}")).await.map_err(Failure::provisioning)?;
        running.push(u64::try_from(clone.running.as_millis()).unwrap_or(u64::MAX));
        active.push(u64::try_from(clone.active.as_millis()).unwrap_or(u64::MAX));
        memory.push(clone.memory);
    }
    Ok((running, active, memory))
}

/// Adds the stages of the run below `dir`.
fn collect(dir: &Path, stages: &mut Times, owners: &mut BTreeMap<String, Owner>) -> Result<(), Failure> {
    for run in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let entries = std::fs::read_dir(run.path()).into_iter().flatten().flatten();
        for cell in entries.filter(|entry| entry.path().is_dir()) {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for Stage { name, owner, ms, .. } in Timeline::new(&cell.path()).read().map_err(Failure::usage)? {
                // A dozen rows that say "nothing" hide those that say something.
                let pure = name.starts_with("check ") && owner == Owner::Framework;
                let name = if pure { "pure checks, all".to_owned() } else { name };
                *sums.entry(name.clone()).or_default() += ms;
                owners.insert(name, owner);
            }
            let suite = cell.file_name().to_string_lossy().into_owned();
            for (stage, ms) in sums {
                stages.entry((suite.clone(), stage)).or_default().push(ms);
            }
        }
    }
    Ok(())
}

fn print(stages: &Times, owners: &BTreeMap<String, Owner>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["suite", "stage", "whose", "median s"]);
    for ((suite, stage), times) in stages {
        let owner = owners.get(stage).map(|owner| format!("{owner:?}").to_lowercase()).unwrap_or_default();
        table.add_row([suite.clone(), stage.clone(), owner, seconds(median(times))]);
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    let suites: std::collections::BTreeSet<&String> = stages.keys().map(|(suite, _)| suite).collect();
    for suite in suites {
        let sum = |wanted: Option<Owner>| -> u64 {
            stages
                .iter()
                .filter(|((name, stage), _)| name == suite && wanted.is_none_or(|w| owners.get(stage) == Some(&w)))
                .map(|(_, times)| median(times))
                .sum()
        };
        let total = sum(None).max(1);
        let share = |owner| 100 * sum(Some(owner)) / total;
        println!(
            "{suite}: {} s; product {} %, LXD and snapd {} %, framework {} %",
            seconds(total),
            share(Owner::Product),
            share(Owner::Lxd),
            share(Owner::Framework)
        );
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The middle value; the lower of the two in the middle of an even number.
fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_seconds() {
        assert_eq!(median(&[3, 1, 2]), 2);
        assert_eq!(median(&[4, 1, 2, 3]), 2);
        assert_eq!(median(&[]), 0);
        assert_eq!(seconds(12_045), "12.045");
    }
}
