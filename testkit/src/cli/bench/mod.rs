//! Where the time and memory of a run go, over several rounds; and how they grow.

mod machine;
mod measures;
mod paper;
mod scale;
mod suites;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::{Catalogue, Failure};
use crate::cluster::{self, Site};
use crate::config::Config;
use crate::report::spent::sum;
use crate::session::{Run, reaper};
pub(super) use machine::describe;
use measures::{Clones, Cold, Formed};
pub(super) use paper::Paper;
use paper::table;
pub(super) use suites::Suites;
use suites::{Round, middle};
use tables::Goal;

/// What to measure, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct BenchArgs {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Build snaps and node image once more from nothing, each in an empty cache of its own; takes minutes.
    #[arg(long)]
    cold: bool,
    /// Measure how time and memory grow with the number of cells and of members instead, one round each.
    #[arg(long, conflicts_with_all = ["rounds", "cold"])]
    scale: bool,
    /// With --scale: so many cells in one run.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16], requires = "scale")]
    cells: Vec<usize>,
    /// With --scale: clusters of so many members.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 5, 9], requires = "scale")]
    members: Vec<usize>,
    /// Also write the tables into this document, between their two marks.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Measures and prints.
pub(super) async fn run(config: &Config, catalogue: &Catalogue, args: &BenchArgs) -> Result<ExitCode, Failure> {
    let cold = if args.cold { Some(Cold::measure(config)?) } else { None };
    let site = open(config).await?;
    let suites = Suites::new(config, catalogue)?;
    let mut paper = Paper::default();
    paper.text(describe(&site).await?);
    let name = if args.scale {
        scale::measure(&site, catalogue, &suites, (&args.cells, &args.members), &mut paper).await?;
        "bench-scale"
    } else {
        let mut measured = Measured::take(&site, catalogue, &suites, usize::from(args.rounds)).await?;
        measured.cold = cold;
        measured.show(&mut paper);
        "bench"
    };
    paper.publish(args.write.as_deref(), name)?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that is measured.
struct Measured {
    cold: Option<Cold>,
    product: String,
    golden: Vec<u64>,
    clones: Clones,
    formed: Formed,
    /// All core suites by one command.
    together: Vec<Round>,
    /// Each core suite by a command of its own.
    alone: Vec<Vec<Round>>,
}

impl Measured {
    async fn take(site: &Site, catalogue: &Catalogue, suites: &Suites<'_>, rounds: usize) -> Result<Self, Failure> {
        let golden = measures::golden(site, rounds).await?;
        let clones = Clones::measure(site, rounds).await?;
        let (_, product) = cluster::golden(&site.config, &site.client, &mut |_| {}).await.map_err(Failure::cluster)?;
        let core = &suites.cells().core;
        let formed = Formed::measure(site, catalogue, core, median(&clones.cpu)).await?;
        suites.compile(core)?;
        let mut together = Vec::new();
        let mut alone = Vec::new();
        for round in 1..=rounds {
            together.push(suites.round(&format!("all suites, round {round}"), core).await?);
        }
        for cell in core {
            let mut own = Vec::new();
            for round in 1..=rounds {
                let what = format!("{}, round {round}", cell.id());
                own.push(suites.round(&what, std::slice::from_ref(cell)).await?);
            }
            alone.push(own);
        }
        Ok(Self { cold: None, product: product.to_string(), golden, clones, formed, together, alone })
    }

    fn show(&self, paper: &mut Paper) {
        paper.text(format!("Product: {}.", self.product));
        let alone: Vec<&Round> = self.alone.iter().filter_map(|rounds| middle(rounds)).collect();
        if let Some(round) = middle(&self.together) {
            paper.text(format!(
                "All suites by one command, the round in the middle of {}: the stages of each from the start of the \
                 runner to its last check, and the critical path of the command.",
                self.together.len()
            ));
            paper.table(tables::ledger(&round.paths(), Some(("critical path", &round.critical_path()))));
            paper.text("The cores meanwhile, with everything else that the host did:");
            paper.table(machine::cores_table(&round.seen.cores));
        }
        paper.text("Each suite alone, its round in the middle:");
        let paths: Vec<_> = alone.iter().flat_map(|round| round.paths()).collect();
        paper.table(tables::ledger(&paths, None));
        self.show_figures(paper);
        paper.text("What is to be reached, on two cores with a golden image and the stand-in:");
        paper.table(tables::goals(&self.goals(&alone)));
    }

    fn show_figures(&self, paper: &mut Paper) {
        let mut rows = table(&["what", "median", "measured"].map(str::to_owned), 1);
        let mut row = |what: &str, value: String, of: &[u64]| {
            rows.add_row([what.to_owned(), value, samples(of.len())]);
        };
        if let Some(Cold { snaps, node }) = self.cold {
            row("snaps of the stand-in, with an empty cache", seconds(snaps), &[snaps]);
            row("node image, with an empty cache", seconds(node), &[node]);
        }
        let Clones { running, active, memory, cpu } = &self.clones;
        row("golden image, anew from node image and snaps", seconds(median(&self.golden)), &self.golden);
        row("one clone, running", seconds(median(running)), running);
        row("one clone, snap services active and MicroOVN answering", seconds(median(active)), active);
        row("processor time of that", seconds(median(cpu)), cpu);
        row("memory of that node", mebibytes(median(memory)), memory);
        let formed = &self.formed.memory;
        row("memory of a member of a formed cluster", mebibytes(median(formed)), formed);
        row("memory of the largest of them", mebibytes(formed.iter().copied().max().unwrap_or_default()), &[]);
        row(
            "processor time of the members of all core clusters, beyond their boots",
            seconds(self.formed.product),
            &[],
        );
        row("that time, divided by the cores", seconds(self.formed.product / machine::processors()), &[]);
        if let Some(round) = middle(&self.together) {
            let memory = round.seen.memory;
            row("memory of the host in use during all suites, at most", mebibytes(memory.peak), &[]);
            row("of that, beyond what was in use before", mebibytes(memory.grown()), &[]);
        }
        for (what, rounds) in [
            ("all suites, one command", self.together.iter().collect::<Vec<_>>()),
            ("one suite, one command", self.alone.iter().flatten().collect()),
        ] {
            let walls: Vec<u64> = rounds.iter().map(|round| round.wall()).collect();
            row(what, seconds(median(&walls)), &walls);
            let cleanups: Vec<u64> = rounds.iter().map(|round| round.cleanup).collect();
            row("cleanup after it", seconds(median(&cleanups)), &cleanups);
        }
        paper.table(rows);
    }

    fn goals(&self, alone: &[&Round]) -> Vec<Goal> {
        let active = median(&self.clones.active);
        let suites = || alone.iter().flat_map(|round| &round.suites);
        let booted = median(&suites().map(|suite| suite.booted()).collect::<Vec<_>>());
        let judged = median(&suites().map(|suite| suite.judged()).collect::<Vec<_>>());
        let paths = alone.iter().flat_map(|round| round.paths());
        let share = paths.map(|(_, path)| tables::framework_permille(&sum(&path))).max().unwrap_or_default();
        let wall = median(&self.together.iter().map(Round::wall).collect::<Vec<_>>());
        let ideal = (self.formed.product / machine::processors()).max(1);
        vec![
            Goal {
                what: "a clone until its snap services are active, median",
                measured: seconds(active),
                wanted: "under 0.8 s on btrfs",
                reached: active < 800,
            },
            Goal {
                what: "all members of a suite alone until theirs are, from its turn on, median",
                measured: seconds(booted),
                wanted: "under 2.5 s",
                reached: booted < 2_500,
            },
            Goal {
                what: "the framework's share of the wall time of a suite alone, at most",
                measured: tables::percent(share, 1000),
                wanted: "under 10 %",
                reached: share < 100,
            },
            Goal {
                what: "all checks of a suite alone, from the settled cluster on, median",
                measured: seconds(judged),
                wanted: "under 1 s",
                reached: judged < 1_000,
            },
            Goal {
                what: "all suites by one command, to the product's own processor time divided by the cores",
                measured: times(wall, ideal),
                wanted: "at most 1.5",
                reached: 2 * wall <= 3 * ideal,
            },
        ]
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

/// How many times as much, with two decimals.
fn times(much: u64, little: u64) -> String {
    let percent = 100 * much / little.max(1);
    format!("{}.{:02}", percent / 100, percent % 100)
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

/// LXD, and a run that a reaper watches.
pub(super) async fn open(config: &Config) -> Result<Site, Failure> {
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &exe).await.map_err(Failure::usage)?;
    reaper::arm(&site.run, &site.exe).await.map_err(Failure::usage)?;
    Ok(site)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        args: BenchArgs,
    }

    #[test]
    fn sizes_have_defaults_and_are_for_growth_alone() {
        let parse = |words: &[&str]| Alone::try_parse_from([&["bench"], words].concat()).map(|alone| alone.args);
        let plain = parse(&[]).expect("good");
        assert_eq!((plain.rounds, plain.scale), (3, false));
        let scale = parse(&["--scale"]).expect("good");
        assert_eq!((scale.cells, scale.members), (vec![1, 2, 4, 8, 16], vec![1, 3, 5, 9]));
        assert_eq!(parse(&["--scale", "--cells", "1,2"]).expect("good").cells, [1, 2]);
        for bad in [&["--cells", "1"][..], &["--members", "1"], &["--scale", "--rounds", "2"], &["--rounds", "0"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn medians_and_their_units() {
        assert_eq!(median(&[3, 1, 2]), 2);
        assert_eq!(median(&[4, 1, 2, 3]), 2);
        assert_eq!(median(&[]), 0);
        assert_eq!(seconds(12_045), "12.045 s");
        assert_eq!(mebibytes(3 << 20), "3 MiB");
        assert_eq!(times(305, 200), "1.52");
        assert_eq!([0, 1, 3].map(samples), ["", "1 sample", "3 samples"]);
    }
}
