//! The snaps of the stand-in, built where they are not cached.

use crate::cluster::ClusterError;
use crate::config::StandIn;
use crate::image::{self, Cache, Progress, Snap, Workspace};

/// The stand-in, and the snaps to install before it.
pub(super) fn snaps(
    release: Option<StandIn>,
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<(Snap, Vec<Snap>), ClusterError> {
    let release = image::choose_release(workspace, cache, release)?;
    let built = image::build_snaps(workspace, cache, release, progress)?;
    let mut snaps = Snap::inspect_all(&[&built.stand_in, &built.snapd, &built.base])?;
    let extra = snaps.split_off(1);
    let snap = snaps.remove(0);
    snap.require_microovn()?;
    Ok((snap, extra))
}

/// The release of the stand-in before the one under test, and the snaps to install before it: the bases of both.
pub(super) fn older(
    release: Option<StandIn>,
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<Option<(Snap, Vec<Snap>)>, ClusterError> {
    let release = image::choose_release(workspace, cache, release)?;
    let Some(older) = image::find_older_release(workspace, cache, release)? else { return Ok(None) };
    let newer_base = image::build_base(workspace, cache, release, progress)?;
    let built = image::build_snaps(workspace, cache, older, progress)?;
    let extra = [&built.snapd, &built.base, &newer_base].map(|path| Snap::inspect(path));
    Ok(Some((Snap::inspect(&built.stand_in)?, extra.into_iter().collect::<Result<_, _>>()?)))
}
