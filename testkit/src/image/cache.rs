//! The cache of made artifacts: named by what they are made of, complete or absent.

mod elsewhere;
mod mark;

pub use elsewhere::Scratch;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tempfile::TempDir;

use super::error::Error;
use super::hash::Hash;

/// Artifacts with the time of their making, oldest first, by stem and extension.
type Artifacts = BTreeMap<(String, String), Vec<(SystemTime, PathBuf)>>;

/// How many artifacts of one name stay: today's, and those of a checkout or two besides.
const KEPT: usize = 3;

/// A folder of artifacts, held by one process at a time.
///
/// It is marked when it is made: a folder of somebody else's is refused, for whatever looks like an old artifact in it
/// would go.
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
    ///
    /// # Errors
    /// When it cannot be used, or is a folder of somebody else's.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Cache { path: root.to_owned(), source };
        Self::require_ours(root)?;
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
            elsewhere::remove_left(&tmp)?;
            fs::remove_dir_all(&tmp).map_err(Error::file("remove", &tmp))?;
        }
        fs::create_dir(&tmp).map_err(Error::file("create", &tmp))?;
        mark::ensure(root, &tmp)?;
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

    /// Removes the artifact, where it is there, so that it is made again.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(&self, stem: &str, extension: &str, hash: &Hash) -> Result<(), Error> {
        let place = self.place(stem, extension, hash);
        if place.exists() { self.remove(&place) } else { Ok(()) }
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
        artifacts.iter().flat_map(|found| found.iter().rev().skip(KEPT)).try_for_each(|(_, path)| self.remove(path))
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        let aside = self.set_aside(path)?;
        aside.close().map_err(Error::file("remove", path))
    }

    /// Takes an artifact out of its place as a whole, into a folder that goes: who is killed while it goes leaves no half of
    /// it where a whole one is looked for.
    fn set_aside(&self, path: &Path) -> Result<TempDir, Error> {
        let tmp = self.root.join("tmp");
        let aside = tempfile::Builder::new().prefix("removed").tempdir_in(&tmp);
        let aside = aside.map_err(Error::file("create a folder in", &tmp))?;
        fs::rename(path, aside.path().join("artifact")).map_err(Error::file("remove", path))?;
        Ok(aside)
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
                self.remove(path)?;
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
            if let Some((stem, extension)) = parts(&name) {
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

/// Stem and extension of an artifact; `None` for the name of anything else.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (stem, rest) = name.rsplit_once('-')?;
    let (hash, extension) = rest.split_once('.')?;
    (hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some((stem, extension))
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
    use super::mark::TAG;
    use super::*;

    fn hash(text: &str) -> Hash {
        Hasher::new("test").text("text", text).finish()
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
        assert_eq!(left, [TAG, "lock", "tmp"]);
        assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn an_artifact_leaves_its_place_whole_before_it_goes() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let make = |path: &Path| {
            fs::create_dir(path).and_then(|()| fs::write(path.join("x"), "")).map_err(Error::file("", path))
        };
        cache.ensure("thing", "d", &hash("a"), make).unwrap();
        let aside = cache.set_aside(&cache.place("thing", "d", &hash("a"))).unwrap();
        assert!(!cache.has("thing", "d", &hash("a")));
        assert!(aside.path().starts_with(root.path().join("tmp")) && aside.path().join("artifact/x").is_file());
        // Whoever is killed now leaves it in a folder that is emptied when the cache is opened next.
        std::mem::forget(aside);
        drop(cache);
        Cache::open(root.path()).unwrap();
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
