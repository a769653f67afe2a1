//! A lease: one test's right to use the cluster of its cell.
//!
//! Tests run in processes of their own. The first to come provisions, under a lock that the others queue for; what
//! it made is written to a manifest, or else the failure to a record, so that a provisioning fails once. The checks
//! then share a second lock; one that changes the cluster takes that lock alone.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::run::{RunError, io_error};
use super::{Run, lock};
use crate::folder::{CellDocument, CellFolder, FolderError, OfCell};
use crate::headline;

/// How a check uses the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads only, beside other readers.
    Shared,
    /// Changes something, alone.
    Exclusive,
}

/// The right to use a cell's cluster, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lease<M> {
    manifest: M,
    dir: PathBuf,
    _use: File,
}

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// This process tried to provision and failed. The text is the whole story.
    #[error("{message}\n  evidence: {}", evidence.display())]
    Failed {
        /// What went wrong, with its causes.
        message: String,
        /// Where to look.
        evidence: PathBuf,
    },
    /// An earlier test of the same run failed to provision.
    #[error("not checked, because there is no cluster: {summary}\n  evidence: {}", evidence.display())]
    FailedBefore {
        /// What went wrong, and why, in a line.
        summary: String,
        /// Where to look.
        evidence: PathBuf,
    },
    /// The cluster is no longer there.
    #[error(
        "not checked: the cluster was removed, after the last check of its suite or by a command, and what is recorded of it \
         is no longer so; a check that is to come again needs a run of its own\n  evidence: {}",
        evidence.display()
    )]
    Removed {
        /// What was recorded while it was there.
        evidence: PathBuf,
    },
    /// The cell's folder cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A document of the cell cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Why there is no cluster.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unprovisioned {
    /// What was attempted, and its causes, a line each.
    pub message: String,
    /// Whether it is what the product did, and not the host, LXD or this framework.
    #[serde(default)]
    pub of_product: bool,
}

impl From<String> for Unprovisioned {
    fn from(message: String) -> Self {
        Self { message, of_product: false }
    }
}

impl OfCell for Unprovisioned {
    const DOCUMENT: CellDocument = CellDocument::Failure;
}

/// The checks that have given the cluster back.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Done(BTreeSet<String>);

impl OfCell for Done {
    const DOCUMENT: CellDocument = CellDocument::Done;
}

/// Notes in the folder of a cell that its cluster is about to be removed.
pub(super) fn note_removed(cell: &CellFolder) -> io::Result<()> {
    fs::write(cell.removed(), b"")
}

impl LeaseError {
    /// What went wrong where this process was to provision and there is no cluster: it is the one to say what becomes of
    /// what there is of it. `None` for those that only hear of it.
    pub fn failed(&self) -> Option<&str> {
        match self {
            Self::Failed { message, .. } => Some(message),
            _ => None,
        }
    }
}

impl<M: OfCell> Lease<M> {
    /// Waits for the cell's cluster, provisioning it when this process is the first to ask.
    ///
    /// `provision` is given the cell's folder and returns the manifest; its error is recorded for the other checks.
    ///
    /// # Errors
    /// When provisioning fails or failed before, or the records cannot be used.
    pub async fn acquire<F, E>(run: &Run, cell: &str, access: Access, provision: F) -> Result<Self, LeaseError>
    where
        F: AsyncFnOnce(&Path) -> Result<M, E>,
        E: Into<Unprovisioned>,
    {
        let dir = run.cell_dir(cell)?;
        let folder = CellFolder::new(&dir);
        let manifest = {
            let path = folder.provision_lock();
            let _alone = lock::exclusive(&path).await.map_err(io_error("lock", &path))?;
            match folder.read::<M>()? {
                Some(_) if folder.removed().exists() => return Err(LeaseError::Removed { evidence: dir }),
                Some(manifest) => manifest,
                None => first(&folder, provision).await?,
            }
        };
        let path = folder.use_lock();
        let taken = match access {
            Access::Shared => lock::shared(&path).await,
            Access::Exclusive => lock::exclusive(&path).await,
        };
        Ok(Self { manifest, _use: taken.map_err(io_error("lock", &path))?, dir })
    }

    /// What was provisioned.
    pub fn manifest(&self) -> &M {
        &self.manifest
    }

    /// The cell's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives the cluster back after `check`, which is one of `all` that may come. Returns whether it was the last of
    /// them, so that nobody will ask for the cluster again; this is said to one process only.
    ///
    /// # Errors
    /// When the records cannot be used.
    pub async fn give_back(self, check: &str, all: &[&str]) -> Result<bool, LeaseError> {
        let Self { dir, _use: used, .. } = self;
        drop(used);
        let folder = CellFolder::new(&dir);
        let path = folder.done_lock();
        let _alone = lock::exclusive(&path).await.map_err(io_error("lock", &path))?;
        let mut done: Done = folder.read()?.unwrap_or_default();
        let new = done.0.insert(check.to_owned());
        folder.write(&done)?;
        Ok(new && all.iter().all(|check| done.0.contains(*check)))
    }
}

