//! Advisory file locks, which the kernel drops when their holder dies.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Opens a lock file, making it when absent.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
}

/// Waits for the lock to itself, without holding up other tasks.
pub(super) async fn exclusive(path: &Path) -> io::Result<File> {
    blocking(path, |file| file.lock()).await
}

/// Waits for the lock together with other sharers.
pub(super) async fn shared(path: &Path) -> io::Result<File> {
    blocking(path, |file| file.lock_shared()).await
}

/// Waits until nobody has the lock to itself, however long that takes: nothing waits for this where it is not waited for any more.
pub(super) async fn free(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own, since a runtime waits for its blocking tasks when it shuts down.
    let wait = move || tell.send(open(&path).and_then(|file| file.lock_shared()));
    std::thread::Builder::new().name("lock".to_owned()).spawn(wait)?;
    told.await.map_err(io::Error::other)?
}

/// The lock to itself if nobody holds it now.
pub(super) fn try_exclusive(path: &Path) -> io::Result<Option<File>> {
    try_lock(path, File::try_lock)
}

/// Whether nobody has the lock to itself now.
pub(super) fn is_free(path: &Path) -> io::Result<bool> {
    Ok(try_lock(path, File::try_lock_shared)?.is_some())
}

fn try_lock(path: &Path, take: fn(&File) -> Result<(), std::fs::TryLockError>) -> io::Result<Option<File>> {
    let file = open(path)?;
    match take(&file) {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

async fn blocking(path: &Path, take: fn(&File) -> io::Result<()>) -> io::Result<File> {
    let path: PathBuf = path.to_owned();
    let taken = tokio::task::spawn_blocking(move || {
        let file = open(&path)?;
        take(&file)?;
        Ok(file)
    });
    taken.await.map_err(io::Error::other)?
}
