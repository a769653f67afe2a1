//! Where clusters are made.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::ClusterError;
use crate::config::Config;
use crate::host::{self, Capacity};
use crate::lxd::Client;
use crate::report::again;
use crate::session::{Run, Turn};
use crate::wait;

/// Memory a forming cluster of three takes at its peak, in bytes, with room to spare.
const CLUSTER_MEMORY: u64 = 768 << 20;
/// Clusters formed per processor: forming one is mostly waiting for timers of others.
const CLUSTERS_PER_PROCESSOR: u64 = 2;
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
    /// wait on.
    pub(super) async fn turn(&self, cost: u64, steps: usize) -> Result<Turn, ClusterError> {
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
            Ok::<_, ClusterError>(places(turns, capacity.memory))
        };
        self.run.turn(cost, places).await
    }

    /// How many clusters the LXD host has memory and processors for.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn room(&self) -> Result<usize, ClusterError> {
        // Members of several clusters would take from each other the time that the product allows itself.
        if wait::is_slow() {
            return Ok(1);
        }
        let Capacity { memory, processors } = self.capacity().await?;
        let turns = (memory / CLUSTER_MEMORY).min(processors.max(1) * CLUSTERS_PER_PROCESSOR);
        Ok(usize::try_from(turns).unwrap_or(1).max(1))
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
