//! Where the time and memory of a run go, over several rounds.

mod measures;
mod stages;

use std::process::ExitCode;
use std::time::Instant;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::cells::Cells;
use super::{Catalogue, Failure};
use crate::cluster::Site;
use crate::config::Config;
use crate::session::{Run, reaper};
use measures::{Clones, Cold};
use stages::Stages;

/// What to measure, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct BenchArgs {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Build snaps and node image once more from nothing, each in an empty cache of its own; takes minutes.
    #[arg(long)]
    cold: bool,
}

/// Times images, clones and the suites, each round on its own, and prints medians.
pub(super) async fn run(config: &Config, catalogue: &Catalogue, args: &BenchArgs) -> Result<ExitCode, Failure> {
    let rounds = usize::from(args.rounds);
    let cold = if args.cold { Some(Cold::measure(config)?) } else { None };
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    let golden = measures::golden(&site, rounds).await?;
    let clones = Clones::measure(&site, rounds).await?;
    let formed = measures::formed(&site, catalogue, rounds).await?;
    let suites = Suites::new(config)?;
    let together = suites.measure(rounds, "all suites", "binary_id(suites::init)").await?;
    let mut alone = Rounds::default();
    for cell in Cells::of(catalogue)?.core {
        let only = format!("binary_id(suites::init) & test(/^{}::/)", cell.id());
        alone.extend(suites.measure(rounds, cell.id().as_str(), &only).await?);
    }

    println!("All suites at once: they wait for each other's products too.");
    together.stages.print();
    println!("Each suite alone:");
    alone.stages.print();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["what", "median", "measured"]);
    let mut row = |what: &str, value: String, of: &[u64]| {
        table.add_row([what.to_owned(), value, samples(of.len())]);
    };
    if let Some(Cold { snaps, node }) = cold {
        row("snaps of the stand-in, with an empty cache", seconds(snaps), &[snaps]);
        row("node image, with an empty cache", seconds(node), &[node]);
    }
    row("golden image, anew from node image and snaps", seconds(median(&golden)), &golden);
    row("one clone, running", seconds(median(&clones.running)), &clones.running);
    row("one clone, snap services active and MicroOVN answering", seconds(median(&clones.active)), &clones.active);
    row("memory of that node", mebibytes(median(&clones.memory)), &clones.memory);
    row("memory of a member of a formed cluster", mebibytes(median(&formed)), &formed);
    row("memory of the largest of them", mebibytes(formed.iter().copied().max().unwrap_or_default()), &[]);
    row("all suites, one command", seconds(median(&together.walls)), &together.walls);
    row("cleanup after it", seconds(median(&together.cleanups)), &together.cleanups);
    row("one suite, one command", seconds(median(&alone.walls)), &alone.walls);
    row("cleanup after it", seconds(median(&alone.cleanups)), &alone.cleanups);
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// What runs of suites took.
#[derive(Default)]
pub(super) struct Rounds {
    stages: Stages,
    /// Milliseconds that each round took.
    pub(super) walls: Vec<u64>,
    /// Milliseconds that its reaper took afterwards.
    pub(super) cleanups: Vec<u64>,
}

impl Rounds {
    fn extend(&mut self, other: Self) {
        self.stages.extend(other.stages);
        self.walls.extend(other.walls);
        self.cleanups.extend(other.cleanups);
    }
}

/// The suites as nextest runs them, each run in a folder of its own that goes afterwards.
pub(super) struct Suites<'a> {
    config: &'a Config,
    out: tempfile::TempDir,
}

impl<'a> Suites<'a> {
    pub(super) fn new(config: &'a Config) -> Result<Self, Failure> {
        let suites = Self { config, out: tempfile::tempdir().map_err(Failure::usage)? };
        // What cargo compiles first is no time of the suites.
        suites.nextest(&["--no-run"]).run().map_err(Failure::usage)?;
        Ok(suites)
    }

    fn nextest(&self, more: &[&str]) -> duct::Expression {
        let words = ["nextest", "run", "--package", "suites"];
        let command = duct::cmd("cargo", words.iter().chain(more)).dir(&self.config.root);
        command.stderr_to_stdout().stdout_capture().unchecked()
    }

    /// Runs what nextest's filter `only` selects, `rounds` times, and shows it as `what`.
    pub(super) async fn measure(&self, rounds: usize, what: &str, only: &str) -> Result<Rounds, Failure> {
        let mut measured = Rounds::default();
        for round in 1..=rounds {
            let dir = self.out.path().join(format!("{what} {round}"));
            let started = Instant::now();
            let ran = self.nextest(&["-E", only]).env("TESTKIT_OUT_DIR", &dir).run().map_err(Failure::usage)?;
            if !ran.status.success() {
                println!("{}", String::from_utf8_lossy(&ran.stdout));
                return Err(Failure::Checks);
            }
            measured.walls.push(millis(started));
            let cleaning = Instant::now();
            reaper::ended(&dir).await.map_err(Failure::usage)?;
            measured.cleanups.push(millis(cleaning));
            measured.stages.collect(&dir)?;
            println!("{what}, round {round}: {}", measured.walls.last().copied().map(seconds).unwrap_or_default());
        }
        Ok(measured)
    }
}

pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The middle value; the lower of the two in the middle of an even number.
pub(super) fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// How often something was measured; nothing for what is no median.
fn samples(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 sample".to_owned(),
        count => format!("{count} samples"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_their_units() {
        assert_eq!(median(&[3, 1, 2]), 2);
        assert_eq!(median(&[4, 1, 2, 3]), 2);
        assert_eq!(median(&[]), 0);
        assert_eq!(seconds(12_045), "12.045 s");
        assert_eq!(mebibytes(3 << 20), "3 MiB");
        assert_eq!([0, 1, 3].map(samples), ["", "1 sample", "3 samples"]);
    }
}
