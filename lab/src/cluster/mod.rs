//! An LXD cluster on one machine: several daemons, each in a mount and a network namespace of its own, joined by tokens. The
//! framework is tried on it as a person would, one of the daemons is killed in the midst of a run, and nothing is left.
//!
//! Root's alone, because of the namespaces. What a cluster of real hosts does otherwise is that its members are faster together
//! than one: here they share the processors, so what is measured is what it costs to place.

mod ended;
mod measured;
mod member;
mod person;
mod ring;
mod tried;
mod waited;

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use testkit::cli::{Catalogue, Failure, Format, lines};
use testkit::config::Config;
use testkit::image::{self, Interrupted, Progress};
use testkit::matrix::{Tier, UnknownTier};

use crate::paper::{Paper, table};
use crate::{leftovers, testkit_command};
use person::Person;
use ring::Ring;
use tried::Trials;

/// How to try the framework on an LXD cluster.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArgs {
    /// How many members it has; with fewer than three, the others stop when one is killed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=9))]
    members: u8,
    /// The tier that is run wholly beside the core, and once more while a member is killed.
    #[arg(long, default_value = "pairwise", value_parser = tier)]
    tier: String,
    /// Kill so many runs on it instead, at random moments and in every way, and then as many of cells over all members.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    kills: Option<u16>,
    /// Measure so many cells on one, two and three members instead, with as many at once on all of them together.
    #[arg(long, value_name = "CELLS", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "kills")]
    bench: Option<u16>,
    /// How many cells of it are run at once on each member; they share the processors of this machine.
    #[arg(long, default_value_t = 1)]
    turns: u8,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// The name of a tier, which nobody is to find wrong when the cluster is formed.
fn tier(name: &str) -> Result<String, UnknownTier> {
    // That of all journeys is none of cells.
    if name == "life" { Ok(name.to_owned()) } else { name.parse().map(|tier: Tier| tier.to_string()) }
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    seconds: f64,
    /// What is wrong with it; absent where it went as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
    /// What is worth telling.
    #[serde(skip_serializing_if = "String::is_empty")]
    told: String,
}

/// Forms the cluster, and shows what came of everything that was tried on it.
pub(super) async fn cluster(config: &Config, catalogue: &Catalogue, args: ClusterArgs) -> Result<ExitCode, Failure> {
    if !rustix::process::geteuid().is_root() {
        let said = "an LXD cluster on one machine takes namespaces, which only root makes: `sudo make check-cluster`";
        return Err(Failure::Usage(said.to_owned()));
    }
    for program in ["lxd", "lxc", "nsenter", "unshare", "ip"] {
        which::which(program)
            .map_err(|_| Failure::Usage(format!("{program} is not installed; `make setup` installs it")))?;
    }
    if which::which("lxd").ok().and_then(|lxd| lxd.canonicalize().ok()).is_some_and(|lxd| lxd.ends_with("snap")) {
        return Err(Failure::Usage(
            "LXD is a snap here, and of a snap there is one daemon; use the distribution's".to_owned(),
        ));
    }
    let testkit = testkit_command()?;
    // Interrupted, the programs end, and it is cleared up after.
    let interrupted = image::end_programs_on_signals().map_err(Failure::usage)?;
    let cells = args.bench.map(|count| measured::cells(catalogue, count)).transpose()?;
    let config = config.clone();
    let target = config.root.join("target");
    let format = args.format;
    let tried = tokio::task::spawn_blocking(move || {
        let came = match cells {
            Some(cells) => measure(&config, &testkit, &cells, &interrupted, &mut lines()).map(Came::Measured),
            None => try_all(&config, &testkit, &args, &interrupted, &mut lines()).map(Came::Tried),
        };
        (came, interrupted.is_set())
    });
    let (came, interrupted) = tried.await.map_err(Failure::usage)?;
    let came = came?;
    if interrupted {
        // The last that is looked at is whether anything is left.
        let left = match &came {
            Came::Tried(steps) => steps.last().and_then(|step| step.wrong.clone()),
            Came::Measured(_) => None,
        };
        let left = left.unwrap_or_else(|| "nothing of the cluster is left".to_owned());
        return Err(Failure::Provisioning(format!("interrupted; {left}")));
    }
    match came {
        Came::Tried(steps) => show(&steps, format, &target),
        Came::Measured(measured) => {
            measured.paper().publish(&measured, format, &target, "bench-cluster")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What came of it.
enum Came {
    Tried(Vec<Step>),
    Measured(measured::Measured),
}

/// Measures the cells on clusters of one member and more, each formed anew.
fn measure(
    config: &Config,
    testkit: &Path,
    cells: &[String],
    interrupted: &Interrupted,
    progress: &mut Progress<'_>,
) -> Result<measured::Measured, Failure> {
    let mut rows = Vec::new();
    for (members, turns) in measured::SIZES {
        let mut ring = Ring::make(members).map_err(Failure::usage)?;
        let (name, folder) = (ring.name(), ring.folder().to_owned());
        let person = Person { testkit, root: &config.root, turns, interrupted };
        let row = measured::measure(&person, &mut ring, cells, progress);
        ring.keep_logs(&config.root.join("target/lab"), row.is_err());
        drop(ring);
        let left = leftovers::of(&name, &folder);
        if !left.is_empty() {
            return Err(Failure::Provisioning(format!("of the cluster is left: {}", left.join(", "))));
        }
        rows.push(row.map_err(Failure::Provisioning)?);
    }
    Ok(measured::Measured { cells: cells.to_vec(), rows })
}

fn try_all(
    config: &Config,
    testkit: &Path,
    args: &ClusterArgs,
    interrupted: &Interrupted,
    progress: &mut Progress<'_>,
) -> Result<Vec<Step>, Failure> {
    let mut ring = Ring::make(usize::from(args.members)).map_err(Failure::usage)?;
    let (name, folder) = (ring.name(), ring.folder().to_owned());
    let person = Person { testkit, root: &config.root, turns: usize::from(args.turns), interrupted };
    let mut trials = Trials::new(person, progress);
    match args.kills {
        Some(kills) => trials.storms(&mut ring, kills),
        None => trials.all(&mut ring, &args.tier),
    }
    let mut steps = trials.steps;
    let logs = ring.keep_logs(&config.root.join("target/lab"), steps.iter().any(|step| step.wrong.is_some()));
    drop(ring);
    let left = leftovers::of(&name, &folder);
    let wrong = (!left.is_empty()).then(|| format!("of the cluster is left: {}", left.join(", ")));
    steps.push(Step { name: "nothing is left".to_owned(), seconds: 0.0, wrong, told: logs.unwrap_or_default() });
    Ok(steps)
}

fn show(steps: &[Step], format: Format, target: &Path) -> Result<ExitCode, Failure> {
    let mut paper = Paper::default();
    let mut all = table(&["tried".to_owned(), "came of it".to_owned(), "seconds".to_owned()], 2);
    for step in steps {
        let came = match &step.wrong {
            Some(wrong) => format!("WRONG: {wrong}"),
            None if step.told.is_empty() => "good".to_owned(),
            None => format!("good: {}", step.told),
        };
        all.add_row([step.name.clone(), came, format!("{:.0}", step.seconds)]);
    }
    paper.table(all);
    paper.publish(&steps, format, target, "cluster")?;
    let good = steps.iter().all(|step| step.wrong.is_none());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
