//! The mark of a cache, and what tells one from a folder of somebody else's.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use super::{Cache, parts};
use crate::image::error::Error;

/// The mark of a cache, by which programs that pack or back up know one; source: "Cache Directory Tagging Specification",
/// <https://bford.info/cachedir/>.
pub(super) const TAG: &str = "CACHEDIR.TAG";
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

/// Marks a cache, where it is not marked yet. Its folder `tmp` is there.
pub(super) fn ensure(root: &Path, tmp: &Path) -> Result<(), Error> {
    let tag = root.join(TAG);
    if !tag.exists() {
        // Whole or not at all: another process may be looking whether it is there.
        let new = tmp.join(TAG);
        fs::write(&new, TAGGED).map_err(Error::file("write", &new))?;
        fs::rename(&new, &tag).map_err(Error::file("put in place", &tag))?;
    }
    Ok(())
}

impl Cache {
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

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
}
