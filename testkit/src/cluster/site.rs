//! Where clusters are made.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::ClusterError;
use crate::config::Config;
use crate::host;
use crate::lxd::Client;
use crate::session::Run;

/// Memory a forming cluster of three takes at its peak, in bytes, with room to spare.
const CLUSTER_MEMORY: u64 = 768 << 20;
/// Clusters formed per processor: forming one is mostly waiting for timers of others.
const CLUSTERS_PER_PROCESSOR: u64 = 2;

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
        let client = host::connect(&config).await?;
        Ok(Self { client, config, run, exe: exe.to_owned() })
    }

    /// Waits for a turn: as many clusters are formed at once as the LXD host has memory and processors for.
    pub(super) async fn turn(&self) -> Result<File, ClusterError> {
        let turns = match self.config.parallel {
            Some(turns) => turns,
            // Asked once: clusters that form would make it fewer for those who ask later.
            None => self.run.once("turns", async || self.room().await).await?,
        };
        Ok(self.run.turn(turns).await?)
    }

    /// How many clusters the LXD host has memory and processors for.
    async fn room(&self) -> Result<usize, ClusterError> {
        let resources = self.client.get_resources().await?;
        let memory = resources.memory.total.saturating_sub(resources.memory.used) / CLUSTER_MEMORY;
        let turns = memory.min((resources.cpu.total * CLUSTERS_PER_PROCESSOR).max(CLUSTERS_PER_PROCESSOR));
        Ok(usize::try_from(turns).unwrap_or(1).max(1))
    }
}
