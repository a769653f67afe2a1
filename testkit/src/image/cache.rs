//! The cache of made artifacts: named by what they are made of, complete or absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tempfile::TempDir;

use super::error::Error;
use super::hash::Hash;
use super::program::remove_tree;

/// Artifacts with the time of their making, oldest first, by stem and extension.
type Artifacts = BTreeMap<(String, String), Vec<(SystemTime, PathBuf)>>;

/// How many artifacts of one name stay: today's, and those of a checkout or two besides.
const KEPT: usize = 3;

/// The mark of a cache, by which programs that pack or back up know one; source: "Cache Directory Tagging Specification",
/// <https://bford.info/cachedir/>.
const TAG: &str = "CACHEDIR.TAG";
/// What it says here. Others mark theirs, too, so that the first line alone does not make it ours.
const TAGGED: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# The cache of microovn-testkit. All in it can be made again.\n";

/// What else is in a cache beside its artifacts: of the lab, of pulls that are under way, and of golden images.
const BESIDE: [&str; 3] = ["lab", "pulls", "golden.lock"];
/// How the names of artifacts begin in caches that were made before they were marked.
const UNMARKED: [&str; 10] = [
    "bootstrap",
    "host",
    "incus",
    "microcloud-stand-in",
    "microovn-stand-in",
    "node",
    "programs",
    "snap-of-store",
    "snapd",
    "testkit-base",
];

/// And how they end.
const MADE: [&str; 7] = ["d", "img", "metadata.tar", "snap", "squashfs", "tar", "txt"];

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
            remove_elsewhere(&tmp)?;
            fs::remove_dir_all(&tmp).map_err(Error::file("remove", &tmp))?;
        }
        fs::create_dir(&tmp).map_err(Error::file("create", &tmp))?;
        let tag = root.join(TAG);
        if !tag.exists() {
            // Whole or not at all: another process may be looking whether it is there.
            let new = tmp.join(TAG);
            fs::write(&new, TAGGED).map_err(Error::file("write", &new))?;
            fs::rename(&new, &tag).map_err(Error::file("put in place", &tag))?;
        }
        Ok(Self { root: root.to_owned(), placing: Mutex::default(), _lock: lock })
    }

    /// Fails where `root` is a folder that is no cache of ours: neither marked as one, nor empty, nor with what caches have
    /// that were made before they were marked. Nothing is made.
    ///
    /// # Errors
    /// [`Error::ForeignCache`], with what is in it.
    pub fn require_ours(root: &Path) -> Result<(), Error> {
        match fs::read_to_string(root.join(TAG)) {
            Ok(said) if said == TAGGED => return Ok(()),
            _ => {}
        }
        let names = names(root)?;
        let begins = |name: &str| UNMARKED.iter().any(|stem| name.starts_with(stem));
        let of = |name: &str, stem: &str| {
            name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let ours =
            |(name, extension): (&str, &str)| MADE.contains(&extension) && UNMARKED.iter().any(|stem| of(name, stem));
        let is_artifact = |name: &str| parts(name).is_some_and(ours);
        let foreign = |name: &&String| {
            let name = name.as_str();
            !matches!(name, "lock" | "tmp") && !BESIDE.contains(&name) && !is_artifact(name)
        };
        let mut found = names.iter().filter(foreign).cloned().collect::<Vec<_>>();
        if names.contains("tmp") {
            let within = self::names(&root.join("tmp"))?;
            found.extend(within.iter().filter(|name| !begins(name) && *name != TAG).map(|name| format!("tmp/{name}")));
        }
        match found.into_iter().next() {
            None => Ok(()),
            Some(found) => Err(Error::ForeignCache { path: root.to_owned(), found }),
        }
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

/// What is in a folder; nothing where there is none.
fn names(folder: &Path) -> Result<BTreeSet<String>, Error> {
    let unusable = |source| Error::Cache { path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        found => {
            let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
            found.and_then(|found| found.map(name).collect()).map_err(unusable)
        }
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
        assert_eq!(left, [TAG, "lock", "tmp"]);
        assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
    }

    /// A folder with these files, and those above them.
    fn folder(files: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    #[test]
    fn a_folder_of_somebody_elses_is_refused_and_stays_as_it_is() {
        let target = "Signature: 8a477f597d28d172789f06886806bc55\n# created by cargo\n";
        for (files, found) in [
            (vec!["db-0123456789ab.tar", "tmp/precious"], "db-0123456789ab.tar"),
            (vec!["tmp/precious"], "tmp/precious"),
            (vec!["lock", "tmp/precious"], "tmp/precious"),
            (vec!["node-0123456789ab.sql"], "node-0123456789ab.sql"),
            (vec!["lock", "nodes-0123456789ab.tar"], "nodes-0123456789ab.tar"),
            (vec!["lock", "tmp/node1", "letter.txt"], "letter.txt"),
            (vec![TAG, "lock"], TAG),
        ] {
            let root = folder(&files);
            if files.contains(&TAG) {
                fs::write(root.path().join(TAG), target).unwrap();
            }
            let error = Cache::open(root.path()).unwrap_err();
            assert!(error.is_usage());
            assert_eq!(
                error.to_string(),
                format!(
                    "{} is not used as cache: it has {found:?} in it, which is not of this framework's making; name a folder \
                     that is empty or not there yet with TESTKIT_CACHE_DIR",
                    root.path().display()
                )
            );
            assert!(files.iter().all(|file| root.path().join(file).is_file()), "{files:?}");
            let there = names(root.path()).unwrap();
            assert!(there.iter().all(|name| files.iter().any(|file| file.starts_with(name.as_str()))), "{there:?}");
        }
    }

    #[test]
    fn a_cache_that_was_made_before_there_was_a_mark_is_taken_over_and_marked() {
        for files in [
            vec![],
            vec!["lab/lock"],
            vec!["pulls/x.json"],
            // As one job of a CI system hands it on to another.
            vec!["node-0123456789ab.squashfs", "node-0123456789ab.metadata.tar", "snapd-0123456789ab.snap"],
            vec![
                "lock",
                "golden.lock",
                "tmp/bootstrapXyZ12/x",
                "bootstrap-0123456789ab.tar",
                "pulls/x.json",
                "lab/lock",
            ],
            vec!["lock", "tmp/host-kernelXyZ12/x", "host-0123456789ab.img", "host-kernel-0123456789ab.d/x"],
            vec!["lock", "snap-of-store-microovn-0123456789ab.snap", "testkit-base-trixie-0123456789ab.snap"],
        ] {
            let root = folder(&files);
            drop(Cache::open(root.path()).unwrap());
            assert_eq!(fs::read_to_string(root.path().join(TAG)).unwrap(), TAGGED);
            let whole = files.iter().filter(|file| !file.starts_with("tmp/"));
            whole.for_each(|file| assert!(root.path().join(file).is_file(), "{file}"));
            // From then on the mark says it.
            fs::write(root.path().join("thing-of-tomorrow-0123456789ab.x"), "").unwrap();
            Cache::open(root.path()).unwrap();
        }
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
