//! The cache of made artifacts: named by what they are made of, complete or absent.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::error::Error;
use super::hash::Hash;
use super::program::remove_tree;

/// Artifacts with the time of their making, oldest first, by stem and extension.
type Artifacts = BTreeMap<(String, String), Vec<(SystemTime, PathBuf)>>;

/// How many artifacts of one name stay: today's, and those of a checkout or two besides.
const KEPT: usize = 3;

/// A folder of artifacts, held by one process at a time.
///
/// An artifact is made in `tmp/` and renamed into place, so that one that is there is whole. Only the holder of the
/// lock works in `tmp/`: what it finds there when it opens the cache was left by a process that died, and goes.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    /// Held while an artifact comes or goes: several may be made at the same time.
    placing: Mutex<()>,
    _lock: File,
}

impl Cache {
    /// Opens the cache at `root`, making it if need be; waits for another process to let go of it.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Cache { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(unusable)?;
        let path = root.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
            Err(TryLockError::WouldBlock) => {
                tracing::warn!(cache = %root.display(), "waiting for another process, which makes images");
                lock.lock().map_err(unusable)?;
            }
        }
        let tmp = root.join("tmp");
        if tmp.exists() {
            remove_elsewhere(&tmp)?;
            fs::remove_dir_all(&tmp).map_err(Error::file("remove", &tmp))?;
        }
        fs::create_dir(&tmp).map_err(Error::file("create", &tmp))?;
        Ok(Self { root: root.to_owned(), placing: Mutex::default(), _lock: lock })
    }

    /// The artifact `<stem>-<hash>.<extension>`, a file or a folder, made by `make` at the path it is given if it is not
    /// there yet.
    /// `make` may use that path's folder for what it needs on the way.
    ///
    /// # Errors
    /// Those of `make`, or when what it made cannot be put in place.
    pub fn ensure(
        &self,
        stem: &str,
        extension: &str,
        hash: &Hash,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let place = self.place(stem, extension, hash);
        if place.exists() {
            return Ok(place);
        }
        let folder = tempfile::Builder::new()
            .prefix(stem)
            .tempdir_in(self.root.join("tmp"))
            .map_err(Error::file("create a folder in", self.root.join("tmp")))?;
        let made = folder.path().join(format!("artifact.{extension}"));
        make(&made)?;
        let _placing = self.placing.lock().unwrap_or_else(PoisonError::into_inner);
        fs::rename(&made, &place).map_err(Error::file("put in place", &place))?;
        self.prune(stem, extension)?;
        Ok(place)
    }

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

    /// Removes the artifact, where it is there, so that it is made again.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(&self, stem: &str, extension: &str, hash: &Hash) -> Result<(), Error> {
        let place = self.place(stem, extension, hash);
        if place.exists() { remove(&place) } else { Ok(()) }
    }

    /// Whether the artifact is there.
    pub(crate) fn has(&self, stem: &str, extension: &str, hash: &Hash) -> bool {
        self.place(stem, extension, hash).exists()
    }

    fn place(&self, stem: &str, extension: &str, hash: &Hash) -> PathBuf {
        self.root.join(format!("{stem}-{}.{extension}", hash.short()))
    }

    /// Removes all but the newest few artifacts of a name.
    fn prune(&self, stem: &str, extension: &str) -> Result<(), Error> {
        let artifacts = self.artifacts()?.remove(&(stem.to_owned(), extension.to_owned()));
        artifacts.iter().flat_map(|found| found.iter().rev().skip(KEPT)).try_for_each(|(_, path)| remove(path))
    }

    /// Removes all but the newest artifact of every name, and returns how many bytes that freed.
    ///
    /// # Errors
    /// When the cache cannot be read, or something in it not be removed.
    pub fn keep_newest(&self) -> Result<u64, Error> {
        let mut freed = 0;
        for found in self.artifacts()?.into_values() {
            for (_, path) in found.iter().rev().skip(1) {
                freed += size(path).map_err(Error::file("read", path))?;
                remove(path)?;
            }
        }
        Ok(freed)
    }

    /// What is in the cache. A file that is named otherwise is no artifact.
    fn artifacts(&self) -> Result<Artifacts, Error> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in fs::read_dir(&self.root).map_err(Error::file("list", &self.root))? {
            let path = entry.map_err(Error::file("list", &self.root))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some((stem, (hash, extension))) =
                name.rsplit_once('-').and_then(|(stem, rest)| Some((stem, rest.split_once('.')?)))
            else {
                continue;
            };
            if hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let changed = path.metadata().and_then(|metadata| metadata.modified());
                let changed = changed.map_err(Error::file("read", &path))?;
                let artifact = (changed, path.clone());
                found.entry((stem.to_owned(), extension.to_owned())).or_default().push(artifact);
            }
        }
        found.values_mut().for_each(|artifacts| artifacts.sort());
        Ok(found)
    }
}

