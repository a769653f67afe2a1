//! Whether the storage pool has room: asked before something large is made, and again when it failed.

use crate::image::Error;
use crate::lxd::{Client, StoragePoolResources, says_no_space};

const MIB: u64 = 1 << 20;

/// What a golden image takes, with room for the nodes copied from it, in MiB.
const GOLDEN: u64 = 512;

/// With less than this, in MiB, a failure is put down to the lack of room: btrfs keeps about as much for itself.
const SCARCE: u64 = 96;

/// A pool that is full, without what failed for it.
#[derive(Debug)]
pub struct Full {
    pool: String,
    free: u64,
    total: u64,
    need: u64,
}

impl Full {
    fn of(pool: &str, resources: &StoragePoolResources, need: u64) -> Self {
        let free = resources.space.total.saturating_sub(resources.space.used);
        Self { pool: pool.to_owned(), free: free / MIB, total: resources.space.total / MIB, need }
    }

    /// The error, with what failed for it.
    pub fn because(self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        let Self { pool, free, total, need } = self;
        Error::PoolFull { pool, free, total, need, source: Some(Box::new(cause)) }
    }
}

/// Fails if a golden image does not fit in the pool.
pub(super) async fn for_golden(client: &Client, pool: &str) -> Result<(), Error> {
    let resources = client.get_storage_pool_resources(pool).await;
    let resources = resources.map_err(Error::lxd(format!("see the free space of storage pool {pool}")))?;
    let Full { pool, free, total, need } = Full::of(pool, &resources, GOLDEN);
    if free < need { Err(Error::PoolFull { pool, free, total, need, source: None }) } else { Ok(()) }
}

/// The pool, if `error` is for want of room in it: its words say so, or next to nothing is free.
/// `member` is the one of the LXD cluster whose part of the pool it is.
pub async fn found_full(
    client: &Client,
    pool: &str,
    member: Option<&str>,
    error: &(dyn std::error::Error + 'static),
) -> Option<Full> {
    let resources = match member {
        None => client.get_storage_pool_resources(pool).await.ok()?,
        Some(member) => client.get_storage_pool_resources_on(pool, member).await.ok()?,
    };
    let full = Full::of(pool, &resources, GOLDEN);
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let says = causes.any(|cause| says_no_space(&cause.to_string()));
    (says && full.free < full.need || full.free < SCARCE).then_some(full)
}
