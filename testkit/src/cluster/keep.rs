//! Clusters that outlive their run on purpose, to be looked at and used again.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::observe::observe;
use super::{ClusterError, Manifest, Placed, Planned, Product, Settled, Site, lanes};
use crate::config::Config;
use crate::expect::{self, Observation, Subject};
use crate::folder;
use crate::image::Golden;
use crate::lxd::InstancePatch;
use crate::session::key;

/// Marks the cluster as kept, in LXD and on disk, and says how to enter and how to remove it.
///
/// # Errors
/// When LXD or the disk refuses; the cluster goes with its run then.
pub async fn keep(site: &Site, manifest: &Manifest) -> Result<String, ClusterError> {
    keep_at(site, manifest, None).await
}

/// The same for who plays a journey, which would go on with the step `next`.
///
/// # Errors
/// Those of [`keep`].
pub async fn keep_at(site: &Site, manifest: &Manifest, next: Option<&str>) -> Result<String, ClusterError> {
    mark(site, manifest, "true").await?;
    Ok(format!("kept: {}", ways(manifest, next)))
}

/// The same for a few hours: where nobody comes back to look at it, a sweep takes it. `next` is the step that a journey would
/// go on with.
///
/// # Errors
/// Those of [`keep`].
pub async fn pause(site: &Site, manifest: &Manifest, next: Option<&str>) -> Result<String, ClusterError> {
    let until = super::owned::expires();
    mark(site, manifest, &until.to_string()).await?;
    Ok(format!("kept until {until:.0}, when a sweep may take it: {}", ways(manifest, next)))
}

/// How to enter a cluster that is kept, to remove it, and to go on with the next step of its journey, where it has one.
pub fn ways(manifest: &Manifest, next: Option<&str>) -> String {
    let cell = &manifest.plan.cell;
    // Of a cluster that was not formed, it need not be the first of the plan.
    let mut up = manifest.plan.state.asked().filter(|member| manifest.instances.contains_key(&member.name));
    let first = up.next().map(|member| member.name.as_str()).unwrap_or_default();
    let on = next.map(|next| format!(", go on with `testkit step {cell} {next}`")).unwrap_or_default();
    format!("enter with `testkit shell {cell}:{first}`, remove with `testkit down {cell}`{on}")
}

/// Marks a cluster as kept, and records it.
async fn mark(site: &Site, manifest: &Manifest, value: &str) -> Result<(), ClusterError> {
    let cell = manifest.plan.cell.as_str();
    let mark = [(key::KEEP.to_owned(), value.to_owned())];
    for instance in manifest.instances.values() {
        let patch = InstancePatch { config: mark.clone().into(), ..InstancePatch::default() };
        site.client.patch_instance(instance, &patch, None).await?;
    }
    let [keep] = mark;
    let placed: Option<Placed> = site.run.folder().cell(cell).read()?;
    lanes::mark(site, cell, placed.as_ref(), keep).await?;
    let kept = folder::kept(&site.config.out_dir);
    // Its owner's alone, like all that runs write.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&kept);
    made.map_err(|source| ClusterError::Io { action: "create", path: kept, source })?;
    update(&site.config, manifest)
}

/// Records a kept cluster as it is now.
///
/// # Errors
/// When it cannot be written.
pub fn update(config: &Config, manifest: &Manifest) -> Result<(), ClusterError> {
    Ok(folder::write(&record(config, manifest.plan.cell.as_str()), manifest)?)
}

/// Keeps what there is of a cluster that was not formed, whose folder this is: the members that are up, so that a
/// person can look at them. `None` where there are none. `problem` is why it was not formed.
///
/// # Errors
/// Those of [`keep`].
pub async fn keep_unformed(site: &Site, dir: &Path, problem: &str) -> Result<Option<String>, ClusterError> {
    let Some(Planned { plan, mut instances }) = Planned::find(dir)? else { return Ok(None) };
    for (member, instance) in instances.clone() {
        if site.client.find_instance(&instance).await?.is_none() {
            instances.remove(&member);
        }
    }
    if instances.is_empty() {
        return Ok(None);
    }
    let golden = if plan.formation.is_microcloud() { "golden-microcloud" } else { "golden" };
    let (_, product): (Golden, Product) =
        site.run.once(golden, async || Err(ClusterError::Empty(plan.cell.to_string()))).await?;
    let settled = Settled { ms: 0, looks: 0, last_ms: 0, unsatisfied: vec![format!("not formed: {problem}")] };
    let manifest = Manifest {
        product,
        plan,
        steps: Vec::new(),
        instances,
        settled,
        observation: Observation::default(),
        tried: None,
        no_traffic: None,
    };
    keep(site, &manifest).await.map(Some)
}

/// The kept cluster of a cell; `None` when there is none.
///
/// # Errors
/// When its record cannot be read.
pub fn kept(config: &Config, cell: &str) -> Result<Option<Manifest>, ClusterError> {
    Ok(folder::read(&record(config, cell))?)
}

/// The names of the cells that have a kept cluster, sorted.
pub fn kept_cells(config: &Config) -> Vec<String> {
    let folder = folder::kept(&config.out_dir);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut cells: Vec<String> =
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned())).collect();
    cells.sort();
    cells
}

/// Forgets the kept cluster of a cell.
///
/// # Errors
/// When its record is there and cannot be removed.
pub fn forget(config: &Config, cell: &str) -> Result<(), ClusterError> {
    let path = record(config, cell);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ClusterError::Io { action: "remove", path, source })
        }
        _ => Ok(()),
    }
}

/// The kept cluster of a cell as it is now: every member is read anew, once. `None` when there is none, or its
/// instances are gone.
///
/// # Errors
/// When LXD does not answer or the record cannot be read.
pub async fn reuse(site: &Site, cell: &str) -> Result<Option<Manifest>, ClusterError> {
    let Some(mut manifest) = kept(&site.config, cell)? else { return Ok(None) };
    for instance in manifest.instances.values() {
        if site.client.find_instance(instance).await?.is_none() {
            return Ok(None);
        }
    }
    let started = Instant::now();
    let mut observation = Observation::default();
    let all = Subject::ALL.iter().copied().collect();
    observe(&site.client, &manifest.plan.state, &manifest.instances, &all, &mut observation).await;
    let unsatisfied = expect::unsatisfied(&manifest.plan.state, &observation, None);
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    manifest.settled = Settled {
        ms,
        looks: 1,
        last_ms: ms,
        unsatisfied: unsatisfied.into_iter().map(|(check, _)| check.name.to_owned()).collect(),
    };
    manifest.observation = observation;
    manifest.tried = None;
    Ok(Some(manifest))
}

/// Where a kept cluster is recorded.
fn record(config: &Config, cell: &str) -> PathBuf {
    folder::kept(&config.out_dir).join(format!("{cell}.json"))
}
