//! The host's disk: a file system of packages and recipe files, made without being root, and cached by what it is made of.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use testkit::image::{Cache, Error, Hasher, Program, Progress, bootstrap_to, of_file};

/// Raised when a disk is made in another way from the same recipe.
const VERSION: &str = "host disk 1";

/// The kernel, which is a program, and the modules that come with it.
pub(super) const KERNEL: &str = "/usr/bin/linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";

/// So large is the disk; only what is written takes room.
const SIZE: u64 = 24 << 30;

/// `lab/host/host.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    suite: String,
    packages: Vec<String>,
    exclude: Vec<String>,
}

/// The disk of the recipe in this folder, made or found made.
///
/// # Errors
/// When the recipe cannot be used, or a program fails that makes the disk.
pub(super) fn ensure(recipe: &Path, cache: &Cache, progress: &mut Progress<'_>) -> Result<PathBuf, Error> {
    let path = recipe.join("host.toml");
    let text = fs::read_to_string(&path).map_err(|source| Error::Cache { path: path.clone(), source })?;
    let Recipe { suite, packages, exclude } = toml::from_str(&text)
        .map_err(|source| Error::Parse { path: path.display().to_string(), source: Box::new(source) })?;
    let files = recipe.join("files");
    let hash = Hasher::new(VERSION)
        .text("recipe", of_file(&path)?.as_str())
        .text("kernel", of_file(Path::new(KERNEL))?.as_str())
        .folder("files", &files)?
        .finish();
    cache.ensure("host", "img", &hash, |made| {
        let packed = made.with_extension("tar");
        progress(&format!("bootstrapping {suite} with {} packages", packages.len()));
        bootstrap_to(cache, &suite, &packages, &exclude, &packed)?;
        progress("making the host's disk");
        let scratch = cache.scratch_elsewhere(made)?;
        let root = scratch.path().join("root");
        let filled = fill(&root, &packed, &files, made);
        filled.and(scratch.remove())
    })
}

/// Makes the file system at `made`, by way of a folder whose files belong to many users: as root of namespaces, where this
/// user is not root.
fn fill(root: &Path, packed: &Path, files: &Path, made: &Path) -> Result<(), Error> {
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
    for (from, to) in [(Path::new(MODULES), modules.as_path()), (files, root)] {
        let words = ["--recursive", "--no-dereference", "--preserve=mode,links", "--no-target-directory"];
        as_root("copy what the host gets", "cp", &words, &[from, to])?;
    }
    let failed = |source| Error::Cache { path: made.to_owned(), source };
    fs::File::create(made).and_then(|disk| disk.set_len(SIZE)).map_err(failed)?;
    let words = ["-q", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-d"];
    as_root("make the file system", "mke2fs", &words, &[root, made])
}
