//! An Incus in namespaces of its own: started, and ended with all that it has.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};
use testkit::cli::Failure;
use testkit::daemon::Daemon;
use testkit::image::{Error, Program};
use testkit::lxd::{Client, Endpoint};
use testkit::wait::{self, Pace, Poll, WaitError};

use super::groups;
use super::inside::{ALIVE, LOG, ROOT};

/// Its first start makes a database and certificates.
const START: Pace = Pace { deadline: Duration::from_secs(60), every: Duration::from_millis(200) };
/// What may be printed on the way.
const PRINTED: u64 = 1 << 20;

/// One that runs. It ends with this process, however that ends.
pub(super) struct Running {
    folder: PathBuf,
    /// Open as long as it is to run.
    alive: File,
    running: JoinHandle<Result<Option<Vec<u8>>, Error>>,
}

impl Running {
    /// Starts it in the root that is in `folder`, and waits until it answers; it ends by itself after `patience`.
    ///
    /// # Errors
    /// When it does not answer; with what it said last.
    pub(super) async fn start(folder: &Path, patience: Duration) -> Result<(Self, String), Failure> {
        let alive = folder.join(ALIVE);
        let failed = |error: io::Error| Failure::Usage(format!("failed to make {}: {error}", alive.display()));
        mkfifoat(CWD, &alive, Mode::RUSR | Mode::WUSR).map_err(|error| failed(error.into()))?;
        let own = std::env::current_exe().map_err(Failure::usage)?;
        let alive = File::options().read(true).write(true).open(&alive).map_err(failed)?;
        let inside = folder.to_owned();
        // It ends with the thread that started it, which waits for it.
        let running = std::thread::spawn(move || {
            let namespaces = Program::new("run Incus", "unshare").args(["--net", "--uts", "--ipc", "--"]);
            namespaces.arg(own).arg("incus-inside").arg(inside).contained().run_bounded(PRINTED, patience)
        });
        let started = Self { folder: folder.to_owned(), alive, running };
        let endpoint = Endpoint::Unix(started.socket());
        let answered = wait::until("Incus to answer", START, async || {
            if started.running.is_finished() {
                return Poll::Failed(io::Error::other("it has ended"));
            }
            match Client::connect_as(&endpoint, Some(Daemon::Incus)).await {
                Ok(client) => Poll::Ready(client.server().environment.server_version.clone()),
                Err(error) => Poll::NotYet(error.to_string()),
            }
        });
        match answered.await {
            Ok(version) => Ok((started, version)),
            Err(late) => {
                let late = match late {
                    WaitError::Failed { what, source } => format!("waiting for {what}: {source}"),
                    late @ WaitError::Deadline { .. } => late.to_string(),
                };
                let said = started.last_words();
                let ended = started.stop().await.err().map(|error| format!("; {error}")).unwrap_or_default();
                Err(Failure::Provisioning(format!("Incus does not start: {late}{ended}; it said last:\n{said}")))
            }
        }
    }

    /// Where it answers, on this host.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join(ROOT).join("var/lib/incus/unix.socket")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Has it end, with all that is in its namespaces, and removes its control groups.
    ///
    /// # Errors
    /// When it had ended before, or something of it stays.
    pub(super) async fn stop(self) -> Result<(), String> {
        drop(self.alive);
        let running = self.running;
        let ended = tokio::task::spawn_blocking(move || running.join()).await.map_err(|error| error.to_string())?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        groups::remove(&name).await.map_err(|error| error.to_string())?;
        match ended {
            Ok(ended) => ended.map(drop).map_err(|error| error.to_string()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
