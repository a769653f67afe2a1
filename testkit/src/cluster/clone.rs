//! Timing the golden image and single clones of it, for the benchmark.

use std::time::{Duration, Instant};

use super::golden::describe;
use super::owned::tags;
use super::ready::{CLONE, wait_ready};
use super::{ClusterError, Site};
use crate::image::{self, Golden, Progress};
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
    /// What its processes have used of processors by then.
    pub cpu: Duration,
}

/// Clones the golden image as `name`, without NICs, waits for MicroOVN's daemon, and removes the clone.
///
/// # Errors
/// When the clone does not come up.
pub async fn time_clone(site: &Site, golden: &Golden, name: &str) -> Result<CloneTime, ClusterError> {
    reaper::arm(&site.run, &site.exe).await?;
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
    let state = site.client.get_instance_state(&instance).await?;
    let memory = state.memory.usage.unsigned_abs();
    let cpu = Duration::from_nanos(state.cpu.usage.try_into().unwrap_or_default());
    site.client.delete_instance_forced(&instance, CLONE).await?;
    Ok(CloneTime { running, active, memory, cpu })
}

/// Makes the golden image once more as one of the run's own, and removes it. Returns how long the making took, from
/// node image and snaps on.
///
/// # Errors
/// When it cannot be made, or not be removed; the reaper then does that.
pub async fn time_golden(site: &Site, name: &str, progress: &mut Progress<'_>) -> Result<Duration, ClusterError> {
    reaper::arm(&site.run, &site.exe).await?;
    let (mut spec, _, locks) = describe(&site.config, &site.client, progress).await?;
    // Nobody else can want it, so nobody has to wait for it.
    drop(locks);
    // The same content under another hash, so that it is neither found made nor found by others.
    let salt = site.run.dir().join(format!("{name}.salt"));
    let hash = std::fs::write(&salt, format!("{} {name} {}", site.run.id(), spec.snap.sha256));
    hash.map_err(|source| ClusterError::Io { action: "write", path: salt.clone(), source })?;
    spec.snap.sha256 = image::of_file(&salt)?;
    spec.tags = tags(site, name, name).to_config();
    let instance = image::golden_name(&site.client, &spec).await?;
    site.run.ledger().intend(Kind::Instance, &instance, name)?;
    let started = Instant::now();
    image::ensure_golden(&site.client, &spec, progress).await?;
    let took = started.elapsed();
    site.client.delete_instance_forced(&instance, CLONE).await?;
    Ok(took)
}
