//! A host like a contributor's, as a process: Debian with systemd, AppArmor and a managed LXD under User-Mode Linux, in which
//! an ordinary user does what a person would do.
//!
//! What such a host does otherwise than one without AppArmor and systemd shows nowhere else. It needs no network: packages
//! are fetched when its disk is made, everything else is brought in.

mod disk;
mod inside;
mod kernel;
mod machine;
mod order;
mod registers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use testkit::cli::{Catalogue, Cells, Failure, Format, lines};
use testkit::config::Config;
use testkit::image::{self, Cache, Workspace};
use testkit::written;

use crate::folder::LAB;
use crate::leftovers;
use crate::paper::{Paper, table};
use crate::testkit_command;
pub(crate) use inside::inside;
use kernel::Kernel;
use machine::Machine;
use order::{ORDER, Order, REPORT, Report, Wanted};

/// How to run the host.
#[derive(Debug, clap::Args)]
pub(super) struct HostArgs {
    /// The host's memory in MiB.
    #[arg(long, default_value_t = 4096, value_name = "MIB", value_parser = clap::value_parser!(u32).range(2048..))]
    memory: u32,
    /// Send packets in the clusters that are formed in it, by the kernel's datapath; for that a kernel is built which has all that
    /// OVN's flows take.
    #[arg(long)]
    traffic: bool,
    /// A cell or a journey to be tried in it besides; may be repeated. With `--traffic` it has the kernel's datapath, and a journey sends
    /// such packets as are its own.
    #[arg(long = "trial", value_name = "NAME")]
    trials: Vec<String>,
    /// How long everything may take, in minutes.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: u64,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Boots the host, and shows what came of everything that was tried in it.
pub(super) async fn host(config: &Config, catalogue: &Catalogue, args: HostArgs) -> Result<ExitCode, Failure> {
    let trials = args.trials.iter().map(|name| wanted(catalogue, name)).collect::<Result<Vec<_>, _>>()?;
    let recipe = Recipe::read(&config.root.join("lab/host"))?;
    let packaged = kernel::packaged().map_err(Failure::Usage)?;
    if let Some(missing) = kernel::missing(&recipe.kernel).filter(|_| args.traffic) {
        return Err(Failure::Usage(missing));
    }
    // Interrupted, it is ended as it ends of itself, and cleared up after.
    let interrupted = image::end_programs_on_signals().map_err(Failure::usage)?;
    let (config, order) = (config.clone(), order(config, args.traffic, trials)?);
    let tried = tokio::task::spawn_blocking(move || try_in(&config, &recipe, packaged, order, &args)).await;
    let (tried, args) = tried.map_err(Failure::usage)?;
    if interrupted.is_set() {
        return Err(Failure::Provisioning("interrupted; nothing of the host is left".to_owned()));
    }
    let (report, target) = tried?;
    show(&report, args, &target)
}

type Tried = Result<(Report, PathBuf), Failure>;

fn try_in(config: &Config, recipe: &Recipe, packaged: Kernel, mut order: Order, args: &HostArgs) -> (Tried, Format) {
    let mut progress = lines();
    let tried = || -> Tried {
        // What nodes are made of is made here where it is missing, so that nothing is compiled or fetched inside.
        let cache = Cache::open(&config.cache_dir).map_err(Failure::provisioning)?;
        let workspace = Workspace::new(&config.root);
        let release = image::choose_release(&workspace, &cache, config.stand_in).map_err(Failure::usage)?;
        image::build_snaps(&workspace, &cache, release, &mut progress).map_err(Failure::provisioning)?;
        image::build_node(&workspace, &cache, &mut progress).map_err(Failure::provisioning)?;
        drop(cache);
        let recipes = config.root.join("lab/host");
        let cache = Cache::open(&config.cache_dir.join(LAB)).map_err(Failure::provisioning)?;
        let kernel = if args.traffic {
            kernel::built(&recipe.kernel, &recipes.join("kernel.config"), &packaged, &cache, &mut progress)
                .map_err(Failure::provisioning)?
        } else {
            packaged
        };
        let disk = disk::ensure(&recipe.disk, &recipes.join("files"), &kernel, &cache, &mut progress);
        let disk = disk.map_err(Failure::provisioning)?;
        drop(cache);
        order.artifacts = names(&config.cache_dir, &["tmp", "lock", "golden.lock", LAB])?;

        let folder = machine::folder().map_err(Failure::usage)?;
        let (name, path, share) = (folder.name(), folder.path().to_owned(), machine::share(&folder));
        let written = serde_json::to_vec_pretty(&order).map_err(Failure::usage)?;
        fs::write(share.join(ORDER), written).map_err(Failure::usage)?;
        let own = std::env::current_exe().map_err(Failure::usage)?;
        fs::copy(own, share.join("lab")).map_err(Failure::usage)?;
        let preload = registers::preload(&recipes, &path).map_err(Failure::provisioning)?;
        progress("booting the host");
        let patience = Duration::from_secs(args.minutes * 60);
        let machine = Machine { kernel: &kernel, preload: preload.as_deref(), disk: &disk, memory_mib: args.memory };
        let (console, ended) = machine::run(&folder, &machine, patience, &mut progress);
        let panic = machine::panic_in(&console);
        let console = keep(&config.root.join("target"), &share, &console)?;
        let report = fs::read(share.join(REPORT)).ok().and_then(|json| serde_json::from_slice(&json).ok());
        drop(folder);
        let left = leftovers::of(&name, &path);
        if !left.is_empty() {
            return Err(Failure::Provisioning(format!("of the host is left: {}", left.join(", "))));
        }
        if let Some(panic) = panic {
            let console = console.display();
            return Err(Failure::Provisioning(format!(
                "the host's kernel panicked: {panic}; its console is in {console}"
            )));
        }
        ended.map_err(|error| {
            Failure::Provisioning(format!("{error}; the host's console is in {}", console.display()))
        })?;
        let report: Report = report.ok_or_else(|| {
            Failure::Provisioning(format!(
                "the host powered off without a report; its console is in {}",
                console.display()
            ))
        })?;
        Ok((report, config.root.join("target")))
    };
    (tried(), args.format)
}

/// What the host is made of: `lab/host/host.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    disk: disk::Recipe,
    kernel: kernel::Recipe,
}

