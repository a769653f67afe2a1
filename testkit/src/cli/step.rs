//! Steps that are taken by hand on a cluster that is up.

use std::path::Path;
use std::process::ExitCode;

use super::cells::{Cells, nearest};
use super::clusters::need_kept;
use super::output::{complain, say, show};
use super::watch::{LOOK, Watch};
use super::{Catalogue, Failure, explain};
use crate::cluster::{self, Manifest, Reached, Site, Stopped};
use crate::config::Config;
use crate::expect;
use crate::journey::{Journey, Station, Step};
use crate::plan::State;
use crate::session::Run;

/// What to do.
#[derive(Debug, clap::Args)]
pub(super) struct StepArgs {
    /// The cell or the journey whose cluster is up.
    suite: String,
    /// The steps, one after the other, by their words: restart_switch_1. Those that are possible are shown when none is given.
    steps: Vec<String>,
}

/// Takes steps on a cluster that is up, and judges it after each by what must be so then.
pub(super) async fn step(config: Config, catalogue: &Catalogue, args: &StepArgs) -> Result<ExitCode, Failure> {
    let name = args.suite.as_str();
    let kept = need_kept(&config, catalogue, name)?;
    if args.steps.is_empty() {
        return show(&explain::steps_possible(catalogue, &kept.plan.state));
    }
    let journey = Cells::of(catalogue)?.find_journey(name);
    let stations = plan(catalogue, journey, &kept, &args.steps)?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let exe = std::env::current_exe().map_err(Failure::usage)?;
    let site = Site::open(config, run, &exe).await.map_err(Failure::usage)?;
    let mut manifest = cluster::reuse(&site, name).await.map_err(Failure::cluster)?.ok_or_else(|| {
        Failure::Usage(format!("the members of {name} are gone; `testkit down {name}` clears what is left of it"))
    })?;
    for station in stations {
        let test = station.test();
        let taken = take(&site, &manifest, station, &dir).await;
        let reached = match taken {
            Ok(reached) => reached,
            Err(stopped) => {
                complain!("{}\nevidence: {}", stopped.why, dir.display());
                return Err(Failure::Checks);
            }
        };
        let before = manifest.observation.clone();
        manifest = manifest.at(&reached);
        cluster::update(&site.config, &manifest).map_err(Failure::usage)?;
        if let Some(told) = not_as_wanted(&reached, &before) {
            complain!("{test} is not as it must be:\n{told}\nevidence: {}", dir.display());
            return Err(Failure::Checks);
        }
        let checks = expect::applicable(&reached.station.state).count();
        say!("{test}: {checks} checks passed, settled in {:.1} s", reached.settled.ms as f64 / 1000.0);
    }
    Ok(ExitCode::SUCCESS)
}

/// Every station, before anything is touched.
fn plan(
    catalogue: &Catalogue,
    journey: Option<&Journey>,
    kept: &Manifest,
    words: &[String],
) -> Result<Vec<Station>, Failure> {
    let mut state = kept.plan.state.clone();
    let mut stations = Vec::new();
    for (number, words) in (kept.steps.len() + 1..).zip(words) {
        let step = find(catalogue, journey, &state, words)?;
        let station = Station::after(number, step.as_ref(), &state);
        let station = station.map_err(|why| {
            Failure::Usage(format!("{words} is impossible: {why}\n  the state it would be taken from: {state}"))
        })?;
        state = station.state.clone();
        stations.push(station);
    }
    Ok(stations)
}

/// The step of these words: one that is possible, or one of the journey.
fn find(
    catalogue: &Catalogue,
    journey: Option<&Journey>,
    state: &State,
    words: &str,
) -> Result<Box<dyn Step>, Failure> {
    let possible = || catalogue.steps.iter().flat_map(|kind| (kind.possible)(state));
    let found = possible().find(|step| step.words() == words);
    found.or_else(|| journey?.find_step(words)).ok_or_else(|| {
        let all: Vec<String> = possible().map(|step| step.words()).collect();
        let near = nearest(words, all.iter().map(String::as_str));
        Failure::Usage(format!("no step {words:?} is possible; of those that are, {near}\n  the state: {state}"))
    })
}

/// Takes one step and shows how far it is meanwhile.
async fn take(site: &Site, manifest: &Manifest, station: Station, dir: &Path) -> Result<Reached, Box<Stopped>> {
    let mut watch = Watch::new([manifest.plan.cell.as_str()]);
    let taking = cluster::step(site, manifest, station, dir);
    tokio::pin!(taking);
    let mut looks = tokio::time::interval(LOOK);
    let taken = loop {
        tokio::select! {
            taken = &mut taking => break taken,
            _ = looks.tick() => watch.look(site.run.dir()),
        }
    };
    watch.end();
    taken
}

/// Each difference between what must be so and what was seen, by the check that finds it; `None` where there is none.
fn not_as_wanted(reached: &Reached, before: &expect::Observation) -> Option<String> {
    let red = expect::unsatisfied(&reached.station.state, &reached.observation, Some(before));
    let red = red.into_iter().map(|(_, verdict)| verdict.to_string());
    let watched = reached.watched.iter().filter_map(|it| Some(format!("{}: {}", it.watch, it.differs()?)));
    let told: Vec<String> = red.chain(watched).map(|text| format!("  {}", text.replace('\n', "\n  "))).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}