/// The extension of a file with the path of a folder elsewhere.
const ELSEWHERE: &str = "elsewhere";
/// How the names of such folders begin. Nothing else is removed, whatever a file says.
const SCRATCH: &str = "testkit-bootstrap-";

/// A name that no other process has, nor this one again.
fn process_and_moment() -> String {
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), moment.as_nanos())
}

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

/// Removes the folders elsewhere that processes which died have noted in `tmp`.
fn remove_elsewhere(tmp: &Path) -> Result<(), Error> {
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

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(Error::file("remove", path))
}

/// The bytes of a file, or of all files in a folder.
fn size(path: &Path) -> std::io::Result<u64> {
    if !path.is_dir() {
        return Ok(path.metadata()?.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::super::hash::Hasher;
    use super::*;

    fn hash(text: &str) -> Hash {
        Hasher::new("test").text("text", text).finish()
    }

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

    #[test]
    fn an_artifact_is_made_once() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let write = |path: &Path| fs::write(path, "made").map_err(Error::file("write", path));
        let first = cache.ensure("thing", "snap", &hash("a"), write).unwrap();
        let second = cache.ensure("thing", "snap", &hash("a"), |_| panic!("made again")).unwrap();
        assert_eq!(first, second);
        assert_eq!(fs::read_to_string(first).unwrap(), "made");
    }

    #[test]
    fn a_failed_or_killed_making_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let failed = cache.ensure("thing", "snap", &hash("a"), |path| {
            fs::write(path, "half").unwrap();
            Err(Error::Recipe { recipe: "test", problem: "stops here".into() })
        });
        assert!(failed.is_err());
        fs::write(root.path().join("tmp/left-by-the-killed"), "half").unwrap();
        drop(cache);
        Cache::open(root.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock", "tmp"]);
        assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn old_artifacts_go_and_others_names_stay() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        fs::write(root.path().join("thing-else-0123456789ab.snap"), "").unwrap();
        for n in 0..KEPT + 2 {
            let place = cache
                .ensure("thing", "snap", &hash(&n.to_string()), |path| {
                    fs::write(path, "").map_err(Error::file("", path))
                })
                .unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n as u64);
            File::options().write(true).open(place).unwrap().set_modified(time).unwrap();
        }
        let count = |prefix: &str| {
            let names = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().starts_with(prefix)).count()
        };
        assert_eq!(count("thing-else-"), 1);
        assert_eq!(count("thing-") - 1, KEPT);
        fs::write(root.path().join("golden.lock"), "no artifact").unwrap();
        fs::write(root.path().join(format!("thing-{}.snap", "f".repeat(12))), [0; 5]).unwrap();
        assert_eq!(cache.keep_newest().unwrap(), 0, "the old ones are empty");
        assert_eq!((count("thing-else-"), count("thing-"), count("golden.lock")), (1, 2, 1));
        let newest = root.path().join(format!("thing-{}.snap", "f".repeat(12)));
        assert_eq!(fs::read(newest).unwrap(), [0; 5]);
    }
}
