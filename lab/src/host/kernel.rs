//! The host's kernel, which is a program: Debian's, or one that is built from Debian's source with what Debian's lacks.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use serde::Deserialize;
use testkit::image::{Cache, Error, Hasher, Program, Progress, of_file};

/// Raised when a kernel is built in another way from the same recipe.
const VERSION: &str = "host kernel 1";
/// Debian's, its modules, and the package of both.
const PACKAGED: &str = "/usr/bin/linux.uml";
const PACKAGED_MODULES: &str = "/usr/lib/uml/modules";
const PACKAGE: &str = "user-mode-linux";

/// A kernel and the modules that it loads.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) program: PathBuf,
    /// The folder that has one for its release.
    pub(super) modules: PathBuf,
}

/// What a kernel is built from: `[kernel]` in `lab/host/host.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    /// The package of its source.
    source: String,
    /// What building takes: each program with the package that has it.
    tools: BTreeMap<String, String>,
}

/// Debian's kernel.
///
/// # Errors
/// What to install, where it is not there.
pub(super) fn packaged() -> Result<Kernel, String> {
    let kernel = Kernel { program: PACKAGED.into(), modules: PACKAGED_MODULES.into() };
    if kernel.program.is_file() {
        return Ok(kernel);
    }
    Err(format!("there is no {PACKAGED}; install it: `sudo apt-get install {PACKAGE}`"))
}

/// What to install, where something is missing that building takes.
pub(super) fn missing(recipe: &Recipe) -> Option<String> {
    let missing = recipe.tools.iter().filter(|(program, _)| which::which(program).is_err());
    let (programs, packages): (Vec<&str>, Vec<&str>) = missing.map(|(it, of)| (it.as_str(), of.as_str())).unzip();
    let (named, install) = (programs.join(", "), packages.join(" "));
    (!programs.is_empty())
        .then(|| format!("to build the host's kernel takes {named}; install that: `sudo apt-get install {install}`"))
}

