//! The same four suites by this framework and by a shell script that takes every step by hand, on one LXD, with one
//! golden image, in one go.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use comfy_table::Table;
use serde::Serialize;

use super::bench::{self, Machine, Suites, median, millis, ratio, samples, seconds};
use super::output::Format;
use super::paper::Paper;
use super::{Catalogue, Failure};
use crate::cluster::{self, Product};
use crate::config::Config;

/// What to compare, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also write the table into this document, between its two marks.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Runs both, in turns, and prints the ratio.
pub(super) async fn compare(config: &Config, catalogue: &Catalogue, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let site = bench::open(config).await?;
    let (golden, product) = cluster::golden(config, &site.client, &mut |_| {}).await.map_err(Failure::cluster)?;
    let machine = Machine::examine(&site).await?;
    let suites = Suites::new(config, catalogue)?;
    let core = &suites.cells().core;
    suites.compile(core)?;
    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=usize::from(args.rounds) {
        let started = Instant::now();
        // Its own clean-up is part of what such a script does; the tags are for when it is killed.
        let tags = cluster::tags(&site, "sequential", "sequential").to_config();
        let pairs = tags.into_iter().map(|(key, value)| format!("{key}={value}"));
        let prefix = format!("sq{}", site.run.id().short().get(..4).unwrap_or_default());
        let words = [config.project.clone(), golden.instance.clone(), prefix];
        let script =
            duct::cmd(&catalogue.sequential, words.into_iter().chain(pairs)).dir(&config.root).stdout_to_stderr();
        script.run().map_err(Failure::provisioning)?;
        by_hand.push(millis(started));
        let together = suites.round(&format!("this framework, round {round}"), core).await?;
        ours.push(together.wall() + together.cleanup);
    }
    let compared = Compared::of(machine, product, by_hand, ours);
    compared.paper().publish(&compared, args.format, args.write.as_deref(), "compare")?;
    Ok(ExitCode::SUCCESS)
}

/// What both took.
#[derive(Debug, Serialize)]
struct Compared {
    machine: Machine,
    product: Product,
    #[serde(rename = "script_ms", serialize_with = "samples")]
    by_hand: Vec<u64>,
    #[serde(rename = "framework_ms", serialize_with = "samples")]
    ours: Vec<u64>,
    /// How many times as long the script took, by the medians.
    ratio: f64,
}

impl Compared {
    fn of(machine: Machine, product: Product, by_hand: Vec<u64>, ours: Vec<u64>) -> Self {
        let ratio = ratio(median(&by_hand), median(&ours));
        Self { machine, product, by_hand, ours, ratio }
    }

    fn paper(&self) -> Paper {
        let mut table = Table::new();
        table.set_header(["four core suites, cleaned up", "median", "ratio"]);
        for (what, times, ratio) in [
            ("a shell script, one step after the other", &self.by_hand, self.ratio),
            ("this framework, one command", &self.ours, 1.0),
        ] {
            table.add_row([what.to_owned(), seconds(median(times)), format!("{ratio:.1}")]);
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
    fn programs_get_what_both_took() {
        let compared = Compared::of(Machine::example(), Product::example(), vec![60_000, 58_895, 61_000], vec![24_000]);
        expect![[r#"
            {
              "machine": {
                "date": "2026-11-21",
                "cores": 2,
                "processor": "EPYC",
                "memory_bytes": 25232932864,
                "linux": "6.18",
                "lxd": "5.0.2",
                "storage": "btrfs"
              },
              "product": {
                "stand_in": true,
                "name": "microovn",
                "version": "26.03",
                "sha256": "e68d"
              },
              "script_ms": {
                "median": 60000,
                "samples": [
                  60000,
                  58895,
                  61000
                ]
              },
              "framework_ms": {
                "median": 24000,
                "samples": [
                  24000
                ]
              },
              "ratio": 2.5
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&compared).expect("JSON"));
    }
}
