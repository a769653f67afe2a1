//! Forming a cluster and leaving it up.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::cells::Cells;
use super::watch::{LOOK, Watch};
use super::{Catalogue, Failure, closing};
use crate::cluster::{self, ClusterError, Manifest, Order, Site};
use crate::config::Config;
use crate::expect;
use crate::plan::Variant;
use crate::record;
use crate::session::Run;

/// What to form.
#[derive(Debug, clap::Args)]
pub(super) struct UpArgs {
    /// The cell: init_cluster_ipv6.
    cell: String,
    /// How many members it gets, instead of those of the cell. From the fourth on they have no databases.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    members: Option<u8>,
    /// Leave what there is also when it cannot be formed, or is interrupted.
    #[arg(long)]
    keep: bool,
}

/// Forms the cluster of a cell and leaves it up.
pub(super) async fn up(config: Config, catalogue: &Catalogue, args: &UpArgs) -> Result<ExitCode, Failure> {
    let name = args.cell.as_str();
    let cell = Cells::of(catalogue)?.find(name)?;
    if cluster::kept(&config, name).map_err(Failure::usage)?.is_some() {
        return Err(Failure::Usage(format!("{name} is up already; remove it with `testkit down {name}`")));
    }
    cluster::check_given_snaps(&config, &mut super::host::lines()).map_err(Failure::cluster)?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config, run, &exe).await.map_err(Failure::usage)?;
    let started = Instant::now();
    let variant = Variant { members: args.members.map(usize::from), ..Variant::default() };
    let order = Order { cell: &cell, options: catalogue.options, variant: &variant };
    let manifest = match form(&site, order, &dir).await {
        Formed::Up(manifest) => manifest,
        Formed::Failed(error) => {
            let message = match Failure::cluster(error) {
                Failure::Provisioning(message) => message,
                failure => return Err(failure),
            };
            let kept = half_up(&site, args, &dir, &message).await?;
            return Err(Failure::Provisioning(format!("{message}\n  evidence: {}{kept}", dir.display())));
        }
        Formed::Interrupted => {
            let kept = half_up(&site, args, &dir, "interrupted").await?;
            // The reaper clears what is not kept.
            let what = if kept.is_empty() { "; removing what was made" } else { "" };
            return Err(Failure::Provisioning(format!("interrupted{what}{kept}")));
        }
    };
    println!("{}", closing::stages(&record::stages(&dir, Some(&manifest.plan)).unwrap_or_default()));
    println!("{name} is up after {:.1} s, product {}", started.elapsed().as_secs_f64(), manifest.product);
    // What is wrong is the last thing said, below how to look at it.
    println!("{}", cluster::keep(&site, &manifest).await.map_err(Failure::provisioning)?);
    match not_as_planned(&manifest) {
        None => Ok(ExitCode::SUCCESS),
        Some(differences) => {
            eprintln!("{name} is not as planned:\n{differences}");
            Err(Failure::Checks)
        }
    }
}

/// Each difference between the plan and what was seen last, by the check that finds it; `None` where there is none.
fn not_as_planned(manifest: &Manifest) -> Option<String> {
    let unsatisfied = expect::unsatisfied(&manifest.plan.state, &manifest.observation, None);
    let said = unsatisfied.into_iter().map(|(_, verdict)| format!("  {}", verdict.to_string().replace('\n', "\n  ")));
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

/// How the forming ended.
enum Formed {
    Up(Box<Manifest>),
    Failed(ClusterError),
    Interrupted,
}

/// Forms the cluster and shows how far it is meanwhile.
async fn form(site: &Site, order: Order<'_>, dir: &Path) -> Formed {
    let mut watch = Watch::new([order.cell.id().as_str()]);
    let forming = cluster::provision(site, order, dir);
    tokio::pin!(forming);
    let mut looks = tokio::time::interval(LOOK);
    let formed = loop {
        tokio::select! {
            formed = &mut forming => break formed.map_or_else(Formed::Failed, |manifest| Formed::Up(Box::new(manifest))),
            _ = tokio::signal::ctrl_c() => break Formed::Interrupted,
            _ = looks.tick() => watch.look(site.run.dir()),
        }
    };
    watch.end();
    formed
}

/// Keeps what there is of a cluster that is not up, where that was asked for, and says so.
async fn half_up(site: &Site, args: &UpArgs, dir: &Path, problem: &str) -> Result<String, Failure> {
    if !args.keep {
        return Ok(String::new());
    }
    match cluster::keep_unformed(site, dir, problem).await.map_err(Failure::provisioning)? {
        Some(how) => Ok(format!("\n  half up, and {how}")),
        None => Ok("\n  no member was made that could be kept".to_owned()),
    }
}