/// The kernel of the source that apt has, with the configuration of `packaged` and the lines of `changes`, built or found built.
///
/// # Errors
/// When apt knows no such source, a program fails, or the source cannot be configured like that.
pub(super) fn built(
    recipe: &Recipe,
    changes: &Path,
    packaged: &Kernel,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<Kernel, Error> {
    let source = recipe.source.as_str();
    let attempt = "learn which source of the kernel there is";
    let known = Program::new(attempt, "apt-cache").args(["show", "--no-all-versions", source]).run()?;
    let hash = Hasher::new(VERSION)
        .text("configuration", of_file(&packaged.program)?.as_str())
        .text("changes", of_file(changes)?.as_str())
        .add("source", &known)
        .finish();
    let made = cache.ensure("host-kernel", "d", &hash, |made| {
        let scratch = made.with_extension("build");
        fs::create_dir(&scratch).map_err(file("create", &scratch))?;
        progress(&format!("fetching {source}"));
        let tree = unpack(source, &scratch)?;
        configure(packaged, changes, &tree)?;
        progress("building the host's kernel, which takes ten minutes and more");
        build(&tree, made)
    })?;
    Ok(Kernel { program: made.join("linux"), modules: made.join("lib/modules") })
}

fn file(attempt: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { attempt, path, source }
}

/// Runs a program that ends with this process, in a folder.
fn run_in(folder: &Path, attempt: &str, words: &[&OsStr]) -> Result<Vec<u8>, Error> {
    Program::new(attempt, "env").arg("--chdir").arg(folder).args(words).contained().run()
}

/// Fetches the package of a source and unpacks what is in it: the path of the tree.
fn unpack(source: &str, scratch: &Path) -> Result<PathBuf, Error> {
    let attempt = "fetch the kernel's source";
    let run = |words: &[&str]| run_in(scratch, attempt, &words.iter().map(OsStr::new).collect::<Vec<_>>());
    run(&["apt-get", "download", "--quiet=2", "-o", "APT::Sandbox::User=root", source])?;
    let entries = fs::read_dir(scratch).map_err(file("list", scratch))?.flatten().map(|entry| entry.file_name());
    let packages: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    let package = packages.iter().find(|name| name.ends_with(".deb"));
    run(&["dpkg-deb", "--extract", package.map_or("no package", String::as_str), "package"])?;
    run(&["tar", "--extract", "--file", &format!("package/usr/src/{source}.tar.xz")])?;
    Ok(scratch.join(source))
}

/// Configures the tree as the packaged kernel is, but for the changes.
fn configure(packaged: &Kernel, changes: &Path, tree: &Path) -> Result<(), Error> {
    let program = packaged.program.to_string_lossy();
    let mut wanted = Program::new("read the kernel's configuration", &program).arg("--showconfig").run()?;
    let changes = fs::read_to_string(changes).map_err(file("read", changes))?;
    // What is said last holds.
    wanted.extend_from_slice(changes.as_bytes());
    let path = tree.join(".config");
    fs::write(&path, wanted).map_err(file("write", &path))?;
    let make = ["make", "ARCH=um", "olddefconfig"].map(OsStr::new);
    run_in(tree, "configure the host's kernel", &make)?;
    let configured = fs::read_to_string(&path).map_err(file("read", &path))?;
    let lost = lost(&changes, &configured);
    if lost.is_empty() {
        return Ok(());
    }
    let problem = format!("this source cannot be configured with {}", lost.join(", "));
    Err(Error::Recipe { recipe: "the host's kernel", problem })
}

/// The lines of the changes that do not hold in a configuration: what is asked for without what it needs is left out in silence.
fn lost<'a>(changes: &'a str, configured: &str) -> Vec<&'a str> {
    let holds = |line: &str| match line.strip_prefix("# ").and_then(|line| line.strip_suffix(" is not set")) {
        // What is not there to be set is not set.
        Some(option) => !configured.lines().any(|it| it.strip_prefix(option).is_some_and(|it| it.starts_with('='))),
        None => configured.lines().any(|it| it == line),
    };
    let said = changes.lines().filter(|line| line.contains("CONFIG_"));
    said.filter(|line| !holds(line)).collect()
}

/// Builds the tree, and puts the kernel and its modules into a folder.
fn build(tree: &Path, made: &Path) -> Result<(), Error> {
    let jobs = format!("--jobs={}", available_parallelism().map_or(1, usize::from));
    let into = format!("INSTALL_MOD_PATH={}", made.display());
    let make = |words: &[&str]| {
        let words = [&["make", "ARCH=um", "--quiet", &jobs], words].concat();
        run_in(tree, "build the host's kernel", &words.iter().map(OsStr::new).collect::<Vec<_>>())
    };
    make(&["linux", "modules"])?;
    make(&["modules_install", "INSTALL_MOD_STRIP=1", &into])?;
    let (from, to) = (tree.join("linux"), made.join("linux"));
    fs::copy(&from, &to).map(drop).map_err(file("copy", &from))?;
    let links = fs::read_dir(made.join("lib/modules")).map_err(file("list", made))?.flatten();
    for link in links.flat_map(|release| ["build", "source"].map(|name| release.path().join(name))) {
        // They lead to the tree, which goes.
        if link.is_symlink() {
            fs::remove_file(&link).map_err(file("remove", &link))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_a_source_does_not_know_is_lost_and_an_option_that_is_not_there_is_off() {
        let changes = "# Why.\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n# CONFIG_D is not set\n";
        assert_eq!(lost(changes, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=m\n"), ["CONFIG_B=m", "# CONFIG_C is not set"]);
        assert_eq!(lost(changes, "CONFIG_A=y\nCONFIG_B=m\nCONFIG_DD=y\n"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let tools = [("true", "coreutils"), ("no-such-program", "no-such-package")];
        let tools = tools.map(|(program, package)| (program.to_owned(), package.to_owned())).into();
        let said = missing(&Recipe { source: "linux".to_owned(), tools }).expect("one is missing");
        assert!(said.contains(" takes no-such-program;") && said.contains("install no-such-package`"), "{said}");
    }
}
