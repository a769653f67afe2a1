//! Where the time and memory of a run go, over several rounds; how they grow; and what journeys take.

mod figures;
mod growth;
mod life;
mod machine;
mod measured;
mod measures;
mod packets;
mod scale;
mod suites;
mod tables;

use std::process::ExitCode;
use std::time::Instant;

use crate::testkit_command;
pub(super) use figures::{median, ratio, samples, seconds};
pub(super) use machine::Machine;
#[cfg(test)]
pub(super) use machine::{product, without_head};
use measured::Measured;
use measures::Cold;
pub(super) use suites::Suites;
use testkit::cli::Format;
use testkit::cli::{Catalogue, Failure};
use testkit::cluster::Site;
use testkit::config::Config;
use testkit::session::{Run, reaper};

/// What is measured instead of how it grows. clap does not miss what an argument requires beside what excludes that.
const OTHER_THAN_SCALE: [&str; 4] = ["rounds", "cold", "life", "traffic"];

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
    /// Measure what all journeys take instead, by one command, one round.
    #[arg(long, conflicts_with_all = ["rounds", "cold", "scale"])]
    life: bool,
    /// Measure how fast packets cross by tunnels instead, beside the bare NIC, on the datapath that is decided for
    /// members: TESTKIT_DATAPATH chooses another.
    #[arg(long, conflicts_with_all = ["cold", "scale", "life"])]
    traffic: bool,
    /// With --scale: so many cells in one run.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16], requires = "scale", conflicts_with_all = OTHER_THAN_SCALE)]
    cells: Vec<usize>,
    /// With --scale: clusters of so many members.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 5, 9], requires = "scale", conflicts_with_all = OTHER_THAN_SCALE)]
    members: Vec<usize>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Measures and prints.
pub(super) async fn run(config: &Config, catalogue: &Catalogue, args: &BenchArgs) -> Result<ExitCode, Failure> {
    if args.traffic {
        let packets = packets::measure(config, catalogue, usize::from(args.rounds)).await?;
        packets.paper().publish(&packets, args.format, &config.root.join("target"), "bench-traffic")?;
        return Ok(ExitCode::SUCCESS);
    }
    let cold = if args.cold { Some(Cold::measure(config)?) } else { None };
    let site = open(config).await?;
    let suites = Suites::new(&site, catalogue).await?;
    if args.scale {
        let scale = scale::measure(&site, catalogue, &suites, (&args.cells, &args.members)).await?;
        scale.paper().publish(&scale, args.format, &config.root.join("target"), "bench-scale")?;
    } else if args.life {
        let life = life::measure(&site, &suites).await?;
        life.paper().publish(&life, args.format, &config.root.join("target"), "bench-life")?;
    } else {
        let measured = Measured::take(&site, catalogue, &suites, usize::from(args.rounds), cold).await?;
        measured.paper().publish(&measured.told(), args.format, &config.root.join("target"), "bench")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// LXD, and a run that a reaper watches.
pub(super) async fn open(config: &Config) -> Result<Site, Failure> {
    let run = Run::start(config).await.map_err(Failure::usage)?;
    let site = Site::open(config.clone(), run, &testkit_command()?).await.map_err(Failure::usage)?;
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
        for bad in [
            &["--cells", "1"][..],
            &["--members", "1"],
            &["--scale", "--rounds", "2"],
            &["--rounds", "0"],
            &["--life", "--scale"],
            &["--traffic", "--cold"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
