//! The stations of a journey, as tests: the first to come plays the journey, and each judges its own station.

use std::path::Path;

use rstest::fixture;
use testkit::cluster::{self, Ended, Manifest, Order, Reached, Route, Stopped, unsatisfied_at};
use testkit::config::{self, Config, Keep, Layer};
use testkit::expect::{Verdict, VerdictBuilder};
use testkit::folder::CellFolder;
use testkit::journey::{Journey, Station};
use testkit::matrix::Cell;
use testkit::plan::{Plan, Segments};
use testkit::record::{CellPart, CheckPart, RunPart};
use testkit::report::chain;
use testkit::session::play::{Part, wait_for_player};
use testkit::session::{Run, Unprovisioned, reaper};

use crate::fixtures::{Failure, Judged};
use crate::ground::Ground;
use crate::{journeys, options};

/// A journey, as the test of a station sees it.
#[derive(Debug, Clone, Copy)]
pub struct Voyage {
    journey: &'static str,
}

/// The named journey.
#[fixture]
pub fn voyage(#[default("services_restart")] journey: &'static str) -> Voyage {
    Voyage { journey }
}

/// A journey with the cell that it starts from, and every station as it is shown.
struct Chart {
    journey: &'static Journey,
    cell: Cell,
    stations: Vec<Station>,
}

impl Chart {
    /// From the cell `on`, or else the journey's own.
    fn of(name: &str, on: Option<&str>) -> Result<Self, Failure> {
        let journey = journeys::JOURNEYS.iter().find(|journey| journey.name == name);
        let journey =
            journey.ok_or_else(|| Failure::new(format!("there is no journey {name:?}; run `testkit generate`")))?;
        let matrix = options::matrix().map_err(Failure::of)?;
        let cell = match on {
            None => matrix.cell(journey.cell).map_err(Failure::of)?,
            Some(on) => matrix.find_cell(on).ok_or_else(|| Failure::new(format!("there is no cell {on:?}")))?,
        };
        let variant = cluster::variant(journey);
        let plan = Plan::draw_variant(&cell, options::OPTIONS, Segments::documentation(), &variant);
        let stations = journey.draw(&plan.state).map_err(Failure::of)?;
        Ok(Self { journey, cell, stations })
    }

    fn find(&self, test: &str) -> Result<&Station, Failure> {
        let found = self.stations.iter().find(|station| station.test() == test);
        let name = self.journey.name;
        found.ok_or_else(|| Failure::new(format!("{name} has no station {test:?}; run `testkit generate`")))
    }
}

impl Voyage {
    /// Judges the station of this name, after playing the journey where this is the first test of it to come.
    ///
    /// `exe` is the `testkit` command as it was built.
    ///
    /// # Errors
    /// When the station was not reached, or is not as it must be; the text says what, where and how to look closer.
    pub fn station(self, test: &str, exe: &str) -> Result<(), Failure> {
        testkit::cli::init_log();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map_err(Failure::of)?.block_on(self.judge(test, exe))
    }

    async fn judge(self, test: &str, exe: &str) -> Result<(), Failure> {
        let config = Config::resolve(Layer::default()).map_err(Failure::of)?;
        config.require_decided().map_err(Failure::of)?;
        let chart = Chart::of(self.journey, config.on.as_deref())?;
        let number = chart.find(test)?.number;
        let run = Run::join(&config).await.map_err(Failure::of)?;
        run.end_with_runner();
        let dir = run.cell_dir(self.journey).map_err(Failure::of)?;
        RunPart::new(&run, &config, options::OPTIONS.iter().map(|option| option.declaration()))
            .leave(run.dir())
            .map_err(Failure::of)?;
        let tests: Vec<(String, String)> =
            chart.stations.iter().map(|station| (station.test(), station.about.clone())).collect();
        let tests = tests.iter().map(|(test, about)| (test.as_str(), about.as_str()));
        CellPart::new(&chart.cell, tests, None).of_journey(&chart.cell).leave(&dir).map_err(Failure::of)?;
        let clock = run.clock();
        let part = CheckPart::begin(&dir, test, clock).map_err(Failure::of)?;
        let ground = Ground { config, run, exe: config::program("testkit", exe) };
        let mut afterwards = Vec::new();
        if let Part::Player(_player) = Part::take(&dir).map_err(Failure::of)? {
            afterwards.push(play(&ground, &chart, &dir).await);
        }
        let mut judged = arrive(&dir, test, number).await?;
        afterwards.into_iter().for_each(|done| judged.afterwards(done));
        let failure = judged.failure();
        let ended = part.end(&dir, clock, judged.verdict.take(), failure.as_deref());
        judged.afterwards(ended.map(|()| None).map_err(Failure::of));
        judged.conclude()
    }
}

