//! Where clusters are made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::ClusterError;
use super::joint::{self, Joint};
use super::members::{self, CLUSTER_MEMORY, turns_of};
use crate::config::Config;
use crate::host::{self, Capacity, SURVEY_LASTS, Surveyed};
use crate::lxd::Client;
use crate::placement::{Need, Place};
use crate::plan::Plan;
use crate::report::again;
use crate::session::{Run, Turn};

/// How many times fewer clusters take steps at the same time where packets are watched meanwhile: a switch that carries them itself
/// loses some where it gets no time.
const WATCHED: usize = 2;

/// The configuration, LXD, the run, and the command that can reap it.
#[derive(Debug)]
pub struct Site {
    /// The configuration.
    pub config: Config,
    /// LXD, in the framework's project.
    pub client: Client,
    /// The run that owns what is made.
    pub run: Run,
    /// The `testkit` command, which is also the reaper.
    pub exe: PathBuf,
}

impl Site {
    /// Connects to LXD and to the framework's project there.
    ///
    /// # Errors
    /// When LXD does not answer or has no such project.
    pub async fn open(config: Config, run: Run, exe: &Path) -> Result<Self, ClusterError> {
        let (dir, clock) = (run.dir().to_owned(), run.clock());
        let note = move |attempt: &str, said: &str| again::note(&dir, clock, attempt, said);
        let client = host::connect(&config).await?.noting(note);
        Ok(Self { client, config, run, exe: exe.to_owned() })
    }

    /// Waits for a turn: as many clusters are formed at once as the LXD host has memory and processors for, those of
    /// the highest `cost` first, and of those that take `steps` fewer where packets are watched. While memory is short, all but one
    /// wait on. Where LXD is a cluster, that is so of each of its members, and the turn is on one of them.
    pub(super) async fn turn(&self, cost: u64, steps: usize) -> Result<Turn, ClusterError> {
        if self.client.is_clustered() {
            return self.turn_on_member(cost, steps).await;
        }
        let turns = match self.config.parallel {
            Some(turns) => turns,
            // Asked once: clusters that form would make it fewer for those who ask later.
            None => self.run.once("turns", async || self.room().await).await?,
        };
        let turns = of_these(turns, self.config.traffic, steps);
        let lasts = Capacity::lasts(&self.config.lxd);
        let mut seen: Option<(Instant, Capacity)> = None;
        let places = async || {
            let (_, capacity) = match seen {
                Some(seen) if seen.0.elapsed() < lasts => seen,
                _ => *seen.insert((Instant::now(), self.capacity().await?)),
            };
            Ok::<_, ClusterError>(vec![Place::only(places(turns, capacity.memory).max(1))])
        };
        self.run.turn(Need { memory: 0, cost }, places).await
    }

    async fn turn_on_member(&self, cost: u64, steps: usize) -> Result<Turn, ClusterError> {
        let first = self.run.once("members", async || self.survey().await).await?;
        let places = async || {
            let now = self.run.recent("members-now", SURVEY_LASTS, async || self.survey().await).await?;
            let places = members::places(&first, &now, self.config.parallel);
            let turns = |place: Place| Place { turns: of_these(place.turns, self.config.traffic, steps), ..place };
            Ok(members::require_some(places)?.into_iter().map(turns).collect())
        };
        self.run.turn(Need { memory: CLUSTER_MEMORY, cost }, places).await
    }

    /// What joins the hosts that the members of a cell are on; `None` where all are on one.
    pub(super) async fn joint(&self) -> Result<Option<Joint>, ClusterError> {
        if !self.config.spread {
            return Ok(None);
        }
        self.run.once("joint", async || joint::joint(&self.config, &self.client).await).await.map(Some)
    }

    /// Which member of the LXD cluster each member of a plan goes to, on those that are there now, with the cell's turn on `home`.
    pub(super) async fn seats(&self, plan: &Plan, home: &str) -> Result<BTreeMap<String, String>, ClusterError> {
        let now = self.run.recent("members-now", SURVEY_LASTS, async || self.survey().await).await?;
        Ok(joint::seats(plan, &joint::hosts(&now)?, home))
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, ClusterError> {
        Ok(host::survey(&self.config.lxd, &self.client).await?)
    }

    /// The members of the LXD cluster as places for cells; none where LXD is no cluster.
    ///
    /// # Errors
    /// When LXD does not list its members.
    pub async fn places(&self) -> Result<Vec<Place>, ClusterError> {
        members::all_places(&self.config, &self.client).await
    }

    /// How many clusters the LXD host has memory and processors for; where LXD is a cluster, all members together.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn room(&self) -> Result<usize, ClusterError> {
        if self.client.is_clustered() {
            return Ok(self.places().await?.iter().map(|place| place.turns).sum::<usize>().max(1));
        }
        Ok(turns_of(self.capacity().await?))
    }

    async fn capacity(&self) -> Result<Capacity, ClusterError> {
        Ok(Capacity::of(&self.config.lxd, &self.client).await?)
    }
}

/// How many of these places are for one that takes so many steps.
fn of_these(places: usize, traffic: bool, steps: usize) -> usize {
    if traffic && steps > 0 { places.div_ceil(WATCHED) } else { places }
}

/// How many clusters may be formed at once with so many bytes of memory available, of as many `turns` as there are.
/// Somebody must go on whatever there is, or nobody would ever give memory back.
fn places(turns: usize, available: u64) -> usize {
    if available >= CLUSTER_MEMORY { turns } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_packets_are_watched_half_as_many_take_steps_and_as_many_are_formed() {
        assert_eq!((of_these(4, true, 3), of_these(4, true, 0), of_these(4, false, 3)), (2, 4, 4));
        assert_eq!(of_these(1, true, 3), 1);
    }

    #[test]
    fn while_memory_is_short_one_goes_on_and_the_others_wait() {
        for (turns, available, wanted) in
            [(4, 0, 1), (4, CLUSTER_MEMORY - 1, 1), (4, CLUSTER_MEMORY, 4), (1, 0, 1), (1, u64::MAX, 1)]
        {
            assert_eq!(places(turns, available), wanted, "{turns} {available}");
        }
    }
}