/// Provisions, unless somebody tried before.
async fn first<M, F, E>(folder: &CellFolder, provision: F) -> Result<M, LeaseError>
where
    M: OfCell,
    F: AsyncFnOnce(&Path) -> Result<M, E>,
    E: Into<Unprovisioned>,
{
    let dir = folder.path();
    if let Some(failure) = folder.read::<Unprovisioned>()? {
        let summary = headline::of(&failure.message);
        return Err(LeaseError::FailedBefore { summary, evidence: dir.to_owned() });
    }
    let started = folder.started();
    let provisioned = if started.exists() {
        Err("the test that was provisioning the cluster died".to_owned().into())
    } else {
        fs::write(&started, b"").map_err(io_error("write", &started))?;
        provision(dir).await.map_err(Into::into)
    };
    match provisioned {
        Ok(manifest) => {
            folder.write(&manifest)?;
            Ok(manifest)
        }
        Err(failure) => {
            folder.write(&failure)?;
            Err(LeaseError::Failed { message: failure.message, evidence: dir.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::config::{Config, Layer};

    /// Stands for a cluster.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    struct Made(u32);

    impl OfCell for Made {
        const DOCUMENT: CellDocument = CellDocument::Manifest;
    }

    async fn run(out: &Path) -> Run {
        let flags = Layer { out_dir: Some(out.to_owned()), ..Layer::default() };
        let config = Config::resolve(flags).expect("a workspace");
        Run::start(&config).await.expect("a run")
    }

    #[tokio::test]
    async fn many_tests_provision_once_and_share() {
        let out = tempfile::tempdir().expect("a folder");
        let run = Arc::new(run(out.path()).await);
        let count = Arc::new(AtomicUsize::new(0));
        let tests: Vec<_> = (0..8)
            .map(|_| {
                let (run, count) = (Arc::clone(&run), Arc::clone(&count));
                tokio::spawn(async move {
                    let lease = Lease::<Made>::acquire(&run, "c", Access::Shared, async |_: &Path| {
                        count.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, String>(Made(7))
                    });
                    *lease.await.expect("a lease").manifest()
                })
            })
            .collect();
        for test in tests {
            assert_eq!(test.await.expect("no panic"), Made(7));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_provisioning_fails_once_and_the_others_say_so() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let fail = async |_: &Path| Err::<Made, _>("no image\n  caused by: rain\n  a long tale".to_owned());
        let error = Lease::acquire(&run, "c", Access::Shared, fail).await.expect_err("fails");
        let error = error.to_string();
        assert!(error.starts_with("no image\n  caused by: rain\n  a long tale\n  evidence: "), "{error}");
        let again = async |_: &Path| -> Result<Made, String> { panic!("provisioned twice") };
        let error = Lease::acquire(&run, "c", Access::Shared, again).await.expect_err("fails").to_string();
        assert!(error.contains("no image") && error.contains("rain") && error.contains("evidence:"), "{error}");
        assert!(!error.contains("tale"), "{error}");
    }

    #[tokio::test]
    async fn a_provisioner_that_died_is_not_repeated() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let dir = run.cell_dir("c").expect("a folder");
        fs::write(CellFolder::new(&dir).started(), b"").expect("left by the dead");
        let again = async |_: &Path| -> Result<Made, String> { panic!("provisioned twice") };
        let error = Lease::acquire(&run, "c", Access::Shared, again).await.expect_err("fails");
        assert!(error.failed().is_some() && error.to_string().contains("died"), "{error}");
        // What the dead one made is for one process to give back.
        let error = Lease::acquire(&run, "c", Access::Shared, again).await.expect_err("fails");
        assert!(error.failed().is_none() && error.to_string().contains("died"), "{error}");
    }

    #[tokio::test]
    async fn what_is_recorded_of_a_cluster_that_is_gone_is_not_judged() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let provision = async |_: &Path| Ok::<Made, String>(Made(1));
        let lease = Lease::acquire(&run, "c", Access::Shared, provision).await.expect("a lease");
        note_removed(&CellFolder::new(lease.dir())).expect("noted");
        let again = async |_: &Path| -> Result<Made, String> { panic!("provisioned twice") };
        let error = Lease::acquire(&run, "c", Access::Shared, again).await.expect_err("it is gone").to_string();
        assert!(error.starts_with("not checked: the cluster was removed, after"), "{error}");
    }

    #[tokio::test]
    async fn a_check_that_changes_something_is_alone() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let provision = async |_: &Path| Ok::<Made, String>(Made(1));
        let reader = Lease::acquire(&run, "c", Access::Shared, provision).await.expect("a lease");
        let path = CellFolder::new(reader.dir()).use_lock();
        assert!(lock::try_exclusive(&path).expect("asks").is_none(), "a reader keeps a writer out");
        drop(reader);
        let writer = Lease::acquire(&run, "c", Access::Exclusive, provision).await.expect("a lease");
        assert!(lock::try_exclusive(&path).expect("asks").is_none(), "a writer keeps everybody out");
        drop(writer);
        assert!(lock::try_exclusive(&path).expect("asks").is_some());
    }

    #[tokio::test]
    async fn the_last_check_is_told_so_and_only_once() {
        let out = tempfile::tempdir().expect("a folder");
        let run = run(out.path()).await;
        let all = ["a", "b"];
        let mut last = Vec::new();
        for check in ["a", "a", "b", "b"] {
            let provision = async |_: &Path| Ok::<Made, String>(Made(1));
            let lease = Lease::acquire(&run, "c", Access::Shared, provision).await.expect("a lease");
            last.push(lease.give_back(check, &all).await.expect("given back"));
        }
        assert_eq!(last, [false, false, true, false]);
    }
}
