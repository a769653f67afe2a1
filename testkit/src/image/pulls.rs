//! Pulls that are under way, written down so that what LXD brings after its asker died is known as ours.
//!
//! LXD goes on with a pull when nobody waits for it any more, and gives an image that it has already to whoever pulls it
//! again: so a pull must not tag what it brings, or a person's own image would be taken for ours. It is tagged when it is known
//! to be new. Until then this note says what there was before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::hash::Hasher;
use crate::lxd::Image;

const FOLDER: &str = "pulls";

/// LXD waits an hour for an index, and then pulls.
const LASTS: Duration = Duration::from_secs(6 * 3600);

/// A pull that was begun.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pull {
    server: String,
    alias: String,
    /// The fingerprints of the images that LXD had before.
    before: BTreeSet<String>,
    #[serde(skip)]
    path: PathBuf,
}

impl Pull {
    /// One that was begun before and is not known to have ended.
    pub(super) fn find(cache: &Path, server: &str, alias: &str) -> Result<Option<Self>, Error> {
        read(&note(cache, server, alias))
    }

    /// Writes down in the cache that a pull begins. Of one that was begun before, what LXD had then counts.
    pub(super) fn begin(cache: &Path, server: &str, alias: &str, images: &[Image]) -> Result<Self, Error> {
        let path = note(cache, server, alias);
        if let Some(begun) = read(&path)? {
            return Ok(begun);
        }
        let before = images.iter().map(|image| image.fingerprint.clone()).collect();
        let pull = Self { server: server.to_owned(), alias: alias.to_owned(), before, path };
        let unusable = |source| Error::Cache { path: pull.path.clone(), source };
        fs::create_dir_all(cache.join(FOLDER)).map_err(unusable)?;
        let text = serde_json::to_vec(&pull).unwrap_or_default();
        let mut file = tempfile::NamedTempFile::new_in(cache.join(FOLDER)).map_err(unusable)?;
        io::Write::write_all(&mut file, &text).map_err(unusable)?;
        file.persist(&pull.path).map_err(|error| unusable(error.error))?;
        Ok(pull)
    }

    /// Whether LXD did not have this image before.
    pub(super) fn brought(&self, fingerprint: &str) -> bool {
        !self.before.contains(fingerprint)
    }

    /// It has ended, and what it brought has its tag, or there is nothing.
    pub(super) fn end(self) -> Result<(), Error> {
        remove(&self.path)
    }

    /// Whether it brought this image.
    fn is_of(&self, image: &Image) -> bool {
        self.brought(&image.fingerprint) && image.is_from(&self.server, &self.alias)
    }
}

/// Images that pulls brought after their asker had died, each with the note that knows it.
#[derive(Debug, Default)]
pub struct Late(BTreeMap<String, PathBuf>);

impl Late {
    /// Those among these images.
    ///
    /// # Errors
    /// When the notes in the cache cannot be read.
    pub fn among(images: &[Image], cache: &Path) -> Result<Self, Error> {
        let mut late = BTreeMap::new();
        for entry in fs::read_dir(cache.join(FOLDER)).into_iter().flatten().flatten() {
            if let Some(pull) = read(&entry.path())? {
                let own = images.iter().filter(|image| pull.is_of(image));
                late.extend(own.map(|image| (image.fingerprint.clone(), pull.path.clone())));
            }
        }
        Ok(Self(late))
    }

    /// Whether this is one.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.0.contains_key(fingerprint)
    }

    /// It is gone, and so is what was noted of it.
    ///
    /// # Errors
    /// When the note cannot be removed.
    pub fn removed(&self, fingerprint: &str) -> Result<(), Error> {
        self.0.get(fingerprint).map_or(Ok(()), |note| remove(note))
    }
}

/// Removes a note; the last one takes the folder with it.
fn remove(note: &Path) -> Result<(), Error> {
    match fs::remove_file(note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", note)(error)),
        _ => {
            let _ = note.parent().map(fs::remove_dir);
            Ok(())
        }
    }
}

fn note(cache: &Path, server: &str, alias: &str) -> PathBuf {
    let name = Hasher::new("pull 1").text("server", server).text("alias", alias).finish();
    cache.join(FOLDER).join(format!("{}.json", name.short()))
}

/// The note at this path; `None` where there is none, or one of a pull that LXD has given up long ago: what has come since then came
/// otherwise.
fn read(path: &Path) -> Result<Option<Pull>, Error> {
    let age = fs::metadata(path).and_then(|metadata| metadata.modified()).ok().and_then(|noted| noted.elapsed().ok());
    if age.is_some_and(|age| age > LASTS) {
        return Ok(None);
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    let pull: Pull = serde_json::from_slice(&text)
        .map_err(|source| Error::Parse { path: path.display().to_string(), source: Box::new(source) })?;
    Ok(Some(Pull { path: path.to_owned(), ..pull }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(fingerprint: &str, alias: &str) -> Image {
        let source = json!({"server": "https://a/", "alias": alias, "protocol": "simplestreams"});
        serde_json::from_value(json!({"fingerprint": fingerprint, "update_source": source})).expect("an image")
    }

    #[test]
    fn what_a_pull_brings_late_is_known_by_what_there_was_before() {
        let cache = tempfile::tempdir().expect("a folder");
        let theirs = image("theirs", "24.04");
        let first = Pull::begin(cache.path(), "https://a", "24.04", std::slice::from_ref(&theirs)).expect("noted");
        assert!(first.brought("ours") && !first.brought("theirs"));
        let now = [theirs, image("ours", "24.04"), image("another", "22.04")];
        let late = Late::among(&now, cache.path()).expect("read");
        assert_eq!(["theirs", "ours", "another"].map(|it| late.has(it)), [false, true, false]);
        // Whoever comes next finds the image there, and knows that it came by the first pull.
        let next = Pull::begin(cache.path(), "https://a", "24.04", &now).expect("noted");
        assert!(next.brought("ours"));
        late.removed("ours").expect("forgotten");
        next.end().expect("forgotten already");
        assert_eq!(fs::read_dir(cache.path()).expect("a folder").count(), 0);
        assert!(!Late::among(&now, cache.path()).expect("read").has("ours"));
    }

    #[test]
    fn what_comes_long_after_a_pull_is_not_of_it() {
        let cache = tempfile::tempdir().expect("a folder");
        let pull = Pull::begin(cache.path(), "https://a", "24.04", &[]).expect("noted");
        let now = [image("theirs", "24.04")];
        assert!(Late::among(&now, cache.path()).expect("read").has("theirs"));
        let file = fs::File::options().write(true).open(&pull.path).expect("the note");
        file.set_modified(std::time::SystemTime::now() - LASTS - Duration::from_secs(1)).expect("older");
        assert!(!Late::among(&now, cache.path()).expect("read").has("theirs"));
        assert!(!Pull::begin(cache.path(), "https://a", "24.04", &now).expect("noted anew").brought("theirs"));
    }
}
