//! The storage pool that the framework has in LXD for good.

use std::path::{Path, PathBuf};

use super::SetupOptions;
use super::begun::{Begun, Object};
use super::error::Error;
use super::owned::{check_ours, is_tagged, tagged};
use crate::image::Progress;
use crate::lxd::{Client, Endpoint, StoragePool, StoragePoolSpec};
use crate::wait::{self, Pace, Poll, WaitError};

const GIB: u64 = 1 << 30;

/// The least free space that golden images and a handful of nodes fit in.
const LEAST_SPACE: u64 = 5 * GIB;

/// How long a pool that is there and not made yet may be at it.
const PENDING: Pace = Pace::new(10, 500);

/// The pool's driver, if the pool is there and whole. One that is being made is waited for; what is left of a creation that
/// failed is removed.
async fn find(
    client: &Client,
    name: &str,
    members: &[String],
    progress: &mut Progress<'_>,
) -> Result<Option<String>, Error> {
    let look = || async { client.find_storage_pool(name).await };
    let attempt = || Error::lxd(format!("look for storage pool {name}"));
    let Some(found) = look().await.map_err(attempt())? else { return Ok(None) };
    check_everywhere(&found.value, members)?;
    check_ours(&found.value.config, "storage pool", name)?;
    let mut pool = Some(found.value);
    if pool.as_ref().is_some_and(StoragePool::is_pending) {
        progress("waiting for a storage pool that is being made");
        let made = wait::until("the storage pool to be made", PENDING, || async {
            match look().await {
                Ok(Some(found)) if found.value.is_pending() => Poll::NotYet(found.value.status),
                Ok(found) => Poll::Ready(found.map(|found| found.value)),
                Err(error) => Poll::Failed(error),
            }
        });
        match made.await {
            Ok(found) => pool = found,
            Err(WaitError::Failed { source, .. }) => return Err(attempt()(source)),
            // Nobody makes it any more.
            Err(WaitError::Deadline { .. }) => {}
        }
    }
    match pool {
        Some(pool) if pool.is_half_made() => {
            progress("removing a storage pool that is half made");
            let removed = client.delete_storage_pool(name).await;
            removed.map_err(Error::lxd(format!("remove storage pool {name}, which is half made")))?;
            Ok(None)
        }
        pool => Ok(pool.map(|pool| pool.driver)),
    }
}

/// Fails if a pool that this framework did not begin is defined on some members of the cluster only.
pub(super) fn check_everywhere(pool: &StoragePool, members: &[String]) -> Result<(), Error> {
    let lacking: Vec<&str> =
        members.iter().filter(|member| !pool.locations.contains(member)).map(String::as_str).collect();
    // What is ours and half made is made anew.
    if lacking.is_empty() || pool.locations.is_empty() || is_tagged(&pool.config) {
        return Ok(());
    }
    let name = &pool.name;
    Err(Error::Host {
        problem: format!(
            "storage pool {name} is on the members {} of the LXD cluster and not on {}",
            pool.locations.join(", "),
            lacking.join(", ")
        ),
        mend: format!(
            "define it on all (`lxc storage create {name} {} --target NAME`) and then without --target, remove it (`lxc \
             storage delete {name}`), or name another with TESTKIT_POOL",
            pool.driver
        ),
    })
}

/// The driver of the pool, which is made where there is none.
pub(super) async fn ensure(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    local: bool,
    changes: &mut Vec<String>,
    advice: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<String, Error> {
    let name = &options.pool;
    let slow = "a copy of a node takes seconds with storage driver dir, and a fraction of one with btrfs: install \
                btrfs-progs, then `testkit teardown` and `testkit setup`";
    let (client, members) = (begun.client, begun.members);
    if let Some(driver) = find(client, name, members, progress).await? {
        if driver == "dir" {
            advice.push(slow.to_owned());
        }
        return Ok(driver);
    }
    let mut size = options.pool_size.unwrap_or(20 * GIB);
    if local && let Some(dir) = lxd_folder(options) {
        let space =
            rustix::fs::statvfs(&dir).map_err(|error| Error::file("see the free space of", &dir)(error.into()))?;
        let free = space.f_bavail * space.f_frsize;
        if free < LEAST_SPACE {
            let problem = format!("{} has {} MiB free, nodes need {}", dir.display(), free >> 20, LEAST_SPACE >> 20);
            return Err(Error::Host { problem, mend: "free some space, or move LXD's folder".to_owned() });
        }
        size = options.pool_size.unwrap_or((free / 4).clamp(8 * GIB, 40 * GIB).min(free));
    }
    progress("creating a storage pool");
    let mut spec = StoragePoolSpec::new(name, "btrfs");
    spec.description = "MicroOVN system tests; `testkit teardown` removes it".to_owned();
    // The loop file is sparse: it takes what is written to it.
    spec.config = tagged(&[("size", &format!("{}MiB", size >> 20))]);
    if client.server().has_storage_driver("btrfs") {
        let pool = Object::Pool(name.clone());
        match begun.make(pool, async |client| client.create_storage_pool_on(members, &spec).await).await {
            Ok(()) => {
                changes.push(format!("created storage pool {name} (btrfs, up to {} GiB)", size >> 30));
                return Ok("btrfs".to_owned());
            }
            Err(error) if error.is_already_exists() => {
                return Err(Error::lxd(format!("create storage pool {name}"))(error));
            }
            Err(error) => {
                tracing::warn!(%error, "no btrfs storage pool");
                let removed = client.delete_storage_pool(name).await;
                removed.map_err(Error::lxd(format!("remove storage pool {name}, which is half made")))?;
            }
        }
    }
    advice.push(slow.to_owned());
    spec.driver = "dir".to_owned();
    spec.config.remove("size");
    let pool = Object::Pool(name.clone());
    let made = begun.make(pool, async |client| client.create_storage_pool_on(members, &spec).await).await;
    made.map_err(Error::lxd(format!("create storage pool {name}")))?;
    changes.push(format!("created storage pool {name} (dir)"));
    Ok("dir".to_owned())
}

/// LXD's folder on this host, where the loop file will be.
fn lxd_folder(options: &SetupOptions) -> Option<PathBuf> {
    let given = match &options.endpoint {
        Some(Endpoint::Unix(socket)) => socket.parent().map(Path::to_owned),
        _ => options.lxd_dir.clone(),
    };
    // A socket in /run is not where the files are.
    let given = given.filter(|dir| !dir.starts_with("/run"));
    let usual = ["/var/snap/lxd/common/lxd", "/var/lib/lxd", "/var/lib/incus"].map(PathBuf::from);
    given.into_iter().chain(usual).find(|dir| dir.exists())
}
