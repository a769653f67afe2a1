//! The folders that runs leave: every path in them, which document is where, and the one way to read a document and to
//! write it whole.
//!
//! ```text
//! target/testkit/<run>/            a run ([`RunFolder`])
//!   run.json host.json record.json report.html junit.xml again.jsonl
//!   runner open.lock arm.lock reaper.lock reaper.log ledger.jsonl turns/ <found out once>.json   of its first round
//!   <cell>/                        a cell of it ([`CellFolder`])
//!     cell.json plan.json progress.json timeline.jsonl manifest.json failure.json done.json checks/<check>.json
//!     journey.json stations/<n>.json stopped.json play.lock   of a journey
//!     started removed provision.lock use.lock done.lock
//!     <member>/                    evidence
//! target/testkit/evidence-<run>.tar.gz  a run for who was not there
//! target/testkit/kept/<cell>.json  a cluster that outlives its run
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// A type that is kept as a document of a run.
pub trait OfRun: Serialize + DeserializeOwned {
    /// Which one.
    const DOCUMENT: RunDocument;
}

/// A type that is kept as a document of a cell.
pub trait OfCell: Serialize + DeserializeOwned {
    /// Which one.
    const DOCUMENT: CellDocument;
}

/// The documents of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunDocument {
    /// What is known when its first process begins. It makes a folder that of a run that has a record.
    Run,
    /// The host, and its LXD.
    Host,
    /// The record.
    Record,
}

/// The documents of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellDocument {
    /// What is known before its cluster is made.
    Cell,
    /// What is about to be formed.
    Plan,
    /// What is being done for it.
    Progress,
    /// The cluster.
    Manifest,
    /// Why there is none.
    Failure,
    /// The checks that have given the cluster back.
    Done,
    /// What is planned of a journey.
    Journey,
    /// Why a journey did not go on.
    Stopped,
}

/// The folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

/// The folder of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFolder(PathBuf);

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

impl RunFolder {
    /// The folder at this path, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// That of the run of this id.
    pub fn of(out_dir: &Path, run: impl std::fmt::Display) -> Self {
        Self(out_dir.join(run.to_string()))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the runs are that it is one of.
    pub fn out_dir(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }

    /// The folder of a cell.
    pub fn cell(&self, cell: &str) -> CellFolder {
        CellFolder(self.0.join(cell))
    }

    /// Where a document is.
    pub fn document(&self, document: RunDocument) -> PathBuf {
        self.0.join(match document {
            RunDocument::Run => "run.json",
            RunDocument::Host => "host.json",
            RunDocument::Record => "record.json",
        })
    }

    /// A document; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read<T: OfRun>(&self) -> Result<Option<T>, FolderError> {
        read(&self.document(T::DOCUMENT))
    }

    /// Writes a document, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: OfRun>(&self, value: &T) -> Result<(), FolderError> {
        write(&self.document(T::DOCUMENT), value)
    }

    /// Writes a document unless there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_new<T: OfRun>(&self, value: &T) -> Result<(), FolderError> {
        write_new(&self.document(T::DOCUMENT), value)
    }

    /// The report for a person.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// What LXD was asked for again, a line each.
    pub fn again(&self) -> PathBuf {
        self.0.join("again.jsonl")
    }

    /// The copy of the runner's JUnit file.
    pub fn junit(&self) -> PathBuf {
        self.0.join("junit.xml")
    }

    /// Names the runner.
    pub fn runner(&self) -> PathBuf {
        self.0.join("runner")
    }

    /// Held shared by whoever takes part in the run.
    pub fn open_lock(&self) -> PathBuf {
        self.0.join("open.lock")
    }

    /// Held by who starts a reaper.
    pub fn arm_lock(&self) -> PathBuf {
        self.0.join("arm.lock")
    }

    /// Held by the reaper as long as it lives.
    pub fn reaper_lock(&self) -> PathBuf {
        self.0.join("reaper.lock")
    }

    /// What the reaper and those that remove a cell say.
    pub fn reaper_log(&self) -> PathBuf {
        self.0.join("reaper.log")
    }

    /// What was about to be made.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger.jsonl")
    }

    /// Who waits for a turn, and who has one.
    pub fn turns(&self) -> PathBuf {
        self.0.join("turns")
    }

    /// What was found out once under this name, and the lock of who finds it out.
    pub fn once(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.0.join(format!("{name}.json")), self.0.join(format!("{name}.lock")))
    }
}

