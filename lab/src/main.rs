//! The `lab` command: what tries the framework itself, with the suites that there are. See ARCHITECTURE.md.
//!
//! Runs are started as a person starts them, by `testkit` and cargo, so that nothing here is relied on by what is tried.

mod bench;
mod cluster;
mod compare;
// The corpus is the library's, whose tests read it too.
#[path = "../../testkit/tests/bad_input_corpus/entry.rs"]
#[expect(dead_code, reason = "no reader here is told anything besides the input")]
mod entry;
mod faults;
mod folder;
mod host;
mod incus;
mod leftovers;
mod paper;
mod scale;
#[path = "../../testkit/tests/bad_input_corpus/seeds.rs"]
mod seeds;
mod storm;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use testkit::cli::{self, Failure};
use testkit::config::{Config, Layer};
use testkit::fuzzing::TARGETS;

/// What tries the framework itself. What it finds is also kept in the folder `lab` below the target folder, as JSON and as
/// Markdown.
///
/// Settings come from the environment, then testkit.toml at the workspace root, then defaults.
/// Exit codes: 0 good, 1 not as it should be, 2 usage or environment, 3 provisioning failed.
#[derive(Debug, Parser)]
#[command(name = "lab", version, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the suites and show where the time went.
    Bench(bench::BenchArgs),
    /// Form an LXD cluster of several daemons on this machine, try the framework on it, also while one of them is away, and
    /// leave nothing.
    Cluster(cluster::ClusterArgs),
    /// Run the core suites here and by a shell script that takes every step by hand, and show the ratio.
    Compare(compare::CompareArgs),
    /// Try every fault that the stand-in can play, and show which checks find it.
    Faults(faults::FaultsArgs),
    /// Boot a host like a contributor's as a process, with AppArmor and a managed LXD, and try the framework in it as an
    /// ordinary user.
    Host(host::HostArgs),
    /// Start an Incus beside whatever is on this host, and run setup, images and the core suites on it; needs root.
    Incus(incus::IncusArgs),
    /// Reckon how long many suites would take on the members of an LXD cluster, without one.
    Scale(scale::ScaleArgs),
    /// Kill runs at random moments in every way, and look whether anything of them stays.
    Storm(storm::StormArgs),
    /// Write what the fuzz targets start from, a folder for each.
    Seeds {
        /// The folder for them.
        folder: PathBuf,
    },
    /// Form one cluster and judge it, or play one journey, and print the outcome as JSON.
    #[command(hide = true)]
    Trial {
        /// The cell or the journey.
        name: String,
        /// Another number of members than the cell has.
        #[arg(long)]
        members: Option<usize>,
        /// The last station of a journey to be played.
        #[arg(long, value_name = "STATION")]
        until: Option<String>,
    },
    /// What runs in the host of `host`, as its root.
    #[command(hide = true)]
    HostInside { share: PathBuf },
    /// What runs in the namespaces of `incus`, as their first process.
    #[command(hide = true)]
    IncusInside { folder: PathBuf },
    /// Set the host's clock by so many seconds, until the input ends.
    #[command(hide = true)]
    Jump {
        #[arg(long, allow_negative_numbers = true)]
        by: i64,
    },
}

fn main() -> ExitCode {
    let Args { command } = Args::parse();
    cli::run(dispatch(command))
}

async fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    let config = || Config::resolve(Layer::default()).map_err(Failure::usage);
    let catalogue = suites::catalogue();
    match command {
        Command::Bench(args) => bench::run(&config()?, &catalogue, &args).await,
        Command::Cluster(args) => cluster::cluster(&config()?, &catalogue, args).await,
        Command::Compare(args) => compare::compare(&config()?, &catalogue, &args).await,
        Command::Faults(args) => faults::faults(&config()?, &catalogue, &args).await,
        Command::Host(args) => host::host(&config()?, &catalogue, args).await,
        Command::HostInside { share } => host::inside(&share).map(|()| ExitCode::SUCCESS).map_err(Failure::usage),
        Command::Incus(args) => incus::incus(&config()?, args).await,
        Command::IncusInside { folder } => incus::inside(&folder).map_err(Failure::usage),
        Command::Scale(args) => scale::scale(&config()?, &catalogue, &args),
        Command::Storm(args) => storm::storm(&config()?, &args).await,
        Command::Seeds { folder } => write_seeds(&folder),
        Command::Trial { name, members, until } => {
            trial::trial(config()?, &catalogue, &name, members, until.as_deref()).await
        }
        Command::Jump { by } => storm::jump(by).await,
    }
}

/// Writes the seeds of every target into a folder of its name.
fn write_seeds(folder: &Path) -> Result<ExitCode, Failure> {
    let failed = |path: &Path, error| Failure::Usage(format!("failed to write {}: {error}", path.display()));
    for target in &TARGETS {
        let folder = folder.join(target.0);
        std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        for (name, bytes) in seeds::seeds(target) {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The `testkit` command, which is built beside this one.
///
/// # Errors
/// When it is not there.
fn testkit_command() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe().map_err(Failure::usage)?.with_file_name("testkit");
    if path.is_file() {
        return Ok(path);
    }
    let said = format!("there is no command {}; build it: cargo build --workspace --bin testkit", path.display());
    Err(Failure::Usage(said))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
