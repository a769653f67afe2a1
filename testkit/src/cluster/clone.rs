//! Timing a single clone of the golden image, for the benchmark.

use std::time::{Duration, Instant};

use super::provision::{CLONE, tags, wait_ready};
use super::{ClusterError, Site};
use crate::session::{Kind, reaper};

/// How long a clone took, from the request on.
#[derive(Debug, Clone, Copy)]
pub struct CloneTime {
    /// Until LXD had it running.
    pub running: Duration,
    /// Until its snap services were active and MicroOVN's daemon answered.
    pub active: Duration,
    /// The memory it takes then, in bytes.
    pub memory: u64,
}

/// Clones the golden image as `name`, without NICs, waits for MicroOVN's daemon, and removes the clone.
///
/// # Errors
/// When there is no golden image, or the clone does not come up.
pub async fn time_clone(site: &Site, name: &str) -> Result<CloneTime, ClusterError> {
    reaper::arm(&site.run, &site.exe).await?;
    let (golden, _) = super::golden(&site.config, &site.client, &mut |_| {}).await?;
    let instance = format!("microovn-{name}-{}", site.run.id().short());
    site.run.ledger().intend(Kind::Instance, &instance, name)?;
    let mut spec = golden.node(&instance, name, &[]);
    spec.config.extend(tags(site, name, name).to_config());
    spec.start = true;
    let started = Instant::now();
    site.client.create_instance(&spec, CLONE).await?;
    let running = started.elapsed();
    wait_ready(&site.client, name, &instance).await?;
    let active = started.elapsed();
    let memory = site.client.get_instance_state(&instance).await?.memory.usage.unsigned_abs();
    site.client.delete_instance_forced(&instance, CLONE).await?;
    Ok(CloneTime { running, active, memory })
}
