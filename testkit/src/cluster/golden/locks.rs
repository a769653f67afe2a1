//! The right to make golden images, which one process of a host has at a time.

use std::fs::File;
use std::path::Path;

use crate::cluster::ClusterError;
use crate::image::{self, Cache};

/// Waits for the cache and for the right to make golden images, without holding up other tasks: who has them may be
/// waiting for LXD, which must not wait for a request of ours.
pub(in crate::cluster) async fn take(folder: &Path) -> Result<(Cache, File), ClusterError> {
    let (folder, path) = (folder.to_owned(), image::golden_lock_path(folder));
    let taken = tokio::task::spawn_blocking(move || {
        let cache = Cache::open(&folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let alone = file.and_then(|file| file.lock().map(|()| file));
        Ok((cache, alone.map_err(|source| ClusterError::Io { action: "lock", path, source })?))
    });
    taken.await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_the_cache_holds_up_no_other_task() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = Cache::open(folder.path()).expect("a cache");
        // On the one thread of this test, a wait that blocks would keep the other from letting go.
        let (taken, ()) = tokio::join!(take(folder.path()), async { drop(other) });
        taken.expect("both locks");
    }
}
