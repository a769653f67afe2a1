//! What is measured beside the suites: images, clones, and the memory of a cluster's members.

use std::time::{Duration, Instant};

use super::super::cells::Cells;
use super::super::{Catalogue, Failure, host};
use super::millis;
use crate::cluster::{self, Order, Site};
use crate::config::Config;
use crate::image::{Cache, Workspace, build_node, build_snaps};
use crate::session::sweep::{Target, sweep};

/// Milliseconds that builds from nothing take.
pub(super) struct Cold {
    pub(super) snaps: u64,
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
        build_snaps(&workspace, &cache, &mut host::lines()).map_err(Failure::provisioning)?;
        let snaps = millis(started);
        let (cache, _folder) = empty()?;
        let started = Instant::now();
        build_node(&workspace, &cache, &mut host::lines()).map_err(Failure::provisioning)?;
        Ok(Self { snaps, node: millis(started) })
    }
}

/// Milliseconds that it takes to make the golden image, of every round.
pub(super) async fn golden(site: &Site, rounds: usize) -> Result<Vec<u64>, Failure> {
    let mut times = Vec::new();
    for round in 1..=rounds {
        let took = cluster::time_golden(site, &format!("bench-{round}"), &mut host::lines()).await;
        times.push(whole_millis(took.map_err(Failure::cluster)?));
    }
    Ok(times)
}

/// Clones of the golden image, one at a time.
#[derive(Default)]
pub(super) struct Clones {
    /// Milliseconds until LXD had it running.
    pub(super) running: Vec<u64>,
    /// Milliseconds until MicroOVN's daemon answered.
    pub(super) active: Vec<u64>,
    /// Bytes of memory it takes then.
    pub(super) memory: Vec<u64>,
}

impl Clones {
    pub(super) async fn measure(site: &Site, rounds: usize) -> Result<Self, Failure> {
        let mut clones = Self::default();
        for round in 1..=rounds {
            let clone = cluster::time_clone(site, &format!("bench-{round}")).await.map_err(Failure::cluster)?;
            clones.running.push(whole_millis(clone.running));
            clones.active.push(whole_millis(clone.active));
            clones.memory.push(clone.memory);
        }
        Ok(clones)
    }
}

/// Forms the first suite's cluster, in every round anew. Bytes of memory of each of its members.
pub(super) async fn formed(site: &Site, catalogue: &Catalogue, rounds: usize) -> Result<Vec<u64>, Failure> {
    let cells = Cells::of(catalogue)?;
    let Some(cell) = cells.core.first() else { return Ok(Vec::new()) };
    let dir = site.run.cell_dir(cell.id().as_str()).map_err(Failure::usage)?;
    let mut memory = Vec::new();
    for _ in 0..rounds {
        let manifest = cluster::provision(site, Order { cell, options: catalogue.options, members: None }, &dir)
            .await
            .map_err(Failure::cluster)?;
        for instance in manifest.instances.values() {
            let state = site.client.get_instance_state(instance).await.map_err(Failure::provisioning)?;
            memory.push(state.memory.usage.unsigned_abs());
        }
        let target = Target::Cell(site.run.id().clone(), cell.id().to_string());
        sweep(&site.client, &target, None).await.map_err(Failure::provisioning)?;
    }
    Ok(memory)
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
