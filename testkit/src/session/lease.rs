//! A lease: one test's right to form a cluster and to act on it; the other tests of the cluster wait for what it leaves.
//!
//! Tests run in processes of their own. The first of a cell or a journey that comes plays: it forms the cluster and does all
//! that is done there, under a lock that the kernel drops when it dies, and leaves what it saw in their folder. To judge that,
//! nobody needs the cluster.

use std::fs::File;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lock;
use super::run::{RunError, io_error};
use crate::folder::{CellDocument, CellFolder, OfCell};
use crate::headline;
use crate::wait::{self, Pace, Poll, WaitError};

/// As long as the longest journey on the slowest host; the runner ends a test that takes longer. There are twenty who wait for
/// each player, whose end they hear of: what they look for is a station of a journey that goes on.
const PLAY: Pace = Pace::new(3600, 2000);

/// What a test is to do for the cluster that it shares with others.
#[derive(Debug)]
pub enum Part {
    /// It plays. Nobody else does, as long as this is not dropped.
    Player(Lease),
    /// Somebody else plays, or has.
    Judge,
}

/// The right to a cluster, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "held, not read")] File);

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

impl Unprovisioned {
    /// It in a line, for those who only hear of it.
    pub fn headline(&self) -> String {
        headline::of(&self.message)
    }
}

impl OfCell for Unprovisioned {
    const DOCUMENT: CellDocument = CellDocument::Failure;
}

impl Part {
    /// The part of this process in the cell or journey of this folder. In a run there is one player, also where it dies.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn take(dir: &Path) -> Result<Self, RunError> {
        let folder = CellFolder::new(dir);
        let path = folder.lease_lock();
        let Some(held) = lock::try_exclusive(&path).map_err(io_error("lock", &path))? else { return Ok(Self::Judge) };
        let started = folder.started();
        match File::create_new(&started) {
            Ok(_) => Ok(Self::Player(Lease(held))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Self::Judge),
            Err(error) => Err(io_error("write", &started)(error)),
        }
    }
}

/// Waits until `look` finds something, which whoever plays leaves in this folder. `None` where that process has ended and
/// has left nothing to find.
///
/// # Errors
/// Those of `look`, or when nothing is found in an hour.
pub async fn wait_for_player<T, E>(
    dir: &Path,
    what: &str,
    look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, WaitError<E>>
where
    E: std::error::Error + 'static,
{
    wait(dir, what, PLAY, look).await
}

async fn wait<T, E>(
    dir: &Path,
    what: &str,
    pace: Pace,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, WaitError<E>>
where
    E: std::error::Error + 'static,
{
    let path = CellFolder::new(dir).lease_lock();
    let ended = async {
        if lock::free(&path).await.is_err() {
            // Then it is seen at the next look.
            std::future::pending().await
        }
    };
    wait::until_told(what, pace, ended, || {
        // Asked before, because what it leaves last it leaves before it ends.
        let over = lock::is_free(&path).unwrap_or_default();
        std::future::ready(match look() {
            Ok(Some(found)) => Poll::Ready(Some(found)),
            Ok(None) if over => Poll::Ready(None),
            Ok(None) => Poll::NotYet("it is being played".to_owned()),
            Err(error) => Poll::Failed(error),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn one_plays_and_the_others_see_what_it_leaves_or_that_it_has_died() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let Part::Player(lease) = Part::take(dir).expect("a part") else { panic!("the first plays") };
        assert!(matches!(Part::take(dir).expect("a part"), Part::Judge));
        let station = dir.join("1.json");
        let look = || Ok::<_, io::Error>(station.exists().then_some(1));
        let waiting = wait_for_player(dir, "station 1", look);
        tokio::pin!(waiting);
        let early = tokio::time::timeout(std::time::Duration::from_millis(600), &mut waiting).await;
        assert!(early.is_err(), "it is being played");
        fs::write(&station, b"").expect("written");
        assert_eq!(waiting.await.expect("no error"), Some(1));
        drop(lease);
        let nothing = wait_for_player(dir, "station 2", || Ok::<Option<u8>, io::Error>(None)).await;
        assert_eq!(nothing.expect("no error"), None, "whoever played has died");
        assert!(matches!(Part::take(dir).expect("a part"), Part::Judge), "nobody plays it again");
    }

    #[tokio::test]
    async fn who_waits_hears_at_once_that_the_player_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let lease = Part::take(dir).expect("a part");
        let (station, seldom) = (dir.join("1.json"), Pace::new(3600, 1_800_000));
        let look = || Ok::<_, io::Error>(station.exists().then_some(1));
        let waiting = wait(dir, "station 1", seldom, look);
        tokio::pin!(waiting);
        let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut waiting).await;
        assert!(early.is_err(), "it is being played");
        fs::write(&station, b"").expect("written");
        drop(lease);
        let found =
            tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await.expect("not only when it is due");
        assert_eq!(found.expect("no error"), Some(1));
    }
}