impl Recipe {
    fn read(folder: &Path) -> Result<Self, Failure> {
        written::parse(&folder.join("host.toml")).map_err(Failure::usage)
    }
}

/// What of that name there is to be tried.
fn wanted(catalogue: &Catalogue, name: &str) -> Result<Wanted, Failure> {
    let journey = catalogue.journeys.iter().any(|journey| journey.name == name);
    if !journey {
        Cells::of(catalogue)?.find(name)?;
    }
    Ok(Wanted { name: name.to_owned(), journey })
}

/// What the host is to bring over, and to try.
fn order(config: &Config, traffic: bool, trials: Vec<Wanted>) -> Result<Order, Failure> {
    let commands = testkit_command()?.parent().map(Path::to_owned).unwrap_or_default();
    let nextest = which::which("cargo-nextest")
        .map_err(|_| Failure::Usage("cargo-nextest is not installed; `make setup` installs it".to_owned()))?;
    Ok(Order {
        entries: names(&config.root, &[".git", "target"])?,
        workspace: config.root.clone(),
        commands,
        nextest,
        cache: config.cache_dir.clone(),
        artifacts: Vec::new(),
        traffic,
        trials,
    })
}

/// The names in a folder but for those `without`.
fn names(folder: &Path, without: &[&str]) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::Usage(format!("failed to list {}: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !without.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Keeps the host's console and its kernel's log beside what was found; the path of the console.
fn keep(target: &Path, share: &Path, console: &str) -> Result<PathBuf, Failure> {
    let folder = target.join("lab");
    fs::create_dir_all(&folder).map_err(Failure::usage)?;
    let path = folder.join("host-console.log");
    fs::write(&path, console).map_err(Failure::usage)?;
    // It is there where it came to that.
    let _ = fs::copy(share.join("kernel.log"), folder.join("host-kernel.log"));
    Ok(path)
}

fn show(report: &Report, format: Format, target: &Path) -> Result<ExitCode, Failure> {
    let mut paper = Paper::default();
    paper.text(format!("The host booted in {:.0} s, and systemd says: {}.", report.booted_seconds, report.system));
    let mut steps = table(&["tried".to_owned(), "came of it".to_owned(), "seconds".to_owned()], 2);
    for step in &report.steps {
        let came = if step.passed { "good".to_owned() } else { step.said.clone() };
        steps.add_row([step.name.clone(), came, format!("{:.0}", step.seconds)]);
    }
    paper.table(steps);
    paper.publish(report, format, target, "host")?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
