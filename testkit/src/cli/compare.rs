//! The same four suites by this framework and by a shell script that takes every step by hand, on one LXD, with one
//! golden image, in one go.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use comfy_table::Table;

use super::bench::{self, Paper, Suites, describe, median, millis, seconds};
use super::{Catalogue, Failure};
use crate::cluster;
use crate::config::Config;

/// What to compare, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// How many rounds; medians are shown.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Also write the table into this document, between its two marks.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Runs both, in turns, and prints the ratio.
pub(super) async fn compare(config: &Config, catalogue: &Catalogue, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let site = bench::open(config).await?;
    let (golden, product) = cluster::golden(config, &site.client, &mut |_| {}).await.map_err(Failure::cluster)?;
    let mut paper = Paper::default();
    paper.text(describe(&site).await?);
    paper.text(format!("Product: {product}."));
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
        let script = duct::cmd(&catalogue.sequential, words.into_iter().chain(pairs)).dir(&config.root);
        script.run().map_err(Failure::provisioning)?;
        by_hand.push(millis(started));
        let together = suites.round(&format!("this framework, round {round}"), core).await?;
        ours.push(together.wall() + together.cleanup);
    }
    let (by_hand, ours) = (median(&by_hand), median(&ours));
    let mut table = Table::new();
    table.set_header(["four core suites, cleaned up", "median", "ratio"]);
    let ratio = |ms: u64| format!("{}.{}", ms / ours.max(1), ms % ours.max(1) * 10 / ours.max(1));
    table.add_row(["a shell script, one step after the other".to_owned(), seconds(by_hand), ratio(by_hand)]);
    table.add_row(["this framework, one command".to_owned(), seconds(ours), ratio(ours)]);
    paper.table(table);
    paper.publish(args.write.as_deref(), "compare")?;
    Ok(ExitCode::SUCCESS)
}