impl CellFolder {
    /// The folder at this path, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a document is.
    pub fn document(&self, document: CellDocument) -> PathBuf {
        self.0.join(match document {
            CellDocument::Cell => "cell.json",
            CellDocument::Plan => "plan.json",
            CellDocument::Progress => "progress.json",
            CellDocument::Manifest => "manifest.json",
            CellDocument::Failure => "failure.json",
            CellDocument::Done => "done.json",
            CellDocument::Journey => "journey.json",
            CellDocument::Stopped => "stopped.json",
        })
    }

    /// A document; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read<T: OfCell>(&self) -> Result<Option<T>, FolderError> {
        read(&self.document(T::DOCUMENT))
    }

    /// Writes a document, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: OfCell>(&self, value: &T) -> Result<(), FolderError> {
        write(&self.document(T::DOCUMENT), value)
    }

    /// Writes a document unless there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_new<T: OfCell>(&self, value: &T) -> Result<(), FolderError> {
        write_new(&self.document(T::DOCUMENT), value)
    }

    /// The folder of what its checks leave, one document each.
    pub fn checks(&self) -> PathBuf {
        self.0.join(CHECKS)
    }

    /// What a check leaves.
    pub fn check(&self, check: &str) -> PathBuf {
        self.checks().join(format!("{check}.json"))
    }

    /// What was played up to a station of a journey.
    pub fn station(&self, number: usize) -> PathBuf {
        self.0.join(STATIONS).join(format!("{number}.json"))
    }

    /// The folder of its stations, one document each.
    pub fn stations(&self) -> PathBuf {
        self.0.join(STATIONS)
    }

    /// Held by who plays a journey, as long as that lasts.
    pub fn play_lock(&self) -> PathBuf {
        self.0.join("play.lock")
    }

    /// The folders of what its members left as evidence, sorted.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn members(&self) -> Result<Vec<PathBuf>, FolderError> {
        let is_member =
            |path: &PathBuf| path.is_dir() && path.file_name().is_some_and(|name| name != CHECKS && name != STATIONS);
        Ok(files(&self.0)?.into_iter().filter(is_member).collect())
    }

    /// Its stages, a line each.
    pub fn timeline(&self) -> PathBuf {
        self.0.join("timeline.jsonl")
    }

    /// Says that somebody has begun to form the cluster.
    pub fn started(&self) -> PathBuf {
        self.0.join("started")
    }

    /// Says that the cluster goes or is gone.
    pub fn removed(&self) -> PathBuf {
        self.0.join("removed")
    }

    /// Held by who forms the cluster.
    pub fn provision_lock(&self) -> PathBuf {
        self.0.join("provision.lock")
    }

    /// Held shared by who judges the cluster, and alone by who acts on it.
    pub fn use_lock(&self) -> PathBuf {
        self.0.join("use.lock")
    }

    /// Held by who gives the cluster back.
    pub fn done_lock(&self) -> PathBuf {
        self.0.join("done.lock")
    }
}

const CHECKS: &str = "checks";
const STATIONS: &str = "stations";

/// The folder of what is recorded of clusters that outlive their runs, one document each.
pub fn kept(out_dir: &Path) -> PathBuf {
    out_dir.join("kept")
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
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        fill(file.as_file_mut())?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(FolderError::of("write", path))
}

/// Writes a document unless there is one.
///
/// # Errors
/// When it cannot be written.
pub fn write_new(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    if path.exists() {
        return Ok(());
    }
    let written = encode(value).and_then(|bytes| beside(path, &bytes)).map_err(FolderError::of("write", path))?;
    match written.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(FolderError::of("write", path)(error.error))
        }
        _ => Ok(()),
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
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    Ok(file)
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
    fn a_file_that_cannot_be_used_is_named_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.json");
        write_text(&path, "{").expect("written");
        let error = io::Error::from(read::<u32>(&path).expect_err("no JSON")).to_string();
        assert!(error.starts_with(&format!("failed to read {}: ", path.display())), "{error}");
        assert_eq!(error.matches("x.json").count(), 1, "{error}");
    }
}
