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

/// The lock to itself if nobody holds it now.
pub(super) fn try_exclusive(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    match file.try_lock() {
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