/// Plays the journey, and gives its cluster back, or keeps it as asked. What went wrong with the journey itself is left in
/// its folder, for all of its tests; only what went wrong with giving back is an error.
async fn play(ground: &Ground, chart: &Chart, dir: &Path) -> Result<Option<String>, Failure> {
    let name = chart.journey.name;
    let leave = |failure: Unprovisioned| CellFolder::new(dir).write(&failure).map_err(Failure::of);
    let site = match ground.site().await {
        Ok(site) => site,
        Err(failure) => return leave(failure.into_text().into()).map(|()| None),
    };
    let variant = cluster::variant(chart.journey);
    let asked = ground.config.pause_before.as_deref();
    let paused = asked.and_then(|step| Station::find(&chart.stations, step)).filter(|step| step.number > 0);
    // What failed is left as it is where somebody wants to look at it.
    let on = ground.config.keep == Keep::Never;
    let route = Route { until: paused.map(|step| step.number.saturating_sub(1)), on };
    let order = Order { cell: &chart.cell, options: options::OPTIONS, variant: &variant };
    let (manifest, ended): (Manifest, Ended) = match cluster::play(&site, order, chart.journey, route, dir).await {
        Ok(played) => played,
        Err(error) => {
            let message = chain(&error);
            leave(Unprovisioned { message: message.clone(), of_product: error.is_of_product() })?;
            return ground.leave_unformed(name, &message).await;
        }
    };
    let red = matches!(ended, Ended::Stopped(_));
    let next = chart.stations.get(manifest.steps.len() + 1).map(|station| station.words.as_str());
    if let (Some(step), false) = (paused, red) {
        let how = cluster::pause(&site, &manifest, next).await.map_err(Failure::of)?;
        let (at, station) = (step.number, step.test());
        let why = format!("paused before {station}, as asked\n{how}");
        let stopped = Stopped { at, station, why, acts: Vec::new(), watched: Vec::new() };
        return CellFolder::new(dir).write(&stopped).map(|()| None).map_err(Failure::of);
    }
    match (ground.config.keep, red) {
        (Keep::OnFailure, true) => cluster::pause(&site, &manifest, next).await.map(Some).map_err(Failure::of),
        (Keep::Always, _) => cluster::keep_at(&site, &manifest, next).await.map(Some).map_err(Failure::of),
        _ => {
            let taken = ground.take_coverage(name, &manifest.instances).await;
            reaper::release(&ground.run, &ground.exe, name).map_err(Failure::of)?;
            taken
        }
    }
}

/// What was left of a station.
enum Arrival {
    Reached(Box<(Reached, Option<Reached>)>),
    Stopped(Stopped),
    Unformed(String),
}

/// Waits for a station and judges it.
async fn arrive(dir: &Path, test: &str, number: usize) -> Result<Judged, Failure> {
    let folder = CellFolder::new(dir);
    let look = || -> Result<Option<Arrival>, testkit::folder::FolderError> {
        if let Some(reached) = Reached::find(dir, number)? {
            let before = number.checked_sub(1).map(|number| Reached::find(dir, number)).transpose()?.flatten();
            return Ok(Some(Arrival::Reached(Box::new((reached, before)))));
        }
        if let Some(stopped) = folder.read::<Stopped>()? {
            return Ok(Some(Arrival::Stopped(stopped)));
        }
        Ok(folder.read::<Unprovisioned>()?.map(|failure| Arrival::Unformed(failure.message)))
    };
    let evidence = format!("evidence: {}", dir.display());
    Ok(match wait_for_player(dir, test, look).await.map_err(Failure::of)? {
        Some(Arrival::Reached(both)) => judge_station(test, &both.0, both.1.as_ref(), &evidence),
        Some(Arrival::Stopped(Stopped { at, why, .. })) if at == number => {
            Judged::without_verdict(Failure::new(format!("{why}\n{evidence}")))
        }
        Some(Arrival::Stopped(Stopped { why, .. })) => {
            let why = why.lines().next().unwrap_or_default();
            Judged::without_verdict(Failure::new(format!("not reached: {why}\n{evidence}")))
        }
        Some(Arrival::Unformed(why)) if number == 0 => {
            Judged::without_verdict(Failure::new(format!("{why}\n{evidence}")))
        }
        Some(Arrival::Unformed(why)) => {
            let why = why.lines().next().unwrap_or_default();
            Judged::without_verdict(Failure::new(format!(
                "not reached, because there is no cluster: {why}\n{evidence}"
            )))
        }
        None => Judged::without_verdict(Failure::new(format!(
            "not reached: the test that played the journey died\n{evidence}"
        ))),
    })
}

/// All checks of a station, as one verdict.
fn judge_station(test: &str, reached: &Reached, before: Option<&Reached>, evidence: &str) -> Judged {
    let before_seen = before.map(|before| &before.observation);
    let mut all: VerdictBuilder = Verdict::builder(test);
    for check in testkit::expect::applicable(&reached.station.state) {
        let verdict = check.judge(&reached.station.state, &reached.observation, before_seen);
        all.take(reached.known.tell(verdict));
    }
    for watched in &reached.watched {
        let seen = watched.differs();
        let member = "the cluster";
        let (holds, shown) = (seen.is_none(), seen.unwrap_or_else(|| format!("at most {} ms", watched.gap_ms)));
        all.judge(holds, member, "watch", &watched.watch.to_string(), "as it says", shown, None);
    }
    let verdict = all.finish();
    if verdict.passed() {
        for done in &reached.acts {
            println!("{}, {} ms", done.act, done.ms);
        }
        println!("{verdict}");
        return Judged::with_verdict(Ok(()), verdict);
    }
    let failed = unsatisfied_at(reached, before);
    let mut text = match failed.first() {
        Some((_, cause)) => format!("{test}: {}", cause.headline()),
        None => format!("{test}: {}", verdict.headline()),
    };
    for (_, one) in &failed {
        text.push_str(&format!("\n{one}"));
    }
    for watched in reached.watched.iter().filter_map(|it| Some(format!("{}: {}", it.watch, it.differs()?))) {
        text.push_str(&format!("\nwatch: {watched}"));
    }
    let settled = &reached.settled;
    let seconds = std::time::Duration::from_millis(settled.ms).as_secs_f32();
    text.push_str(&format!("\n{evidence}\nseen at the last of {} looks in {seconds:.1} s", settled.looks));
    Judged::with_verdict(Err(Failure::new(text)), verdict)
}
