//! The suite of a journey: the first of its tests plays it, and each judges its own station.

use std::path::Path;

use jiff::Timestamp;
use rstest::fixture;
use testkit::cluster::{self, Ended, Manifest, Order, Reached, Route, Stopped, unsatisfied_at};
use testkit::config::{Config, Keep};
use testkit::expect::{Verdict, VerdictBuilder};
use testkit::folder::{CellFolder, FolderError};
use testkit::journey::{Journey, Station};
use testkit::matrix::Cell;
use testkit::plan::{Plan, Segments};
use testkit::record::CellPart;
use testkit::report::{Doing, Progress, chain};
use testkit::session::lease::Unprovisioned;

use crate::failure::Failure;
use crate::ground::Ground;
use crate::judged::Judged;
use crate::sharing::{self, Shared};
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
        let cell = match on {
            None => options::cell(journey.cell).map_err(Failure::of)?,
            Some(on) => options::find_cell(on)?,
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
        let shared = |config: &Config| {
            let chart = Chart::of(self.journey, config.on.as_deref())?;
            chart.find(test)?;
            Ok(chart)
        };
        sharing::run(shared, test, exe)
    }
}

/// What was left for a station.
enum Left {
    Reached(Box<(Reached, Option<Reached>)>),
    Stopped(Stopped),
}

impl Shared for Chart {
    type Left = Left;

    fn name(&self) -> &str {
        self.journey.name
    }

    fn is_microclouds(&self) -> bool {
        options::is_microclouds(&self.cell)
    }

    fn part(&self) -> CellPart {
        let tests: Vec<(String, String)> =
            self.stations.iter().map(|station| (station.test(), station.about.clone())).collect();
        let tests = tests.iter().map(|(test, about)| (test.as_str(), about.as_str()));
        CellPart::new(&self.cell, tests, None).of_journey(&self.cell)
    }

    /// Plays the journey. What went wrong with it is left in its folder, for all of its tests.
    async fn play(&self, ground: &Ground, dir: &Path, _began: Timestamp) -> Result<Option<String>, Failure> {
        let name = self.journey.name;
        let leave = |why: Unprovisioned| CellFolder::new(dir).write(&why).map_err(Failure::of);
        let site = match ground.site().await {
            Ok(site) => site,
            Err(failure) => return leave(failure.into_text().into()).map(|()| None),
        };
        let variant = cluster::variant(self.journey);
        let asked = ground.config.pause_before.as_deref();
        let paused = asked.and_then(|step| Station::find(&self.stations, step)).filter(|step| step.number > 0);
        // What failed is left as it is where somebody wants to look at it.
        let on = ground.config.keep == Keep::Never;
        let route = Route { until: paused.map(|step| step.number.saturating_sub(1)), on };
        let order = Order { cell: &self.cell, options: options::OPTIONS, variant: &variant };
        let (manifest, ended): (Manifest, Ended) = match cluster::play(&site, order, self.journey, route, dir).await {
            Ok(played) => played,
            Err(error) => {
                let message = chain(&error);
                leave(Unprovisioned { message: message.clone(), of_product: error.is_of_product() })?;
                return ground.leave_unformed(name, &message).await;
            }
        };
        Progress::new(dir).tell(Doing::Judging, "played; the runner comes to its other tests later");
        let red = matches!(ended, Ended::Stopped(_));
        let next = self.stations.get(manifest.steps.len() + 1).map(|station| station.words.as_str());
        if let (Some(step), false) = (paused, red) {
            let how = cluster::pause(&site, &manifest, next).await.map_err(Failure::of)?;
            let (at, station) = (step.number, step.test());
            let why = format!("paused before {station}, as asked\n{how}");
            let stopped = Stopped { at, station, why, acts: Vec::new(), watched: Vec::new() };
            return CellFolder::new(dir).write(&stopped).map(|()| None).map_err(Failure::of);
        }
        match ground.config.keep {
            Keep::OnFailure if red => cluster::pause(&site, &manifest, next).await.map(Some).map_err(Failure::of),
            Keep::Always => cluster::keep_at(&site, &manifest, next).await.map(Some).map_err(Failure::of),
            _ => ground.give_back(name, &manifest).await,
        }
    }

    fn look(&self, dir: &Path, test: &str) -> Result<Option<Left>, FolderError> {
        let Some(number) = self.stations.iter().find(|station| station.test() == test).map(|it| it.number) else {
            return Ok(None);
        };
        if let Some(reached) = Reached::find(dir, number)? {
            let before = number.checked_sub(1).map(|number| Reached::find(dir, number)).transpose()?.flatten();
            return Ok(Some(Left::Reached(Box::new((reached, before)))));
        }
        Ok(CellFolder::new(dir).read()?.map(Left::Stopped))
    }

    fn judge(&self, _ground: &Ground, dir: &Path, test: &str, left: Left) -> Judged {
        let evidence = format!("evidence: {}", dir.display());
        match left {
            Left::Reached(both) => judge_station(test, &both.0, both.1.as_ref(), &evidence),
            Left::Stopped(Stopped { station, why, .. }) if station == test => {
                Judged::without_verdict(Failure::new(format!("{why}\n{evidence}")))
            }
            Left::Stopped(Stopped { why, .. }) => {
                let why = why.lines().next().unwrap_or_default();
                Judged::without_verdict(Failure::new(format!("not reached: {why}\n{evidence}")))
            }
        }
    }

    fn unformed(&self, test: &str, why: &Unprovisioned, _tells: bool) -> String {
        if self.stations.first().is_some_and(|formed| formed.test() == test) {
            return why.message.clone();
        }
        format!("not reached, because there is no cluster: {}", why.message.lines().next().unwrap_or_default())
    }
}

/// All checks of a station, as one verdict.
fn judge_station(test: &str, reached: &Reached, before: Option<&Reached>, evidence: &str) -> Judged {
    let before_seen = before.map(|before| &before.observation);
    let mut all: VerdictBuilder = Verdict::builder(test);
    let mut found = Vec::new();
    for check in testkit::expect::applicable(&reached.station.state) {
        let verdict = check.judge(&reached.station.state, &reached.observation, before_seen);
        found.push(verdict.clone());
        all.take(reached.known.tell(verdict));
    }
    let found = reached.watched.iter().all(|watched| watched.differs().is_none()).then_some(found);
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
        return Judged::with_verdict(Ok(()), verdict).of(found);
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
    Judged::with_verdict(Err(Failure::new(text)), verdict).of(found)
}
