//! Playing a journey: forming its cluster, taking its steps, and leaving each station whole as soon as it has settled.

use std::path::Path;
use std::time::Duration;

use super::act::Hand;
use super::provision::provision_for;
use super::station::{Done, Itinerary, Reached, Stopped};
use super::watches::watching;
use super::{ClusterError, Manifest, Order, Settled, Site, settle};
use crate::expect::{self, Observation};
use crate::folder::CellFolder;
use crate::journey::{Journey, Station, Watched};
use crate::plan::Variant;
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};
use crate::wait;

/// How a journey ended.
#[derive(Debug)]
pub enum Ended {
    /// At its last station, and every one was as it must be.
    Well,
    /// Before that, for this reason.
    Stopped(Stopped),
}

/// The variant of a cell that a journey starts from.
pub fn variant(journey: &Journey) -> Variant {
    let name = Some(crate::matrix::CellId::of_journey(journey.name));
    Variant { name, members: journey.members, outside: journey.outside, needs: journey.needs() }
}

/// Plays a journey from a cell: `order` has its variant. Every station is left in `dir` as it is reached, and so is what
/// stopped it. What comes back is the cluster at the last station that was reached. It ends at the first station that is not as
/// it must be, because what comes after would show the same again.
///
/// # Errors
/// When the cluster cannot be formed, or what is left cannot be written.
pub async fn play(
    site: &Site,
    order: Order<'_>,
    journey: &Journey,
    until: Option<usize>,
    dir: &Path,
) -> Result<(Manifest, Ended), ClusterError> {
    let began = site.run.clock().now();
    let cell = order.cell.id().to_string();
    let steps = until.unwrap_or(usize::MAX).min(journey.length());
    let (manifest, _turn) = provision_for(site, order, steps, dir).await?;
    let folder = CellFolder::new(dir);
    folder.write(&manifest)?;
    let stations = journey.draw(&manifest.plan.state).map_err(|error| ClusterError::Journey(error.to_string()))?;
    folder.write(&Itinerary { name: journey.name.to_owned(), cell, stations: stations.clone() })?;
    let player = Player { site, manifest: &manifest, dir };
    let mut now = manifest.clone();
    for station in stations.into_iter().take_while(|station| until.is_none_or(|last| station.number <= last)) {
        let reached = match station.number {
            0 => {
                let (settled, observation) = (manifest.settled.clone(), manifest.observation.clone());
                let ended = site.run.clock().now();
                Reached { station, began, ended, acts: Vec::new(), watched: Vec::new(), settled, observation }
            }
            _ => match player.step(&now.plan.state, station, &now.observation).await {
                Ok(reached) => reached,
                Err(stopped) => return player.stop(*stopped).await.map(|ended| (now, ended)),
            },
        };
        reached.leave(dir)?;
        now = now.at(&reached);
        let Reached { station, settled, watched, .. } = reached;
        let wrong: Vec<String> =
            watched.iter().filter_map(|it| Some(format!("{}: {}", it.watch, it.differs()?))).collect();
        if !settled.unsatisfied.is_empty() || !wrong.is_empty() {
            let red = settled.unsatisfied.iter().cloned().chain(wrong).collect::<Vec<_>>().join(", ");
            let why = format!("{} is not as it must be: {red}", station.test());
            let (at, station) = (station.number, station.test());
            let stopped = Stopped { at, station, why, acts: Vec::new(), watched: Vec::new() };
            return player.stop(stopped).await.map(|ended| (now, ended));
        }
    }
    Ok((now, Ended::Well))
}

/// Takes one step on a cluster that is up, as it was seen last. Where that does not come about as wanted, or the cluster is not
/// as it must be then, what a person needs to understand it is in `dir`.
///
/// # Errors
/// What stopped it.
pub async fn step(site: &Site, manifest: &Manifest, station: Station, dir: &Path) -> Result<Reached, Box<Stopped>> {
    let player = Player { site, manifest, dir };
    let taken = player.step(&manifest.plan.state, station, &manifest.observation).await;
    if taken.as_ref().map_or(true, |reached| !reached.settled.unsatisfied.is_empty()) {
        super::collect(&site.client, &manifest.instances, &Evidence::new(dir)).await;
    }
    taken
}

struct Player<'a> {
    site: &'a Site,
    manifest: &'a Manifest,
    dir: &'a Path,
}

impl Player<'_> {
    /// Takes the step to a station from this state. What was done comes back where it did not come about as wanted.
    async fn step(
        &self,
        from: &crate::plan::State,
        station: Station,
        before: &Observation,
    ) -> Result<Reached, Box<Stopped>> {
        let Self { site, manifest, dir } = self;
        let (clock, number) = (site.run.clock(), station.number);
        let timeline = Timeline::new(dir, clock);
        let progress = Progress::new(dir).to_station(station.test());
        let evidence = Evidence::new(dir);
        let hand =
            Hand { client: &site.client, plan: &manifest.plan, instances: &manifest.instances, evidence: &evidence };
        let began = clock.now();
        progress.tell(Doing::Stepping, station.about.as_str());
        let acting = async {
            let mut acts: Vec<Done> = Vec::new();
            for act in &station.acts {
                progress.tell(Doing::Stepping, act.to_string());
                let done = hand.act(from, act).await;
                let failed = done.differs.is_some();
                acts.push(done);
                if failed {
                    break;
                }
            }
            acts
        };
        let acting = watching(&site.client, &manifest.instances, &station.watches, acting);
        let (acts, watched): (_, Vec<Watched>) = timeline.stage(Work::Step(number), Owner::Product, acting).await;
        if let Some(Done { act, said, differs: Some(differs), .. }) = acts.last() {
            let why = format!(
                "{}: {act}: wanted {}, seen {differs}\n  it said: {}",
                station.test(),
                act.want,
                if said.trim().is_empty() { "nothing" } else { said.trim() }
            );
            return Err(Box::new(Stopped { at: number, station: station.test(), why, acts, watched }));
        }
        let deadline = wait::patience(self.patience());
        let settling = settle(&site.client, &station.state, &manifest.instances, Some(before), deadline, &progress);
        let (settled, mut observation): (Settled, Observation) =
            timeline.stage(Work::SettleStep(number), Owner::Product, settling).await;
        observation.remember_databases(before);
        observation.remember(before);
        Ok(Reached { station, began, ended: clock.now(), acts, watched, settled, observation })
    }

    /// Longer than a cluster that was formed has: servers that lost each other stand for election after 16 s, and again, and
    /// single commands of MicroOVN take 30 s just after a member died.
    fn patience(&self) -> Duration {
        2 * self.site.config.settle
    }

    /// Notes why it goes no further, after collecting what a person needs to understand it.
    async fn stop(&self, stopped: Stopped) -> Result<Ended, ClusterError> {
        let evidence = Evidence::new(self.dir);
        let timeline = Timeline::new(self.dir, self.site.run.clock());
        let collecting = super::collect(&self.site.client, &self.manifest.instances, &evidence);
        timeline.stage(Work::Evidence, Owner::Framework, collecting).await;
        CellFolder::new(self.dir).write(&stopped)?;
        Ok(Ended::Stopped(stopped))
    }
}

/// The checks that a station does not pass, with their verdicts, the likely cause of the others first.
pub fn unsatisfied_at(reached: &Reached, before: Option<&Reached>) -> Vec<(&'static expect::Check, expect::Verdict)> {
    expect::unsatisfied(&reached.station.state, &reached.observation, before.map(|before| &before.observation))
}
