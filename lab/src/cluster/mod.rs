//! An LXD cluster on one machine: several daemons, each in a mount and a network namespace of its own, joined by tokens. The
//! framework is tried on it as a person would, one of the daemons is killed in the midst of a run, and nothing is left.
//!
//! Root's alone, because of the namespaces. What a cluster of real hosts does otherwise is that its members are faster together
//! than one: here they share the processors, so nothing is measured.

mod ended;
mod member;
mod ring;
mod tried;

use std::process::ExitCode;

use serde::Serialize;
use testkit::cli::{Failure, Format, lines};
use testkit::config::Config;
use testkit::image::{self, Interrupted, Progress};

use crate::paper::{Paper, table};
use crate::{leftovers, testkit_command};
use ring::Ring;
use tried::Trials;

/// How to try the framework on an LXD cluster.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArgs {
    /// How many members it has; with fewer than three, the others stop when one is killed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=9))]
    members: u8,
    /// The tier in the midst of which a member is killed.
    #[arg(long, default_value = "pairwise")]
    tier: String,
    /// How many cells of it are run at once on each member; they share the processors of this machine.
    #[arg(long, default_value_t = 1)]
    turns: u8,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
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
pub(super) async fn cluster(config: &Config, args: ClusterArgs) -> Result<ExitCode, Failure> {
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
    let config = config.clone();
    let target = config.root.join("target");
    let format = args.format;
    let tried = tokio::task::spawn_blocking(move || {
        let steps = try_all(&config, &testkit, &args, &interrupted, &mut lines());
        (steps, interrupted.is_set())
    });
    let (steps, interrupted) = tried.await.map_err(Failure::usage)?;
    let steps = steps?;
    if interrupted {
        return Err(Failure::Provisioning("interrupted; nothing of the cluster is left".to_owned()));
    }
    show(&steps, format, &target)
}

fn try_all(
    config: &Config,
    testkit: &std::path::Path,
    args: &ClusterArgs,
    interrupted: &Interrupted,
    progress: &mut Progress<'_>,
) -> Result<Vec<Step>, Failure> {
    let mut ring = Ring::make(usize::from(args.members)).map_err(Failure::usage)?;
    let (name, folder) = (ring.name(), ring.folder().to_owned());
    let mut trials = Trials::new(config, testkit, args, interrupted, progress);
    trials.all(&mut ring);
    let mut steps = trials.steps;
    let logs = ring.keep_logs(&config.root.join("target/lab"), steps.iter().any(|step| step.wrong.is_some()));
    drop(ring);
    let left = leftovers::of(&name, &folder);
    let wrong = (!left.is_empty()).then(|| format!("of the cluster is left: {}", left.join(", ")));
    steps.push(Step { name: "nothing is left".to_owned(), seconds: 0.0, wrong, told: logs.unwrap_or_default() });
    Ok(steps)
}

fn show(steps: &[Step], format: Format, target: &std::path::Path) -> Result<ExitCode, Failure> {
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
