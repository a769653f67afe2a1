//! Packing a distribution: what a machine needs that compiles nothing.

mod checked;
mod deb;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;

use super::Failure;
use super::suites::LIFE;
use crate::cargo;
use crate::cli::output::say;
use crate::config::Config;
use crate::dist::{self, DEVELOPMENT, Label, MARK};
use crate::image::{self, Hasher, Workspace};

/// Its front door, which has the names of the checkout's.
const MAKEFILE: &str = include_str!("Makefile");
/// What somebody reads who unpacked it.
const README: &str = include_str!("README.md");
/// The profile that its programs are compiled with.
const PROFILE: &str = "dist";
/// The targets of the suites.
const TARGETS: [&str; 6] = ["init", "pairwise", "t3", "full", "microcloud", LIFE];
/// The crates whose programs run on nodes.
const ON_NODES: [&str; 3] = ["microovn-stand-in", "microcloud-stand-in", "nspush"];
/// What is built of the workspace, always all of it: of less, cargo would build the library once more, with fewer features of what it
/// depends on.
const PACKAGES: [&str; 4] =
    ["--package=suites", "--package=microovn-stand-in", "--package=microcloud-stand-in", "--package=nspush"];
/// Of the checkout, what goes in as it is. That the manifests are there tells the runner that the folder stands for the workspace.
const FILES: [&str; 11] = [
    "images/node",
    "images/snaps.toml",
    "images/stand-in/snap",
    "images/microcloud/snap",
    "images/lxd",
    ".config/nextest.toml",
    "LICENSE",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    // Tests work in the folder of their crate.
    "suites/Cargo.toml",
];
/// What the shells call their completions.
const COMPLETIONS: [(&str, &str); 3] = [("bash", "testkit.bash"), ("zsh", "_testkit"), ("fish", "testkit.fish")];

/// Where to.
#[derive(Debug, clap::Args)]
pub(super) struct DistArgs {
    /// The folder for the archive.
    #[arg(long, value_name = "FOLDER", default_value = "target/archive")]
    out: PathBuf,
    /// The runner to put in: a cargo-nextest that runs where the archive is to be used. The one of this host when not given.
    #[arg(long, value_name = "FILE")]
    runner: Option<PathBuf>,
    /// Take the programs as they are compiled in this checkout: soon there, for this host alone, and for trying an archive.
    #[arg(long)]
    unoptimized: bool,
    /// Make a Debian package of it, too, beside the archive.
    #[arg(long)]
    deb: bool,
}

/// Refuses a command that is of a checkout where there is none.
pub(super) fn refuse_in(config: &Config, command: &str) -> Result<(), Failure> {
    match &config.dist {
        None => Ok(()),
        Some(dist) => Err(Failure::Usage(format!(
            "`testkit {command}` works on the sources, and {} is a distribution; take a checkout of the project",
            dist.root().display()
        ))),
    }
}

/// Packs it, and prints where it is.
pub(super) fn dist(config: &Config, args: &DistArgs) -> Result<ExitCode, Failure> {
    refuse_in(config, "dist")?;
    let build = if args.unoptimized { DEVELOPMENT.to_owned() } else { build(&config.root)? };
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("microovn-testkit-{version}-{}", std::env::consts::ARCH);
    let runner = match &args.runner {
        Some(runner) => config.root.join(runner),
        None => which::which("cargo-nextest").map_err(|_| {
            Failure::Usage(
                "cargo-nextest is not installed; `make setup` installs it, and --runner names another".to_owned(),
            )
        })?,
    };
    if !runner.is_file() {
        return Err(Failure::Usage(format!("there is no file {}; --runner is a cargo-nextest", runner.display())));
    }
    let out = config.root.join(&args.out);
    fs::create_dir_all(&out)
        .map_err(|error| Failure::Usage(format!("failed to create the folder {}: {error}", out.display())))?;
    // It is put together under a name of its own, so that a half of it is never taken for one.
    let stage = tempfile::Builder::new().prefix("packing-").tempdir_in(&out).map_err(Failure::usage)?;
    let root = stage.path().join(&name);
    copy(&runner, &root.join("bin/cargo-nextest"))?;
    for file in FILES {
        copy_all(&config.root.join(file), &root.join(file))?;
    }
    let cargo = Cargo { root: &config.root, build: &build, unoptimized: args.unoptimized };
    let command = cargo.programs(&root)?;
    cargo.suites(&root.join("suites.tar.zst"))?;
    helps(&command, &root)?;
    write(&root.join("Makefile"), MAKEFILE)?;
    write(&root.join("README.md"), &README.replace("{version}", version))?;
    if !args.unoptimized {
        let home = std::env::home_dir().unwrap_or_default();
        let folders = [config.root.clone(), home.join(".cargo"), home.join(".rustup")];
        let folders = folders.map(|folder| folder.display().to_string());
        checked::check(&root, &root.join("suites.tar.zst"), &root.join("bin/cargo-nextest"), &folders)?;
    }
    let label = Label { version: version.to_owned(), build };
    write(&root.join(MARK), &toml::to_string(&label).map_err(Failure::usage)?)?;
    write(&root.join("SHA256SUMS"), &sums(&root)?)?;
    let archive = out.join(format!("{name}.tar.zst"));
    pack(stage.path(), &name, &archive)?;
    let sum = format!("{}  {name}.tar.zst\n", sum(&archive)?);
    write(&out.join(format!("{name}.tar.zst.sha256")), &sum)?;
    if args.deb {
        say!("{}", deb::pack(&root, version, stage.path(), &out)?.display());
    }
    say!("{}", archive.display());
    Ok(ExitCode::SUCCESS)
}

