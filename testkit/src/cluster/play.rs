//! Playing a journey: forming its cluster, taking its steps, and leaving each station whole as soon as it has settled.

use std::path::Path;
use std::time::Duration;

use super::act::Hand;
use super::lay;
use super::offer;
use super::provision::provision_for;
use super::settle::{Before, settle};
use super::station::{Done, Itinerary, Reached, Stopped};
use super::watches::watching;
use super::{ClusterError, Manifest, Order, Settled, Site};
use crate::expect::{self, Known, Observation, Verdict};
use crate::folder::CellFolder;
use crate::journey::{Journey, Station, Watched};
use crate::plan::{State, Variant};
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};
use crate::wait;

/// A journey with a station that is not as it must be goes on, because what else is wrong is worth knowing too; but where new
/// things are wrong at so many, it is one thing that breaks all that follows.
const ENOUGH: usize = 3;

/// How a journey ended.
#[derive(Debug)]
pub enum Ended {
    /// At the last station that it was to come to, and every one was as it must be.
    Well,
    /// With this station as the first that was not as it must be, or was not reached.
    Stopped(Stopped),
}

/// How far a journey is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The last station to come to; that of the journey where there is none.
    pub until: Option<usize>,
    /// Whether it goes on behind a station that is not as it must be.
    pub on: bool,
}

/// The variant of a cell that a journey starts from.
pub fn variant(journey: &Journey) -> Variant {
    let name = Some(crate::matrix::CellId::of_journey(journey.name));
    Variant { name, members: journey.members, outside: journey.outside, needs: journey.needs() }
}

/// Plays a journey from a cell: `order` has its variant. Every station is left in `dir` as it is reached, and so is what
/// stopped it. What comes back is the cluster at the last station that was reached.
///
/// # Errors
/// When the cluster cannot be formed, or what is left cannot be written.
pub async fn play(
    site: &Site,
    order: Order<'_>,
    journey: &Journey,
    route: Route,
    dir: &Path,
) -> Result<(Manifest, Ended), ClusterError> {
    let began = site.run.clock().now();
    let cell = order.cell.id().to_string();
    let Route { until, on } = route;
    let steps = until.unwrap_or(usize::MAX).min(journey.length());
    let (manifest, _turn) = provision_for(site, order, steps, dir).await?;
    let folder = CellFolder::new(dir);
    folder.write(&manifest)?;
    let stations = journey.draw(&manifest.plan.state).map_err(|error| ClusterError::Journey(error.to_string()))?;
    folder.write(&Itinerary { name: journey.name.to_owned(), cell, stations: stations.clone() })?;
    let player = Player { site, manifest: &manifest, dir };
    let mut now = manifest.clone();
    let mut known = Known::default();
    let (mut first, mut news): (Option<Stopped>, usize) = (None, 0);
    for station in stations.into_iter().take_while(|station| until.is_none_or(|last| station.number <= last)) {
        let reached = match station.number {
            0 => {
                let (settled, observation) = (manifest.settled.clone(), manifest.observation.clone());
                let ended = site.run.clock().now();
                let known = Known::default();
                Reached { station, began, ended, acts: Vec::new(), watched: Vec::new(), settled, observation, known }
            }
            _ => match player.step(&now.plan.state, station, Before { seen: &now.observation, known: &known }).await {
                Ok(reached) => reached,
                Err(stopped) => return player.stop(*stopped).await.map(|ended| (now, ended)),
            },
        };
        reached.leave(dir)?;
        let state = &reached.station.state;
        let failed: Vec<Verdict> = expect::unsatisfied(state, &reached.observation, Some(&now.observation))
            .into_iter()
            .map(|(_, verdict)| verdict)
            .collect();
        let watched = reached.watched.iter().filter(|it| it.differs().is_some());
        let new = failed.iter().any(|verdict| known.is_news(verdict)) || watched.count() > 0;
        known = known.after(&reached.station.test(), &failed);
        now = now.at(&reached);
        if new {
            news += 1;
            let stopped = reached.not_as_it_must_be();
            if !on || news == ENOUGH || super::lost(site, dir, "").await.is_some() {
                return player.stop(first.unwrap_or(stopped)).await.map(|ended| (now, ended));
            }
            if first.is_none() {
                player.collect().await;
                first = Some(stopped);
            }
        }
    }
    Ok((now, first.map_or(Ended::Well, Ended::Stopped)))
}

