//! The snaps that a configuration names: what each must be, and whether they suit nodes.

use std::path::{Path, PathBuf};

use crate::cluster::ClusterError;
use crate::config::{Config, LxdTarget, UpgradeFrom};
use crate::image::{self, Cache, NodeSnapd, Progress, Snap, SnapStore, Workspace};

/// A snap beside the product: the variable that says which, and its name.
pub(super) type Beside = (&'static str, &'static str);
pub(super) const MICROCLOUD: Beside = ("MICROCLOUD_SNAP_PATH", "microcloud");
const LXD: Beside = ("LXD_SNAP_PATH", "lxd");

/// The snaps that a configuration names, which were looked at.
#[derive(Debug)]
pub struct GivenSnaps {
    /// The one under test, and those to install before it.
    tested: Option<(Snap, Vec<Snap>)>,
    /// The one that upgrades start from.
    older: Option<Snap>,
}

impl GivenSnaps {
    /// Looks at the snap under test, those to install before it and the one that upgrades start from, where the configuration names
    /// them; with `microcloud` also at those that MicroCloud forms clusters with. Needs no LXD, so that a command can fail for them
    /// before it does anything else.
    ///
    /// # Errors
    /// When one cannot be used, an upgrade is none, or there are some to install first and none to test.
    pub fn inspect(config: &Config, microcloud: bool) -> Result<Self, ClusterError> {
        let tested = inspect_given(config)?;
        if microcloud {
            inspect_beside(config)?;
        }
        let fetch = |channel: &str| Ok(SnapStore::new(&Cache::open(&config.cache_dir)?).channel(channel, true)?);
        let older = find_older(config, fetch)?;
        if let (Some((snap, _)), Some(older)) = (&tested, &older)
            && older.is_newer_than(snap)
        {
            return Err(ClusterError::NewerBefore { older: Box::new(older.clone()), newer: Box::new(snap.clone()) });
        }
        Ok(Self { tested, older })
    }

    /// Fails unless they suit the nodes. And unless LXD answers, which is asked first: to make what nodes are made of takes minutes.
    ///
    /// # Errors
    /// When no LXD answers, or one needs what a node does not have.
    pub async fn require_suitable(self, config: &Config, progress: &mut Progress<'_>) -> Result<(), ClusterError> {
        Cache::require_ours(&config.cache_dir)?;
        crate::host::connect(config).await?;
        let Some((snap, extra)) = self.tested else { return Ok(()) };
        let workspace = Workspace::new(&config.root);
        let cache = Cache::open(&config.cache_dir)?;
        for snap in [snap].into_iter().chain(self.older) {
            complete(config, (snap, extra.clone()), &workspace, &cache, progress)?;
        }
        Ok(())
    }
}

/// Looks at the snaps that the configuration names, and whether LXD answers and they suit the nodes.
///
/// # Errors
/// As [`GivenSnaps::inspect`] and [`GivenSnaps::require_suitable`].
pub async fn check_given_snaps(
    config: &Config,
    microcloud: bool,
    progress: &mut Progress<'_>,
) -> Result<(), ClusterError> {
    GivenSnaps::inspect(config, microcloud)?.require_suitable(config, progress).await
}

/// Fails unless this is a snap of MicroOVN for the hosts that clusters are on.
///
/// # Errors
/// With what it is, and what to give instead.
pub fn require_product(config: &Config, snap: &Snap) -> Result<(), image::Error> {
    snap.require_microovn()?;
    require_host(config, snap)
}

/// The snap under test and those to install before it, where the configuration names them.
pub(super) fn inspect_given(config: &Config) -> Result<Option<(Snap, Vec<Snap>)>, ClusterError> {
    config.require_decided()?;
    let Some(path) = &config.snap else {
        return match config.extra_snaps.first() {
            Some(extra) => Err(ClusterError::ExtraAlone(extra.clone())),
            None => Ok(None),
        };
    };
    let paths: Vec<&Path> = [path].into_iter().chain(&config.extra_snaps).map(PathBuf::as_path).collect();
    let mut snaps = Snap::inspect_all(&paths)?;
    let extra = snaps.split_off(1);
    let snap = snaps.remove(0);
    require_product(config, &snap)?;
    for (place, given) in extra.iter().enumerate() {
        require_host(config, given)?;
        let twice = extra[..place].iter().any(|before| before.name == given.name);
        let problem = match given.name == snap.name {
            true => format!("it is of {}, as the snap under test", snap.name),
            false if twice => format!("it is of {}, as another one before it", given.name),
            false => continue,
        };
        let mend = "leave it out of MICROOVN_EXTRA_SNAPS".to_owned();
        return Err(image::Error::Snap { path: given.path.clone(), problem, mend }.into());
    }
    Ok(Some((snap, extra)))
}

/// MicroCloud and the LXD that it needs, each where the configuration names one.
pub(super) fn inspect_beside(config: &Config) -> Result<[Option<Snap>; 2], ClusterError> {
    let of = |path: &Option<PathBuf>, what| path.as_ref().map(|path| named(config, path, what)).transpose();
    Ok([of(&config.microcloud_snap, MICROCLOUD)?, of(&config.lxd_snap, LXD)?])
}

pub(super) fn named(config: &Config, path: &Path, (variable, name): Beside) -> Result<Snap, ClusterError> {
    let snap = Snap::inspect(path)?;
    if snap.name != name {
        return Err(ClusterError::OtherSnap { variable, name, found: snap.name });
    }
    require_host(config, &snap)?;
    Ok(snap)
}

/// The snap that upgrades start from, where the configuration names one.
pub(super) fn find_older(
    config: &Config,
    fetch: impl FnOnce(&str) -> Result<PathBuf, ClusterError>,
) -> Result<Option<Snap>, ClusterError> {
    let path = match &config.upgrade_from {
        None => return Ok(None),
        Some(from) if config.snap.is_none() => return Err(ClusterError::UpgradeAlone(from.to_string())),
        Some(UpgradeFrom::File(path)) => path.clone(),
        Some(UpgradeFrom::Channel(channel)) => fetch(channel)?,
    };
    let snap = Snap::inspect(&path)?;
    require_product(config, &snap)?;
    Ok(Some(snap))
}

/// The snap that is given and those to install before it, with what the store has of what is lacking still. What an image of
/// somebody else's has is not known before it is there.
///
/// # Errors
/// When one of them needs what neither a node nor the snaps before it have.
pub(super) fn complete(
    config: &Config,
    (snap, extra): (Snap, Vec<Snap>),
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<(Snap, Vec<Snap>), ClusterError> {
    if config.node_image.is_some() {
        return Ok((snap, extra));
    }
    let (extra, refused) = SnapStore::new(cache).supply(&snap, extra, progress);
    let version = Some(image::node_snapd(workspace, cache, progress)?);
    let snaps: Vec<&Snap> = extra.iter().chain([&snap]).collect();
    image::require(&snaps, &NodeSnapd { version, alone: true }).map_err(|error| match (error, refused) {
        (image::Error::Snap { path, problem, mend }, Some(refused)) => {
            image::Error::Snap { path, problem: format!("{problem}; {refused}"), mend }
        }
        (error, _) => error,
    })?;
    Ok((snap, extra))
}

/// Fails unless this is for hosts as this one. Of those that are elsewhere it is not known what they are.
fn require_host(config: &Config, snap: &Snap) -> Result<(), image::Error> {
    match config.lxd {
        LxdTarget::Local { .. } => snap.require_architecture(image::debian_architecture()),
        LxdTarget::Remote { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests;