/// What it is built of: the commit, and what files differ from that by, as a hash.
fn build(root: &Path) -> Result<String, Failure> {
    let git = |args: &[&str]| duct::cmd("git", args).dir(root).stderr_capture().read();
    let failed =
        |error: io::Error| Failure::Usage(format!("failed to ask git of which commit this is\n  caused by: {error}"));
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).map_err(failed)?;
    let changed = git(&["diff", "HEAD", "--binary"]).map_err(failed)?;
    if changed.is_empty() {
        return Ok(commit);
    }
    let hash = Hasher::new("changes").text("diff", &changed).finish();
    Ok(format!("{commit}-changed-{}", hash.short()))
}

/// Cargo, as it builds for another machine.
struct Cargo<'a> {
    root: &'a Path,
    build: &'a str,
    /// As it builds for this checkout.
    unoptimized: bool,
}

impl Cargo<'_> {
    /// Runs cargo; what it prints on standard output. Linked statically, the programs need no C library of the age of this
    /// host's, and what they print of their sources names no folder of it.
    fn run(&self, args: &[&str]) -> Result<String, Failure> {
        let failed = |error| Failure::Usage(format!("failed to build a distribution\n  caused by: {error}"));
        if self.unoptimized {
            return cargo::by_hand(duct::cmd("cargo", args)).dir(self.root).read().map_err(failed);
        }
        let platform = cargo::platform();
        let args: Vec<&str> = args.iter().copied().chain(["--target", &platform]).collect();
        let home = std::env::home_dir().unwrap_or_default();
        let flags = [
            "-Ctarget-feature=+crt-static".to_owned(),
            format!("--remap-path-prefix={}=microovn-testkit", self.root.display()),
            format!("--remap-path-prefix={}=", home.join(".cargo/registry/src").display()),
        ];
        // Not by a variable: cargo's own are taken from a child of it, and in the others a space separates.
        let flags = toml::Value::from(flags.to_vec());
        let cargo = duct::cmd(
            "cargo",
            args.into_iter().map(str::to_owned).chain(["--config".to_owned(), format!("build.rustflags={flags}")]),
        );
        let cargo = cargo::by_hand(cargo).dir(self.root).env("TESTKIT_BUILD", self.build);
        cargo.read().map_err(failed)
    }

    /// Builds the programs and puts them where they belong. Returns the command.
    fn programs(&self, root: &Path) -> Result<PathBuf, Failure> {
        let mut args = vec!["build", "--locked", "--message-format=json-render-diagnostics", "--bin", "testkit"];
        if self.unoptimized {
            // As the suites are built, so that nothing is compiled twice.
            args.extend(["--workspace", "--test", "init"]);
            let workspace = Workspace::new(self.root);
            for package in ON_NODES {
                for (name, program) in image::static_programs(&workspace, package).map_err(Failure::usage)? {
                    copy(&program, &dist::programs(root, &name).join(&name))?;
                }
            }
        } else {
            args.extend(["--profile", PROFILE, "--test", "init"]);
            args.extend(PACKAGES);
            args.extend(ON_NODES.iter().flat_map(|package| ["--bin", package]));
        }
        let printed = self.run(&args)?;
        let built = printed.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
        for Built { target, executable } in built {
            match target.name.as_str() {
                "testkit" => copy(&executable, &root.join("testkit"))?,
                name if ON_NODES.contains(&name) => copy(&executable, &dist::programs(root, name).join(name))?,
                _ => {}
            }
        }
        let command = root.join("testkit");
        for program in ON_NODES.map(|name| dist::programs(root, name).join(name)).iter().chain([&command]) {
            if !program.is_file() {
                return Err(Failure::Usage(format!("cargo built no {}", program.display())));
            }
        }
        Ok(command)
    }

    /// Packs the suites.
    fn suites(&self, archive: &Path) -> Result<(), Failure> {
        let archive = archive.display().to_string();
        let mut args = vec!["nextest", "archive", "--locked", "--archive-file", &archive];
        if self.unoptimized {
            args.push("--workspace");
        } else {
            args.extend(["--cargo-profile", PROFILE]);
            args.extend(PACKAGES);
        }
        args.extend(TARGETS.iter().flat_map(|target| ["--test", target]));
        self.run(&args).map(drop)
    }
}

