//! The host's disk: a file system of packages and recipe files, made without being root, and cached by what it is made of.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use testkit::image::{Cache, Error, Hasher, Program, Progress, bootstrap_to, of_file};

use super::kernel::Kernel;

/// Raised when a disk is made in another way from the same recipe.
const VERSION: &str = "host disk 2";

/// So large is the disk; only what is written takes room.
const SIZE: u64 = 24 << 30;

/// What the disk is made of: `[disk]` in `lab/host/host.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    suite: String,
    packages: Vec<String>,
    exclude: Vec<String>,
}

/// The disk of a recipe with these files besides, made or found made.
///
/// # Errors
/// When a program fails that makes the disk.
pub(super) fn ensure(
    Recipe { suite, packages, exclude }: &Recipe,
    files: &Path,
    kernel: &Kernel,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<PathBuf, Error> {
    let hash = Hasher::new(VERSION)
        .text("suite", suite)
        .text("packages", &packages.join(" "))
        .text("exclude", &exclude.join(" "))
        .text("kernel", of_file(&kernel.program)?.as_str())
        .folder("files", files)?
        .finish();
    cache.ensure("host", "img", &hash, |made| {
        let packed = made.with_extension("tar");
        progress(&format!("bootstrapping {suite} with {} packages", packages.len()));
        bootstrap_to(cache, suite, packages, exclude, &packed)?;
        progress("making the host's disk");
        let scratch = cache.scratch_elsewhere(made)?;
        let root = scratch.path().join("root");
        let filled = fill(&root, &packed, files, kernel, made);
        filled.and(scratch.remove())
    })
}

/// Makes the file system at `made`, by way of a folder whose files belong to many users: as root of namespaces, where this
/// user is not root.
fn fill(root: &Path, packed: &Path, files: &Path, kernel: &Kernel, made: &Path) -> Result<(), Error> {
    let as_root = |attempt: &str, name: &str, words: &[&str], paths: &[&Path]| {
        let program = Program::new(attempt, name).args(words.iter().copied()).args(paths.iter().copied());
        program.contained().run().map(drop)
    };
    let modules = root.join("usr/lib/modules");
    as_root("make a folder", "mkdir", &["--mode=0755"], &[root])?;
    // Devices come from the kernel, and only root of the outer host could make them.
    let words = ["--extract", "--numeric-owner", "--exclude=./dev/*", "--file"];
    as_root("unpack the packages", "tar", &words, &[packed, Path::new("--directory"), root])?;
    as_root("make a folder", "mkdir", &["--parents"], &[&modules])?;
    for (from, to) in [(kernel.modules.as_path(), modules.as_path()), (files, root)] {
        let words = ["--recursive", "--no-dereference", "--preserve=mode,links", "--no-target-directory"];
        as_root("copy what the host gets", "cp", &words, &[from, to])?;
    }
    let failed = |source| Error::Cache { path: made.to_owned(), source };
    fs::File::create(made).and_then(|disk| disk.set_len(SIZE)).map_err(failed)?;
    let words = ["-q", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-d"];
    as_root("make the file system", "mke2fs", &words, &[root, made])
}