/// Takes one step on a cluster that is up, as it was seen last. Where that does not come about as wanted, or the cluster is not
/// as it must be then, what a person needs to understand it is in `dir`.
///
/// # Errors
/// What stopped it.
pub async fn step(site: &Site, manifest: &Manifest, station: Station, dir: &Path) -> Result<Reached, Box<Stopped>> {
    let player = Player { site, manifest, dir };
    let known = Known::default();
    let taken = player.step(&manifest.plan.state, station, Before { seen: &manifest.observation, known: &known }).await;
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
    async fn step(&self, from: &State, station: Station, before: Before<'_>) -> Result<Reached, Box<Stopped>> {
        let Self { site, manifest, dir } = self;
        let (station, authority) = offer::with_authority(from, station).await?;
        let (clock, number) = (site.run.clock(), station.number);
        let timeline = Timeline::new(dir, clock);
        let progress = Progress::new(dir).to_station(station.test());
        let evidence = Evidence::new(dir);
        let hand = Hand {
            site,
            client: &site.client,
            plan: &manifest.plan,
            instances: &manifest.instances,
            evidence: &evidence,
            authority: authority.as_ref(),
        };
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
        let stepping = async {
            let acts = timeline.stage(Work::Step(number), Owner::Product, acting).await;
            if let Some(Done { act, said, differs: Some(differs), .. }) = acts.last() {
                let said = if said.trim().is_empty() { "nothing" } else { said.trim() };
                let test = station.test();
                let why = format!("{test}: {act}: wanted {}, seen {differs}\n  it said: {said}", act.want);
                return (acts, Err(why));
            }
            if let Err(why) = lay::take_back(&site.client, from, &station.state, &manifest.instances).await {
                return (acts, Err(format!("{}: it keeps what it has for packets: {why}", station.test())));
            }
            let deadline = wait::patience(self.patience());
            let settling = settle(&site.client, &station.state, &manifest.instances, Some(before), deadline, &progress);
            let settled = timeline.stage(Work::SettleStep(number), Owner::Product, settling).await;
            (acts, Ok(settled))
        };
        // What the product does by itself is watched, too.
        // In a box, as what it holds is more than a test's stack bears twice.
        let stepping = Box::pin(stepping);
        let watching = watching(&site.client, &manifest.instances, &station.watches, stepping);
        let ((acts, settled), watched): (_, Vec<Watched>) = watching.await;
        let (settled, mut observation): (Settled, Observation) = match settled {
            Ok(settled) => settled,
            Err(why) => return Err(Box::new(Stopped { at: number, station: station.test(), why, acts, watched })),
        };
        observation.remember_databases(before.seen);
        observation.remember(before.seen);
        let (ended, known) = (clock.now(), before.known.clone());
        Ok(Reached { station, began, ended, acts, watched, settled, observation, known })
    }

    /// Longer than a cluster that was formed has: servers that lost each other stand for election after 16 s, and again, and
    /// single commands of MicroOVN take 30 s just after a member died.
    fn patience(&self) -> Duration {
        2 * self.site.config.settle
    }

    /// Notes why it goes no further, after collecting what a person needs to understand it.
    async fn stop(&self, mut stopped: Stopped) -> Result<Ended, ClusterError> {
        if let Some(lost) = super::lost(self.site, self.dir, &stopped.why).await {
            stopped.why = format!("{}: {lost}", stopped.station);
        }
        self.collect().await;
        CellFolder::new(self.dir).write(&stopped)?;
        Ok(Ended::Stopped(stopped))
    }

    async fn collect(&self) {
        let evidence = Evidence::new(self.dir);
        let timeline = Timeline::new(self.dir, self.site.run.clock());
        let collecting = super::collect(&self.site.client, &self.manifest.instances, &evidence);
        timeline.stage(Work::Evidence, Owner::Framework, collecting).await;
    }
}

/// The checks that a station does not pass, with their verdicts: what is new before what was so before, and then the likely
/// cause of the others first.
pub fn unsatisfied_at(reached: &Reached, before: Option<&Reached>) -> Vec<(&'static expect::Check, Verdict)> {
    let Reached { station, observation, known, .. } = reached;
    let mut failed = expect::unsatisfied(&station.state, observation, before.map(|before| &before.observation));
    failed.sort_by_key(|(_, verdict)| !known.is_news(verdict));
    failed.into_iter().map(|(check, verdict)| (check, known.tell(verdict))).collect()
}