/// What cargo says of a program; see "Artifact Messages" under "External tools" in the Cargo book.
#[derive(Deserialize)]
struct Built {
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The completions and the manual page, as the command prints them.
fn helps(command: &Path, root: &Path) -> Result<(), Failure> {
    let print = |args: &[&str]| duct::cmd(command, args).read().map_err(Failure::usage);
    for (shell, file) in COMPLETIONS {
        write(&root.join("completions").join(file), &print(&["completions", shell])?)?;
    }
    write(&root.join("man/testkit.1"), &print(&["man"])?)
}

/// The sums of all files, as sha256sum(1) reads them.
fn sums(root: &Path) -> Result<String, Failure> {
    let mut sums = String::new();
    for file in files(root)? {
        let name = file.strip_prefix(root).map_err(Failure::usage)?;
        sums.push_str(&format!("{}  {}\n", sum(&file)?, name.display()));
    }
    Ok(sums)
}

fn sum(path: &Path) -> Result<String, Failure> {
    image::of_file(path).map(|hash| hash.to_string()).map_err(Failure::usage)
}

/// The files below a folder, in order; a link is none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed("list", folder, &error))? {
        let entry = entry.map_err(|error| failed("list", folder, &error))?;
        let kind = entry.file_type().map_err(|error| failed("list", folder, &error))?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Packs a folder so that the same files give the same archive.
fn pack(parent: &Path, name: &str, archive: &Path) -> Result<(), Failure> {
    let alike = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    let tar = duct::cmd(
        "tar",
        ["--zstd", "--create", "--file"]
            .into_iter()
            .map(Into::into)
            .chain([archive.as_os_str().to_owned(), "--directory".into(), parent.as_os_str().to_owned()])
            .chain(alike.into_iter().map(Into::into))
            .chain([name.into()]),
    );
    let tar = tar.stderr_capture().unchecked().run().map_err(Failure::usage)?;
    if tar.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&tar.stderr);
    Err(Failure::Usage(format!(
        "failed to pack {}: {}; tar takes the program zstd: `apt-get install zstd`",
        archive.display(),
        said.trim()
    )))
}

/// Copies a file, or a folder and all below it, links as links.
fn copy_all(from: &Path, to: &Path) -> Result<(), Failure> {
    let kind = fs::symlink_metadata(from).map_err(|error| failed("read", from, &error))?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(to).map_err(|error| failed("create", to, &error))?;
        for entry in fs::read_dir(from).map_err(|error| failed("list", from, &error))? {
            let entry = entry.map_err(|error| failed("list", from, &error))?;
            copy_all(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(|error| failed("read", from, &error))?;
        return std::os::unix::fs::symlink(target, to).map_err(|error| failed("create", to, &error));
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    make_parent(to)?;
    fs::copy(from, to).map(drop).map_err(|error| failed("copy", from, &error))?;
    let mode = fs::metadata(to).map_err(|error| failed("read", to, &error))?.permissions().mode();
    // Whatever the umask of who packs it is.
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(|error| failed("write", to, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    make_parent(path)?;
    fs::write(path, text).map_err(|error| failed("write", path, &error))
}

fn make_parent(path: &Path) -> Result<(), Failure> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(|error| failed("create", parent, &error)))
}

fn failed(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("failed to {action} {}\n  caused by: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_as_it_is_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for file in FILES {
            assert!(root.join(file).exists(), "no {file}");
        }
    }

    #[test]
    fn links_stay_links_and_modes_do_not_follow_the_umask() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        write(&from.join("bin/program"), "").expect("written");
        fs::set_permissions(from.join("bin/program"), fs::Permissions::from_mode(0o700)).expect("set");
        std::os::unix::fs::symlink("program", from.join("bin/link")).expect("linked");
        copy_all(&from, &to).expect("copied");
        assert_eq!(fs::metadata(to.join("bin/program")).expect("there").permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("bin/link")).expect("a link"), Path::new("program"));
        assert_eq!(files(&to).expect("listed"), [to.join("bin/program")]);
    }
}
