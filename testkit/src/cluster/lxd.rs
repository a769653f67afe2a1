//! LXD on a member, which makes networks of its own over MicroOVN.

use std::path::PathBuf;
use std::time::Duration;

use super::{ClusterError, Site, golden};
use crate::image::{self, Workspace};
use crate::lxd::{Exec, FileSpec};

/// Where the file lies on a member while it is unpacked.
const FILE: &str = "/var/tmp/lxd.squashfs";

/// The file with what a member takes to have LXD, which is made once in the run.
///
/// # Errors
/// When it cannot be made.
pub(super) async fn prepare(site: &Site) -> Result<PathBuf, ClusterError> {
    let make = async || {
        let (cache, _alone) = golden::locks::take(&site.config.cache_dir).await?;
        let workspace = Workspace::new(&site.config.root);
        Ok::<_, ClusterError>(image::build_lxd(&workspace, &cache, &mut |text| tracing::info!("{text}"))?)
    };
    site.run.once("lxd", make).await
}

/// Unpacks it over the root folder of a member. An exit code, and what was said.
///
/// # Errors
/// When it cannot be made, or LXD fails.
pub(super) async fn bring(site: &Site, instance: &str, within: Duration) -> Result<(i32, String), ClusterError> {
    let file = prepare(site).await?;
    let content = std::fs::read(&file).map_err(|source| ClusterError::Io { action: "read", path: file, source })?;
    site.client.push_file(instance, FILE, &FileSpec::new(content).mode(0o600)).await?;
    let unpack = Exec::new(["unsquashfs", "-no-progress", "-force", "-dest", "/", FILE]).timeout(within);
    let unpacked = site.client.exec(instance, &unpack).await?;
    site.client.exec(instance, &Exec::new(["rm", FILE]).timeout(within)).await?;
    Ok((unpacked.exit_code, unpacked.stderr_text()))
}
