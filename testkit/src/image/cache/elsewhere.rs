//! Folders outside of the cache, for programs that cannot work in it, and how they go when their process dies.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Cache;
use crate::image::error::Error;
use crate::image::program::remove_tree;

/// The extension of a file with the path of a folder elsewhere.
const ELSEWHERE: &str = "elsewhere";
/// How the names of such folders begin. Nothing else is removed, whatever a file says.
const SCRATCH: &str = "testkit-bootstrap-";

/// A folder for a program, outside of the cache.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Removes it, with what the program left in it.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(self) -> Result<(), Error> {
        remove_tree(&self.folder)
    }
}

impl Cache {
    /// A folder for a program that works as other users too, who cannot enter a home: among the temporary files of this
    /// host. Where it is stands beside `made`, so that whoever opens the cache next removes it, if this process dies.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch_elsewhere(&self, made: &Path) -> Result<Scratch, Error> {
        let folder = std::env::temp_dir().join(format!("{SCRATCH}{}", process_and_moment()));
        let note = made.with_extension(ELSEWHERE);
        // Written down before it is made.
        fs::write(&note, folder.as_os_str().as_encoded_bytes()).map_err(Error::file("write", &note))?;
        fs::DirBuilder::new().mode(0o755).create(&folder).map_err(Error::file("create", &folder))?;
        Ok(Scratch { folder })
    }
}

/// Removes the folders elsewhere that processes which died have noted in `tmp`.
pub(super) fn remove_left(tmp: &Path) -> Result<(), Error> {
    for work in fs::read_dir(tmp).into_iter().flatten().flatten() {
        for note in fs::read_dir(work.path()).into_iter().flatten().flatten() {
            if note.path().extension() != Some(ELSEWHERE.as_ref()) {
                continue;
            }
            let folder = fs::read_to_string(note.path()).map(PathBuf::from).unwrap_or_default();
            if folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SCRATCH)) {
                remove_tree(&folder)?;
            }
        }
    }
    Ok(())
}

/// A name that no other process has, nor this one again.
fn process_and_moment() -> String {
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), moment.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_elsewhere_goes_when_the_cache_is_opened_next() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let work = root.path().join("tmp/bootstrap-x");
        fs::create_dir(&work).unwrap();
        let scratch = cache.scratch_elsewhere(&work.join("artifact.tar")).unwrap().folder;
        fs::write(scratch.join("left"), "").unwrap();
        // One that is not ours is not touched, whatever is written down.
        let other = tempfile::tempdir().unwrap();
        fs::write(work.join("other.elsewhere"), other.path().as_os_str().as_encoded_bytes()).unwrap();
        drop(cache);
        assert!(scratch.exists());
        Cache::open(root.path()).unwrap();
        assert!(!scratch.exists() && other.path().exists());
    }
}
