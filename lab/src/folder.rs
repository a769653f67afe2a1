//! The folder of something that runs beside this process and goes with it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder of the cache that only the lab uses: while a kernel is made for it, which takes long, images can be.
pub(crate) const LAB: &str = "lab";

/// A folder among the temporary files, by this process's number. It goes when this is dropped, or, where this process was
/// killed, when the next one of its kind is made.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes one whose name begins like that, and removes those that dead processes left.
    pub(crate) fn make(prefix: &str) -> io::Result<Self> {
        let base = std::env::temp_dir();
        for entry in fs::read_dir(&base)?.flatten() {
            let left = entry.path();
            let ours = entry.file_name().to_string_lossy().starts_with(prefix);
            // Whoever is at work holds the lock.
            if ours && File::open(left.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok()) {
                match fs::remove_dir_all(&left) {
                    // Another was quicker.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
        }
        let path = base.join(format!("{prefix}{}", std::process::id()));
        // It comes with its lock: for a moment without, another would take it for that of a dead process.
        let readable = Permissions::from_mode(0o755);
        let made = tempfile::Builder::new().prefix("making-").permissions(readable).tempdir_in(&base)?;
        let lock = File::create(made.path().join("lock"))?;
        lock.lock()?;
        fs::rename(made.path(), &path)?;
        // There is nothing in its place any more.
        let _ = made.keep();
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, which no other process's has.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whether it is gone is looked at by who proves that nothing is left.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_dead_process_goes_and_that_of_a_living_one_stays() {
        const PREFIX: &str = "testkit-lab-folder-";
        let living = Folder::make(PREFIX).expect("a folder");
        let dead = std::env::temp_dir().join(format!("{PREFIX}dead-{}", std::process::id()));
        fs::create_dir(&dead).expect("left");
        fs::write(dead.join("lock"), "").expect("left");
        // One process has one folder.
        assert!(Folder::make(PREFIX).is_err());
        assert!(!dead.exists() && living.path().exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
