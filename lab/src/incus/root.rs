//! The root folder that an Incus runs in: packages of a distribution, cached by what they are.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use testkit::cli::Failure;
use testkit::image::{Cache, Error, Hasher, Program, Progress, bootstrap_to};
use testkit::written;

/// Raised when a root folder is made in another way from the same recipe.
const VERSION: &str = "incus root 1";

/// What it is made of: `lab/incus/incus.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    suite: String,
    packages: Vec<String>,
    exclude: Vec<String>,
}

impl Recipe {
    /// That of the workspace at `root`.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        written::parse(&root.join("lab/incus/incus.toml")).map_err(Failure::usage)
    }

    /// The same of another suite, where one is given.
    pub(super) fn of(self, suite: Option<String>) -> Self {
        Self { suite: suite.unwrap_or(self.suite), ..self }
    }

    /// A tar of it, made or found made.
    ///
    /// # Errors
    /// When its packages cannot be fetched.
    pub(super) fn packed(&self, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
        let Self { suite, packages, exclude } = self;
        let hash = Hasher::new(VERSION)
            .text("suite", suite)
            .text("packages", &packages.join(" "))
            .text("exclude", &exclude.join(" "))
            .text("architecture", std::env::consts::ARCH)
            .finish();
        cache.ensure("incus", "tar", &hash, |made| {
            progress(&format!("bootstrapping {suite} with Incus"));
            bootstrap_to(cache, suite, packages, exclude, made)
        })
    }
}

/// Unpacks it. Its devices are those of the host.
///
/// # Errors
/// When the disk is full, and the like.
pub(super) fn unpack(packed: &Path, root: &Path) -> Result<(), Error> {
    std::fs::create_dir(root).map_err(|source| Error::File { attempt: "create", path: root.to_owned(), source })?;
    Program::new("unpack Incus and what it needs", "tar")
        .args(["--extract", "--numeric-owner", "--exclude=./dev/*", "--file"])
        .arg(packed)
        .arg("--directory")
        .arg(root)
        .tied()
        .run()
        .map(drop)
}
