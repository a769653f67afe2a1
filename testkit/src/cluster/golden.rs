//! What a cluster is cloned from: the node image and the snaps the configuration names, as one golden image.

mod given;
pub(super) mod locks;
mod maker;
mod stand_in;

pub use given::{GivenSnaps, check_given_snaps, require_product};
pub use maker::maker;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use futures_util::future::try_join_all;

use super::{ClusterError, Product};
use crate::config::Config;
use crate::image::{self, Cache, Golden, GoldenSpec, Progress, SnapStore, Workspace};
use crate::lxd::{Client, ImageRef};
use crate::plan::Datapath;
use given::{MICROCLOUD, complete, find_older, inspect_beside, inspect_given, named};

/// Builds or finds the golden image of this configuration.
///
/// # Errors
/// When a snap cannot be used, an artifact cannot be built, or LXD refuses. Nothing half made is left.
pub async fn golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(Golden, Product), ClusterError> {
    let (spec, product, _alone) = describe(config, client, progress).await?;
    let golden = image::ensure_golden(client, &spec, progress).await?;
    Ok((golden, product))
}

/// Builds or finds the golden image of the release that upgrades start from, with the one under test lying on it as a file; the
/// product is that one. `None` where there is no older release.
///
/// # Errors
/// As [`golden`].
pub async fn older_golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<Option<(Golden, Product)>, ClusterError> {
    let (spec, product, locks) = describe(config, client, progress).await?;
    let workspace = Workspace::new(&config.root);
    let cast = match find_older(config, |channel| Ok(SnapStore::new(&locks.0).channel(channel, false)?))? {
        Some(older) => Some(complete(config, (older, spec.extra_snaps.clone()), &workspace, &locks.0, progress)?),
        None if config.snap.is_none() => stand_in::older(config.stand_in, &workspace, &locks.0, progress)?,
        None => None,
    };
    let Some((snap, extra_snaps)) = cast else { return Ok(None) };
    let spec = GoldenSpec { snap, extra_snaps, newer: Some(spec.snap), ..spec };
    Ok(Some((image::ensure_golden(client, &spec, progress).await?, product)))
}

/// Builds or finds the golden image of this configuration with MicroCloud beside the product, and the LXD that the configuration
/// names for it.
///
/// # Errors
/// As [`golden`], and when what is named is something else.
pub async fn microcloud_golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(Golden, Product), ClusterError> {
    let (mut spec, mut product, locks) = describe(config, client, progress).await?;
    let [microcloud, lxd] = inspect_beside(config)?;
    spec.beside.extend(lxd);
    let (microcloud, what) = match microcloud {
        Some(given) => (given, ""),
        None => {
            let base = spec.snap.base.as_deref().unwrap_or("core");
            let built = image::build_microcloud(&spec.workspace, &locks.0, base, progress)?;
            (named(config, &built, MICROCLOUD)?, "the stand-in for ")
        }
    };
    product.microcloud = Some(format!("{what}{} {}", microcloud.name, microcloud.version));
    spec.beside.push(microcloud);
    Ok((image::ensure_golden(client, &spec, progress).await?, product))
}

/// Has LXD copy the golden image to every other member of the cluster that is there, to all at the same time, each once; how
/// many have it now. Nothing is to be done where LXD is no cluster.
///
/// # Errors
/// When it cannot be copied to one.
pub async fn golden_everywhere(
    client: &Client,
    golden: &Golden,
    tell: impl Fn(&str) + Sync,
) -> Result<usize, ClusterError> {
    if !client.is_clustered() {
        return Ok(1);
    }
    let members = client.list_cluster_members().await?;
    let copies = members.iter().filter(|member| member.is_online()).map(async |member| {
        image::ensure_golden_on(client, golden, &member.name, &maker(), &mut |text| tell(text)).await
    });
    Ok(try_join_all(copies).await?.len())
}

/// The node image built here and the snaps in the order in which they are installed, the one to test last: what somebody
/// needs who makes members by hand. `None` where the configuration names another image, which needs more steps.
///
/// # Errors
/// As [`golden`].
pub async fn ingredients(config: &Config, client: &Client) -> Result<Option<(String, Vec<PathBuf>)>, ClusterError> {
    let (spec, _, _locks) = describe(config, client, &mut |_| {}).await?;
    let image = match spec.image {
        ImageRef::Alias(alias) if config.node_image.is_none() => alias,
        _ => return Ok(None),
    };
    Ok(Some((image, spec.extra_snaps.into_iter().chain([spec.snap]).map(|snap| snap.path).collect())))
}

/// What the golden image of this configuration is made of, with the product, and the locks that must be held while it
/// is made.
pub(super) async fn describe(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(GoldenSpec, Product, (Cache, File)), ClusterError> {
    let given = inspect_given(config)?;
    Cache::require_ours(&config.cache_dir)?;
    let named = check_lxd(config, client, progress).await?;
    let workspace = Workspace::new(&config.root);
    let locks = locks::take(&config.cache_dir).await?;
    let (snap, extra) = match given {
        Some(given) => complete(config, given, &workspace, &locks.0, progress)?,
        None => stand_in::snaps(config.stand_in, &workspace, &locks.0, progress)?,
    };
    let datapath = if crate::host::ensure_datapath(config).userspace { Datapath::Userspace } else { Datapath::Kernel };
    let product = Product {
        stand_in: config.snap.is_none(),
        name: snap.name.clone(),
        version: snap.version.clone(),
        sha256: snap.sha256.to_string(),
        datapath: Some(datapath),
        microcloud: None,
    };
    let image = match named {
        Some(image) => image,
        None => {
            let node = image::build_node(&workspace, &locks.0, progress)?;
            image::ensure_node_image(client, &node, image::NODE_ALIAS).await?;
            ImageRef::Alias(image::NODE_ALIAS.to_owned())
        }
    };
    let spec = GoldenSpec {
        workspace,
        image,
        extra_snaps: extra,
        snap,
        newer: None,
        beside: Vec::new(),
        pool: config.pool.clone(),
        network: Some(crate::host::BRIDGE.to_owned()),
        tags: BTreeMap::new(),
        maker: maker(),
    };
    Ok((spec, product, locks))
}

/// Fails if LXD lacks what the configuration names, before anything is built for it. Returns the node image that is
/// named, if one is.
async fn check_lxd(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<Option<ImageRef>, ClusterError> {
    if client.find_storage_pool(&config.pool).await?.is_none() {
        return Err(image::Error::NoPool { pool: config.pool.clone() }.into());
    }
    match &config.node_image {
        None => Ok(None),
        Some(name) => {
            let named = image::Named { name, server: config.image_server.as_ref(), cache: &config.cache_dir };
            Ok(Some(image::find_or_pull(client, &named, progress).await?))
        }
    }
}
