//! Reading a document, and writing it whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {}", path.display())]
pub struct FolderError {
    /// What was attempted.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FolderError {
    fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

/// For who has no error of its own to tell it by.
impl From<FolderError> for io::Error {
    fn from(error: FolderError) -> Self {
        Self::new(error.source.kind(), format!("{error}: {}", error.source))
    }
}

/// A document; `None` where there is no such file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
    .map_err(FolderError::of("read", path))
}

/// Writes a document whole or not at all, readable by its owner only. Replaces an earlier one.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    replace(path, encode(value))
}

/// Writes a text whole or not at all, readable by its owner only. Replaces an earlier one.
///
/// # Errors
/// When it cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FolderError> {
    replace(path, Ok(text.as_bytes().to_vec()))
}

/// Writes what `fill` puts into a file, whole or not at all, readable by its owner only. Replaces an earlier one.
///
/// # Errors
/// Those of `fill`, or when it cannot be written.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> Result<(), FolderError> {
    let write = || {
        let mut file = nameless(path)?;
        fill(file.as_file_mut())?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(FolderError::of("write", path))
}

/// Writes a document unless there is one. Returns whether it did, which is said to one process only.
///
/// # Errors
/// When it cannot be written.
pub fn write_new(path: &Path, value: &impl Serialize) -> Result<bool, FolderError> {
    if path.exists() {
        return Ok(false);
    }
    let written = encode(value).and_then(|bytes| beside(path, &bytes)).map_err(FolderError::of("write", path))?;
    match written.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(FolderError::of("write", path)(error.error))
        }
        outcome => Ok(outcome.is_ok()),
    }
}

/// What a file or a folder is itself; `None` for one that is gone, which a run that goes on may leave of any, and for what is neither: a
/// link leads out of the run, and a pipe may never end.
///
/// # Errors
/// When it is there and cannot be looked at.
pub fn kind(path: &Path) -> Result<Option<fs::Metadata>, FolderError> {
    match fs::symlink_metadata(path) {
        Ok(kind) => Ok(Some(kind).filter(|kind| kind.is_file() || kind.is_dir())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FolderError::of("look at", path)(error)),
    }
}

/// The files and folders in a folder, sorted; none where it does not exist.
///
/// # Errors
/// When it cannot be listed.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let list = || {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    list().map_err(FolderError::of("list", folder))
}

fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

fn replace(path: &Path, bytes: io::Result<Vec<u8>>) -> Result<(), FolderError> {
    let written = bytes.and_then(|bytes| beside(path, &bytes)?.persist(path).map(drop).map_err(|error| error.error));
    written.map_err(FolderError::of("write", path))
}

/// Written beside the file, so that renaming is all that is left to do.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = nameless(path)?;
    file.as_file_mut().write_all(bytes)?;
    Ok(file)
}

/// A file beside another one. What it is called until it takes that one's place is no word of an error.
fn nameless(path: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(|error| {
        let said = error.to_string();
        io::Error::new(error.kind(), said.split(" at path ").next().unwrap_or(&said).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_replaced_whole_and_the_first_of_a_new_one_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.json");
        assert_eq!(read::<u32>(&path).expect("none yet"), None);
        write(&path, &1).expect("written");
        write(&path, &2).expect("written");
        write_new(&path, &3).expect("not written");
        assert_eq!(read::<u32>(&path).expect("read"), Some(2));
        assert_eq!(files(folder.path()).expect("listed"), [path], "nothing half written stays");
    }

    #[test]
    fn what_cannot_be_written_is_told_without_the_name_that_it_had_meanwhile() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("none/x.json");
        let error = io::Error::from(write(&path, &1).expect_err("no folder")).to_string();
        assert_eq!(error, format!("failed to write {}: No such file or directory (os error 2)", path.display()));
    }

    #[test]
    fn what_leads_out_or_never_ends_is_no_file_of_a_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        write_text(&path("file"), "x").expect("written");
        std::os::unix::fs::symlink("file", path("link")).expect("a link");
        rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RWXU).expect("a pipe");
        let is = |name: &str| kind(&path(name)).expect("looked at").is_some();
        assert_eq!(["file", "link", "pipe", "gone"].map(is), [true, false, false, false]);
        assert!(kind(folder.path()).expect("looked at").is_some_and(|kind| kind.is_dir()));
        let error = kind(&path("file/below")).expect_err("no folder").to_string();
        assert_eq!(error, format!("failed to look at {}", path("file/below").display()));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.json");
        write_text(&path, "{").expect("written");
        let error = io::Error::from(read::<u32>(&path).expect_err("no JSON")).to_string();
        assert!(error.starts_with(&format!("failed to read {}: ", path.display())), "{error}");
        assert_eq!(error.matches("x.json").count(), 1, "{error}");
    }
}
