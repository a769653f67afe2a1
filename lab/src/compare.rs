//! The same four suites by this framework and by a shell script that takes every step by hand, on one LXD, with one snap,
//! in one go: once as upstream's suites do it, which install the snap in every instance, and once from the golden image,
//! which leaves the framework only what it does at the same time.

use std::process::ExitCode;
use std::time::Instant;

use duct::Expression;
use serde::Serialize;

use crate::bench::{self, Machine, Suites, median, millis, ratio, samples, seconds};
use crate::paper::{Paper, table};
use testkit::cli::Format;
use testkit::cli::{Catalogue, Failure};
use testkit::cluster::{self, Product, Site};
use testkit::config::Config;

/// Takes every step of the core suites by hand.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compare/sequential.sh");

/// What to compare, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Runs all ways, in turns, and prints the ratios.
pub(super) async fn compare(config: &Config, catalogue: &Catalogue, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let site = bench::open(config).await?;
    let (golden, product) = cluster::golden(config, &site.client, &mut |_| {}).await.map_err(Failure::cluster)?;
    let ingredients = cluster::ingredients(config, &site.client).await.map_err(Failure::cluster)?;
    let machine = Machine::examine(&site).await?;
    let suites = Suites::new(&site, catalogue).await?;
    let core = &suites.cells().core;
    let core = suites.cells().suites(core);
    let programs = suites.build(&core).await?;
    let (mut installing, mut copying, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=usize::from(args.rounds) {
        if let Some((image, snaps)) = &ingredients {
            let snaps: Vec<String> = snaps.iter().map(|path| path.display().to_string()).collect();
            let script = script(&site, image).env("SNAPS", snaps.join("\n")).env("POOL", &config.pool);
            eprintln!("by hand, the snap installed in every instance, round {round}:");
            installing.push(time(&script)?);
        }
        eprintln!("by hand, copies of the golden image, round {round}:");
        copying.push(time(&script(&site, &golden.instance))?);
        let together = suites.round(&format!("this framework, round {round}"), &programs, &core).await?;
        ours.push(together.wall() + together.cleanup);
    }
    let compared = Compared::of(machine, product, [installing, copying, ours]);
    compared.paper().publish(&compared, args.format, &config.root.join("target"), "compare")?;
    Ok(ExitCode::SUCCESS)
}

/// The script that makes its instances of this. Its own clean-up is part of what such a script does; the tags are for
/// when it is killed.
fn script(site: &Site, source: &str) -> Expression {
    let tags = cluster::tags(site, "sequential", "sequential").to_config();
    let pairs = tags.into_iter().map(|(key, value)| format!("{key}={value}"));
    let prefix = format!("sq{}", site.run.id().short().get(..4).unwrap_or_default());
    let words = [site.config.project.clone(), source.to_owned(), prefix];
    duct::cmd(SCRIPT, words.into_iter().chain(pairs)).dir(&site.config.root).stdout_to_stderr()
}

/// The milliseconds that a script takes.
fn time(script: &Expression) -> Result<u64, Failure> {
    let started = Instant::now();
    script.run().map_err(Failure::provisioning)?;
    Ok(millis(started))
}

/// What each way took.
#[derive(Debug, Serialize)]
struct Compared {
    machine: Machine,
    product: Product,
    ways: Vec<Way>,
}

/// One way to run the suites.
#[derive(Debug, Serialize)]
struct Way {
    way: &'static str,
    #[serde(serialize_with = "samples")]
    ms: Vec<u64>,
    /// How many times as long as the framework it took, by the medians.
    ratio: f64,
}

impl Compared {
    /// Of the milliseconds of each way, the framework's last. What was not measured is left out.
    fn of(machine: Machine, product: Product, times: [Vec<u64>; 3]) -> Self {
        let ours = median(&times[2]);
        let ways = [
            "a shell script that installs the snap in every instance",
            "a shell script that copies the golden image",
            "this framework, one command",
        ];
        let ways = ways.into_iter().zip(times).filter(|(_, ms)| !ms.is_empty());
        let ways = ways.map(|(way, ms)| Way { way, ratio: ratio(median(&ms), ours), ms }).collect();
        Self { machine, product, ways }
    }

    fn paper(&self) -> Paper {
        let mut table = table(&["four core suites, cleaned up", "median", "ratio"].map(str::to_owned), 1);
        for Way { way, ms, ratio } in &self.ways {
            table.add_row([(*way).to_owned(), seconds(median(ms)), format!("{ratio:.1}")]);
        }
        let mut paper = Paper::default();
        paper.text(self.machine.to_string());
        paper.text(format!("Product: {}.", self.product));
        paper.table(table);
        paper
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn programs_get_what_each_way_took() {
        let times = [Vec::new(), vec![60_000, 58_895, 61_000], vec![24_000]];
        let compared = Compared::of(Machine::example(), bench::product(), times);
        expect![[r#"
            {
              "ways": [
                {
                  "way": "a shell script that copies the golden image",
                  "ms": {
                    "median": 60000,
                    "samples": [
                      60000,
                      58895,
                      61000
                    ]
                  },
                  "ratio": 2.5
                },
                {
                  "way": "this framework, one command",
                  "ms": {
                    "median": 24000,
                    "samples": [
                      24000
                    ]
                  },
                  "ratio": 1.0
                }
              ]
            }"#]]
        .assert_eq(&crate::bench::without_head(&compared));
    }
}
