//! What is measured beside the suites: images, clones, and the memory of a cluster's members.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::figures::samples;
use super::machine::{Watch, busy};
use super::millis;
use testkit::cli::{Catalogue, Failure, lines};
use testkit::cluster::{self, Manifest, Order, Site};
use testkit::config::Config;
use testkit::image::{Cache, Golden, Workspace, build_node, build_snaps, choose_release};
use testkit::matrix::Cell;
use testkit::plan::Variant;
use testkit::session::sweep::{Target, sweep};

/// Milliseconds that builds from nothing take.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    #[serde(rename = "snaps_ms")]
    pub(super) snaps: u64,
    #[serde(rename = "node_image_ms")]
    pub(super) node: u64,
}

impl Cold {
    /// Builds the stand-in's snaps and the node image, each in an empty cache. Cargo has a cache of its own: only what
    /// it has not compiled yet adds to the time.
    pub(super) fn measure(config: &Config) -> Result<Self, Failure> {
        let workspace = Workspace::new(&config.root);
        let empty = || -> Result<_, Failure> {
            let folder = tempfile::tempdir().map_err(Failure::usage)?;
            let cache = Cache::open(folder.path()).map_err(Failure::usage)?;
            // The folder goes when it is dropped.
            Ok((cache, folder))
        };
        let (cache, _folder) = empty()?;
        let started = Instant::now();
        let release = choose_release(&workspace, &cache, config.stand_in).map_err(Failure::usage)?;
        build_snaps(&workspace, &cache, release, &mut lines()).map_err(Failure::provisioning)?;
        let snaps = millis(started);
        let (cache, _folder) = empty()?;
        let started = Instant::now();
        build_node(&workspace, &cache, &mut lines()).map_err(Failure::provisioning)?;
        Ok(Self { snaps, node: millis(started) })
    }
}

/// Milliseconds that it takes to make the golden image, of every round.
pub(super) async fn golden(site: &Site, rounds: usize) -> Result<Vec<u64>, Failure> {
    let mut times = Vec::new();
    for round in 1..=rounds {
        let took = cluster::time_golden(site, &format!("bench-{round}"), &mut lines()).await;
        times.push(whole_millis(took.map_err(Failure::cluster)?));
    }
    Ok(times)
}

/// Clones of the golden image, one at a time.
#[derive(Debug, Default, Serialize)]
pub(super) struct Clones {
    /// Milliseconds until LXD had it running.
    #[serde(rename = "running_ms", serialize_with = "samples")]
    pub(super) running: Vec<u64>,
    /// Milliseconds until MicroOVN's daemon answered.
    #[serde(rename = "active_ms", serialize_with = "samples")]
    pub(super) active: Vec<u64>,
    /// Bytes of memory it takes then.
    #[serde(rename = "memory_bytes", serialize_with = "samples")]
    pub(super) memory: Vec<u64>,
    /// Milliseconds its processes have used of processors by then.
    #[serde(rename = "processor_ms", serialize_with = "samples")]
    pub(super) cpu: Vec<u64>,
    /// Milliseconds that the host's processors were busy for one, from the request until it is gone: its boot, and what
    /// LXD and the kernel take to copy, start and delete it.
    #[serde(rename = "host_processor_ms", serialize_with = "samples")]
    pub(super) host: Vec<u64>,
}

impl Clones {
    pub(super) async fn measure(site: &Site, golden: &Golden, rounds: usize) -> Result<Self, Failure> {
        let mut clones = Self::default();
        for round in 1..=rounds {
            let watch = Watch::begin();
            let clone = cluster::time_clone(site, golden, &format!("bench-{round}")).await.map_err(Failure::cluster)?;
            clones.host.push(busy(&watch.end().cores));
            clones.running.push(whole_millis(clone.running));
            clones.active.push(whole_millis(clone.active));
            clones.memory.push(clone.memory);
            clones.cpu.push(whole_millis(clone.cpu));
        }
        Ok(clones)
    }
}

/// Clusters that were formed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Formed {
    /// Bytes of memory of each member, before any check has acted on it.
    #[serde(rename = "memory_bytes", serialize_with = "samples")]
    pub(super) memory: Vec<u64>,
    /// Milliseconds that the processes of all members have used of processors beyond what a clone uses to boot, in the
    /// stages that are the product's: MicroOVN, OVN and Open vSwitch with the commands that form the cluster, the reads
    /// of the framework that tell when it has settled, and the checks that act on it, which all run the product's own
    /// programs in the members.
    #[serde(rename = "processor_ms")]
    pub(super) product: u64,
}

impl Formed {
    /// Forms the cluster of each of these cells once. A clone uses `boot` milliseconds of processors to boot.
    pub(super) async fn measure(
        site: &Site,
        catalogue: &Catalogue,
        cells: &[Cell],
        boot: u64,
    ) -> Result<Self, Failure> {
        let mut formed = Self::default();
        for cell in cells {
            let dir = site.run.cell_dir(cell.id().as_str()).map_err(Failure::usage)?;
            let order = Order { cell, options: catalogue.options, variant: &Variant::default() };
            let mut manifest = cluster::provision(site, order, &dir).await.map_err(Failure::cluster)?;
            formed.memory.extend(usage(site, &manifest).await?.memory);
            cluster::try_out(&site.client, &mut manifest).await;
            if let Some(red) = manifest.tried.as_ref().filter(|verdict| !verdict.passed()) {
                return Err(Failure::Provisioning(format!("{}::{red}", manifest.plan.cell)));
            }
            formed.product += beyond_boot(&usage(site, &manifest).await?.cpu, boot);
            remove(site, cell).await?;
        }
        Ok(formed)
    }
}

/// What these members used of processors, beyond what each of them used to boot.
fn beyond_boot(cpu: &[u64], boot: u64) -> u64 {
    cpu.iter().map(|cpu| cpu.saturating_sub(boot)).sum()
}

/// What the members of a cluster use, each.
pub(super) struct Usage {
    /// Bytes of memory.
    pub(super) memory: Vec<u64>,
    /// Milliseconds of processors since they started.
    pub(super) cpu: Vec<u64>,
}

/// What the members of this cluster use now.
pub(super) async fn usage(site: &Site, manifest: &Manifest) -> Result<Usage, Failure> {
    let mut usage = Usage { memory: Vec::new(), cpu: Vec::new() };
    for instance in manifest.instances.values() {
        let state = site.client.get_instance_state(instance).await.map_err(Failure::provisioning)?;
        usage.memory.push(state.memory.usage.try_into().unwrap_or_default());
        usage.cpu.push(u64::try_from(state.cpu.usage).unwrap_or_default() / 1_000_000);
    }
    Ok(usage)
}

/// Removes the cluster that this run has formed for a cell.
pub(super) async fn remove(site: &Site, cell: &Cell) -> Result<(), Failure> {
    let target = Target::Cell(site.run.id().clone(), cell.id().to_string());
    sweep(&site.client, &target, None).await.map(drop).map_err(Failure::provisioning)
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_member_used_to_boot_is_not_the_products() {
        assert_eq!(beyond_boot(&[900, 700, 500], 600), 400);
        assert_eq!(beyond_boot(&[], 600), 0);
    }
}
