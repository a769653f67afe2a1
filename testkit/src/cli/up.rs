//! Forming a cluster, or playing a journey, and leaving the cluster up.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::cells::Cells;
use super::output::{complain, say};
use super::place::told as told_of;
use super::suites::{Suite, station_of, step_of};
use super::watch::{LOOK, Watch};
use super::{Catalogue, Failure, closing, host};
use crate::cluster::{self, ClusterError, Ended, Manifest, Order, Reached, Route, Site};
use crate::config::Config;
use crate::expect;
use crate::journey::Journey;
use crate::plan::Variant;
use crate::record;
use crate::session::Run;

/// What to form.
#[derive(Debug, clap::Args)]
pub(super) struct UpArgs {
    /// The cell, or the journey: init_cluster_ipv6.
    suite: String,
    /// How many members a cell gets, instead of its own. From the fourth on they have no databases.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    members: Option<u8>,
    /// From which cell the journey starts, instead of its own.
    #[arg(long, value_name = "CELL")]
    on: Option<String>,
    /// Play the journey to this station and no further: its number, or its words.
    #[arg(long, value_name = "STATION", conflicts_with = "pause_before")]
    until: Option<String>,
    /// Play the journey until before this step: its number, or its words.
    #[arg(long, value_name = "STEP")]
    pause_before: Option<String>,
    /// Have its members on different members of the LXD cluster.
    #[arg(long)]
    spread: bool,
    /// Leave what there is also when it cannot be formed, or is interrupted.
    #[arg(long, visible_alias = "pause-on-failure")]
    keep: bool,
}

/// Forms the cluster of a cell, or plays a journey, and leaves the cluster up.
pub(super) async fn up(mut config: Config, catalogue: &Catalogue, args: &UpArgs) -> Result<ExitCode, Failure> {
    config.spread |= args.spread;
    let name = args.suite.as_str();
    let cells = Cells::of(catalogue)?;
    let suite = cells.one(name, cells.start(args.on.as_deref(), &config, std::slice::from_ref(&args.suite)))?;
    let until = until(&suite, args, config.pause_before.as_deref())?;
    if super::clusters::kept(&config, name)?.is_some() {
        return Err(Failure::Usage(format!("{name} is up already; remove it with `testkit down {name}`")));
    }
    let microcloud = suite.plan.formation.is_microcloud();
    cluster::check_given_snaps(&config, microcloud, &mut host::lines()).await.map_err(Failure::cluster)?;
    host::require_whole(&config).await?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config, run, &exe).await.map_err(Failure::usage)?;
    if site.config.spread {
        say!("{}", told_of(&cluster::joint(&site.config, &site.client).await.map_err(Failure::cluster)?));
    }
    let started = Instant::now();
    let journey = cells.find_journey(name).filter(|_| suite.stations.is_some());
    let variant = match journey {
        Some(journey) => cluster::variant(journey),
        None => Variant { members: args.members.map(usize::from), ..Variant::default() },
    };
    let order = Order { cell: &suite.cell, options: catalogue.options, variant: &variant };
    let (manifest, ended) = match form(&site, name, order, journey, until, &dir).await {
        Formed::Up(up) => *up,
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
    say!("{}", closing::stages(&record::stages(&dir, Some(&manifest.plan)).unwrap_or_default()));
    let at = manifest.steps.len();
    let station = suite.stations.as_ref().and_then(|all| all.get(at)).map(|it| format!(" at {}", it.test()));
    let station = station.unwrap_or_default();
    say!("{name} is up{station} after {:.1} s, product {}", started.elapsed().as_secs_f64(), manifest.product);
    // What is wrong is the last thing said, below how to look at it.
    let next = suite.stations.as_ref().and_then(|all| all.get(at + 1)).map(|it| it.words.as_str());
    say!("{}", cluster::keep_at(&site, &manifest, next).await.map_err(Failure::provisioning)?);
    let wrong = match ended {
        Ended::Stopped(stopped) => Some(format!("{}{}", stopped.why, differences(&dir, stopped.at)?)),
        Ended::Well => not_as_planned(&manifest).map(|told| format!("{name} is not as planned:\n{told}")),
    };
    match wrong {
        None => Ok(ExitCode::SUCCESS),
        Some(wrong) => {
            complain!("{wrong}\nevidence: {}", dir.display());
            Err(Failure::Checks)
        }
    }
}

/// The last station to play to, where one is named.
fn until(suite: &Suite, args: &UpArgs, set: Option<&str>) -> Result<Option<usize>, Failure> {
    // The settings are for any command, and say nothing of cells.
    let set = set.filter(|_| suite.stations.is_some() && args.until.is_none());
    let pause_before = args.pause_before.as_deref().or(set);
    let asked = args.until.as_deref().or(pause_before);
    match (&suite.stations, asked) {
        (Some(_), _) if args.members.is_some() => {
            Err(Failure::Usage(format!("{} says itself how many members it has; leave out --members", suite.name())))
        }
        (None, Some(_)) => {
            Err(Failure::Usage(format!("{} is a cell, which has no stations; name a journey", suite.name())))
        }
        (_, None) => Ok(None),
        (Some(stations), Some(text)) => {
            if pause_before.is_some() {
                return Ok(step_of(suite.name(), stations, text)?.number.checked_sub(1));
            }
            Ok(Some(station_of(suite.name(), stations, text)?.number))
        }
    }
}

/// Each difference between the plan and what was seen last, by the check that finds it; `None` where there is none.
fn not_as_planned(manifest: &Manifest) -> Option<String> {
    let unsatisfied = expect::unsatisfied(&manifest.plan.state, &manifest.observation, None);
    told(unsatisfied.into_iter().map(|(_, verdict)| verdict))
}

/// The same at a station of a journey, where that was reached.
fn differences(dir: &Path, at: usize) -> Result<String, Failure> {
    let find = |number: usize| Reached::find(dir, number).map_err(Failure::usage);
    let Some(reached) = find(at)? else { return Ok(String::new()) };
    let before = at.checked_sub(1).map(find).transpose()?.flatten();
    let unsatisfied = cluster::unsatisfied_at(&reached, before.as_ref());
    Ok(told(unsatisfied.into_iter().map(|(_, verdict)| verdict)).map(|told| format!("\n{told}")).unwrap_or_default())
}

fn told(verdicts: impl Iterator<Item = expect::Verdict>) -> Option<String> {
    let said: Vec<String> =
        verdicts.map(|verdict| format!("  {}", verdict.to_string().replace('\n', "\n  "))).collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

/// How the forming ended.
enum Formed {
    Up(Box<(Manifest, Ended)>),
    Failed(ClusterError),
    Interrupted,
}

/// Forms the cluster, plays the journey if there is one, and shows how far it is meanwhile.
async fn form(
    site: &Site,
    name: &str,
    order: Order<'_>,
    journey: Option<&Journey>,
    until: Option<usize>,
    dir: &Path,
) -> Formed {
    let mut watch = Watch::new([name]);
    let forming = async {
        match journey {
            Some(journey) => cluster::play(site, order, journey, Route { until, on: false }, dir).await,
            None => cluster::provision(site, order, dir).await.map(|manifest| (manifest, Ended::Well)),
        }
    };
    tokio::pin!(forming);
    let mut looks = tokio::time::interval(LOOK);
    let formed = loop {
        tokio::select! {
            formed = &mut forming => break formed.map_or_else(Formed::Failed, |up| Formed::Up(Box::new(up))),
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
