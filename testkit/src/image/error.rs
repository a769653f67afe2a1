//! What can go wrong while images and snaps are made.

use std::io;
use std::path::{Path, PathBuf};

/// An image or a snap could not be made, read or put in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A recipe or a snap's own description does not parse.
    #[error("failed to parse {path}")]
    Parse {
        /// The file, or the snap and the file inside it.
        path: String,
        /// The parser's word on it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or folder could not be used.
    #[error("failed to {attempt} {path}")]
    File {
        /// The verb: `read`, `write`.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's word on it.
        source: io::Error,
    },
    /// A program that this needs is not installed.
    #[error("failed to {attempt}: the program {program} is not installed; `make setup` installs it")]
    NoProgram {
        /// What it was needed for.
        attempt: String,
        /// The program.
        program: String,
    },
    /// This user cannot unpack packages.
    #[error(
        "failed to bootstrap {suite} without root: {problem}; only root can mend that, once: `sudo {command}`. Or name an image \
         (MICROOVN_TEST_CONTAINER_IMAGE=ubuntu:24.04) and a snap (MICROOVN_SNAP_PATH): then nothing is bootstrapped"
    )]
    Unprivileged {
        /// The distribution's suite.
        suite: String,
        /// What this user lacks.
        problem: String,
        /// What root types.
        command: String,
    },
    /// A program ran and failed.
    #[error("failed to {attempt}: {program} {status}; it said last:\n{said}")]
    Program {
        /// What it was run for.
        attempt: String,
        /// The program.
        program: String,
        /// `exited with 1`, `was killed by a signal`.
        status: String,
        /// The last lines of its standard error.
        said: String,
    },
    /// A recipe asks for what the packages do not have.
    #[error("failed to apply {recipe}: {problem}")]
    Recipe {
        /// Which recipe.
        recipe: &'static str,
        /// What it asks for.
        problem: String,
    },
    /// A file given as a snap is not a usable one.
    #[error("{path} is not a usable snap: {problem}; {mend}")]
    Snap {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What a person can do about it.
        mend: String,
    },
    /// LXD has no image of the name that was given.
    #[error(
        "LXD has no image {name:?}; give it one of this name (`lxc image copy ubuntu:24.04 local: --alias {name}`), \
         name one of an image server (`ubuntu:24.04`), or unset MICROOVN_TEST_CONTAINER_IMAGE to have the node image built"
    )]
    NoImage {
        /// The alias.
        name: String,
    },
    /// An image server did not give the image.
    #[error("failed to pull image {name:?}: {problem}; {mend}")]
    Pull {
        /// `remote:alias`.
        name: String,
        /// What is wrong with the server, or with the way to it.
        problem: String,
        /// What a person can do about it.
        mend: String,
        /// The client's error.
        source: Box<crate::lxd::Error>,
    },
    /// LXD has no storage pool of this name.
    #[error("LXD has no storage pool {pool:?}; run `make setup`, or name one that it has with TESTKIT_POOL")]
    NoPool {
        /// The pool.
        pool: String,
    },
    /// The storage pool has too little room.
    #[error(
        "storage pool {pool:?} has too little room: {free} of {total} MiB are free, and {need} are needed; remove what fills it \
         (`testkit status` shows clusters, `testkit down --all` removes those that are up), or name another with \
         TESTKIT_POOL"
    )]
    PoolFull {
        /// The pool.
        pool: String,
        /// MiB that are free.
        free: u64,
        /// MiB in all.
        total: u64,
        /// MiB that should have been free.
        need: u64,
        /// What failed for it, where it was found out by failing.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The cache cannot be used.
    #[error("failed to use {path} as cache; name a folder that you may write to with TESTKIT_CACHE_DIR")]
    Cache {
        /// The folder, or the file in it.
        path: PathBuf,
        /// The system's word on it.
        source: io::Error,
    },
    /// What is named as the cache is a folder of somebody else's.
    #[error(
        "{path} is not used as cache: it has {found:?} in it, which is not of this framework's making; name a folder that is \
         empty or not there yet with TESTKIT_CACHE_DIR"
    )]
    ForeignCache {
        /// The folder.
        path: PathBuf,
        /// Something in it.
        found: String,
    },
    /// LXD refused or failed.
    #[error("failed to {attempt}")]
    Lxd {
        /// What was asked of it.
        attempt: String,
        /// The client's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A step of the golden image's preparation failed inside the instance.
    #[error("failed to prepare golden image {instance}: {step}: {problem}")]
    Prepare {
        /// The instance.
        instance: String,
        /// The step: `install microovn.snap`.
        step: String,
        /// What was seen.
        problem: String,
    },
}

impl Error {
    /// Whether it is about what was given or about the host, and not about the making.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Snap { .. } | Self::NoImage { .. } | Self::NoPool { .. } | Self::PoolFull { .. } => true,
            Self::NoProgram { .. } | Self::Cache { .. } | Self::ForeignCache { .. } | Self::Pull { .. } => true,
            Self::Unprivileged { .. } | Self::Parse { .. } | Self::Recipe { .. } => true,
            Self::File { .. } | Self::Program { .. } => false,
            Self::Lxd { .. } | Self::Prepare { .. } => false,
        }
    }

    /// Whether LXD refused because what was to be made is there.
    pub(crate) fn is_already_there(&self) -> bool {
        let Self::Lxd { source, .. } = self else { return false };
        source.downcast_ref::<crate::lxd::Error>().is_some_and(crate::lxd::Error::is_already_exists)
    }

    /// For `map_err` on calls that touch one file.
    pub(crate) fn file(attempt: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::File { attempt, path, source }
    }

    /// For `map_err` on calls to LXD.
    pub(crate) fn lxd<E>(attempt: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let attempt = attempt.into();
        move |source| Error::Lxd { attempt, source: Box::new(source) }
    }
}
