//! One cluster, formed and judged by every check in this process, or one journey, played: what the command that tries faults
//! runs many times.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::testkit_command;
use testkit::cli::{Catalogue, Failure};
use testkit::cli::{Cells, checks, nearest};
use testkit::cluster::{self, Ended, Order, Reached, Route, Site, Stopped};
use testkit::config::Config;
use testkit::expect::Verdict;
use testkit::journey::{Journey, Station};
use testkit::plan::{Plan, Segments, Variant};
use testkit::report::chain;
use testkit::session::Run;

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Trial {
    /// How long it took, in seconds.
    pub(super) seconds: f32,
    /// Why there is no cluster, where there is none; of a journey also why it could not go on.
    pub(super) error: Option<String>,
    /// What every check says of the cluster; of a journey, at the station that it ended at.
    pub(super) verdicts: Vec<Verdict>,
    /// The station that a journey ended at and was not as it must be, or was not reached: `s2_remove_member_3`.
    #[serde(default)]
    pub(super) at: Option<String>,
}

/// Forms the cluster of a cell and judges it, or plays a journey as far as the named station. Prints the outcome as JSON. The
/// reaper removes the cluster.
pub(super) async fn trial(
    config: Config,
    catalogue: &Catalogue,
    name: &str,
    members: Option<usize>,
    until: Option<&str>,
) -> Result<ExitCode, Failure> {
    let journey = catalogue.journeys.iter().find(|journey| journey.name == name);
    // What cannot be tried is refused before anything is touched.
    if journey.is_none() {
        Cells::of(catalogue)?.find(name)?;
    }
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let site = Site::open(config, run, &testkit_command()?).await.map_err(Failure::usage)?;
    let trial = match journey {
        Some(journey) => play(&site, catalogue, journey, until, &dir).await?,
        None => form(&site, catalogue, name, members, &dir).await?,
    };
    println!("{}", serde_json::to_string(&trial).map_err(Failure::usage)?);
    Ok(ExitCode::SUCCESS)
}

async fn form(
    site: &Site,
    catalogue: &Catalogue,
    name: &str,
    members: Option<usize>,
    dir: &Path,
) -> Result<Trial, Failure> {
    let cell = Cells::of(catalogue)?.find(name)?;
    let started = Instant::now();
    let variant = Variant { members, ..Variant::default() };
    let order = Order { cell: &cell, options: catalogue.options, variant: &variant };
    let (error, verdicts) = match cluster::provision(site, order, dir).await {
        Err(error) => (Some(chain(&error)), Vec::new()),
        Ok(mut manifest) => {
            cluster::try_out(&site.client, &mut manifest).await;
            let error = manifest.no_traffic.as_ref().map(|why| format!("there is no traffic: {why}"));
            (error, checks(&manifest.plan).map(|check| check.judge(&manifest)).collect())
        }
    };
    Ok(Trial { seconds: started.elapsed().as_secs_f32(), error, verdicts, at: None })
}

async fn play(
    site: &Site,
    catalogue: &Catalogue,
    journey: &Journey,
    until: Option<&str>,
    dir: &Path,
) -> Result<Trial, Failure> {
    let matrix = (catalogue.matrix)().map_err(Failure::usage)?;
    let cell = matrix.cell(journey.cell).map_err(Failure::usage)?;
    let until = until.map(|station| number(catalogue, journey, station)).transpose()?;
    let variant = cluster::variant(journey);
    let started = Instant::now();
    let order = Order { cell: &cell, options: catalogue.options, variant: &variant };
    let mut trial = match cluster::play(site, order, journey, Route { until, on: false }, dir).await {
        Err(error) => Trial { error: Some(chain(&error)), ..Trial::default() },
        Ok((_, Ended::Well)) => Trial::default(),
        Ok((_, Ended::Stopped(stopped))) => judge(dir, stopped)?,
    };
    trial.seconds = started.elapsed().as_secs_f32();
    Ok(trial)
}

/// The number of a journey's station.
///
/// # Errors
/// When it has none of that name.
pub(super) fn number(catalogue: &Catalogue, journey: &Journey, station: &str) -> Result<usize, Failure> {
    let matrix = (catalogue.matrix)().map_err(Failure::usage)?;
    let cell = matrix.cell(journey.cell).map_err(Failure::usage)?;
    let variant = cluster::variant(journey);
    let plan = Plan::draw_variant(&cell, catalogue.options, Segments::documentation(), &variant);
    let stations = journey.draw(&plan.state).map_err(Failure::usage)?;
    let found = stations.iter().find(|one| one.test() == station);
    let tests: Vec<String> = stations.iter().map(Station::test).collect();
    let name = journey.name;
    let error = || {
        let near = nearest(station, tests.iter().map(String::as_str));
        Failure::Usage(format!("{name} has no station {station:?}; {near}"))
    };
    found.map(|station| station.number).ok_or_else(error)
}

/// Why a journey could not go on, or what the checks say of the station that it ended at, and which that is.
fn judge(dir: &Path, stopped: Stopped) -> Result<Trial, Failure> {
    let at = Some(stopped.station);
    let Some(reached) = Reached::find(dir, stopped.at).map_err(Failure::usage)? else {
        return Ok(Trial { error: Some(stopped.why), at, ..Trial::default() });
    };
    let before = stopped.at.checked_sub(1).map(|number| Reached::find(dir, number)).transpose();
    let before = before.map_err(Failure::usage)?.flatten();
    let unsatisfied = cluster::unsatisfied_at(&reached, before.as_ref());
    let mut verdicts: Vec<Verdict> = unsatisfied.into_iter().map(|(_, verdict)| verdict).collect();
    for (watch, differs) in reached.watched.iter().filter_map(|it| Some((&it.watch, it.differs()?))) {
        let mut verdict = Verdict::builder("watch");
        verdict.judge(false, "the cluster", "watch", &watch.to_string(), "as it says", differs, None);
        verdicts.push(verdict.finish());
    }
    Ok(Trial { verdicts, at, ..Trial::default() })
}
