//! What can go wrong with a host: what was attempted, why it failed, and what a person can do.

use std::io;
use std::path::{Path, PathBuf};

/// The host could not be set up or torn down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("failed to {attempt} {path}")]
    File {
        /// The verb.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's word on it.
        source: io::Error,
    },
    /// A file of a remote LXD's certificates cannot be read.
    #[error("failed to read {path}, the {what} for the remote LXD; it has to be a PEM file that you may read")]
    Certificate {
        /// What it is: `client key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word on it.
        source: io::Error,
    },
    /// A file of a remote LXD's certificates has something else in it.
    #[error(
        "{path}, the {what} for the remote LXD, has no PEM block {label:?} in it; name the file that has, or have \
         `lxc remote add` write it again"
    )]
    NoPem {
        /// What it is: `client key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What should begin in it.
        label: &'static str,
    },
    /// The client certificate for a remote LXD has ended.
    #[error(
        "the client certificate {path} ended on {end}; make another, and have the LXD trust it (`lxc config trust add`)"
    )]
    CertificateEnded {
        /// The file.
        path: PathBuf,
        /// When.
        end: String,
    },
    /// The host lacks something.
    #[error("this host cannot run nodes: {problem}; {mend}")]
    Host {
        /// What it lacks.
        problem: String,
        /// What a person can do.
        mend: String,
    },
    /// Only root can bring what the host lacks.
    #[error("this host cannot run nodes yet: {lacking}; only root can mend that, once: `{command}`")]
    NeedsRoot {
        /// All that is missing.
        lacking: String,
        /// What to type.
        command: String,
    },
    /// A program failed.
    #[error("failed to {attempt}; {mend}")]
    Program {
        /// What it was run for.
        attempt: String,
        /// What a person can do.
        mend: String,
        /// The program's failure.
        source: Box<crate::image::Error>,
    },
    /// LXD does not answer, does not let this user in, or is too old; its words say what to do.
    #[error(transparent)]
    Unusable(Box<crate::lxd::Error>),
    /// LXD refused.
    #[error("failed to {attempt}; {mend}")]
    Lxd {
        /// What was asked of it.
        attempt: String,
        /// What a person can do.
        mend: String,
        /// The client's error.
        source: Box<crate::lxd::Error>,
    },
    /// LXD has something of a name that this framework uses.
    #[error(
        "{kind} {name} in LXD is not ours; rename or remove it, or give this framework another name for its own \
         (TESTKIT_PROJECT, TESTKIT_POOL)"
    )]
    Foreign {
        /// `project`, `network`, `storage pool`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A setup failed, and something that it had made could not be removed.
    #[error("failed to set up, and to remove what was made: {left}; `testkit teardown` removes it")]
    LeftBehind {
        /// What is left, and why.
        left: String,
        /// Why it failed.
        source: Box<Error>,
    },
    /// What was being pulled cannot be told.
    #[error(transparent)]
    Images(Box<crate::image::Error>),
    /// LXD was at something else with it all the time.
    #[error(
        "failed to remove {what}: {late}; `{client} operation list` shows what is being done, and `testkit teardown` tries again"
    )]
    Remains {
        /// What stays.
        what: String,
        /// How long was waited, and what was seen last.
        late: String,
        /// The client's command: `lxc`.
        client: &'static str,
    },
    /// The network for the bridge is in use.
    #[error("network {subnet} for bridge {bridge} collides with {with}; choose another with TESTKIT_SUBNET")]
    Collision {
        /// The network that was wanted.
        subnet: String,
        /// The bridge.
        bridge: String,
        /// What uses it.
        with: String,
    },
}

impl Error {
    /// For `map_err` on calls that touch one file.
    pub(crate) fn file(attempt: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::File { attempt, path, source }
    }

    /// For `map_err` on calls to LXD.
    pub(crate) fn lxd(attempt: impl Into<String>) -> impl FnOnce(crate::lxd::Error) -> Error {
        let attempt = attempt.into();
        let mend = "the cause is below, and LXD's own log may say more".to_owned();
        move |source| Error::Lxd { attempt, mend, source: Box::new(source) }
    }
}
