//! The programs that the suites are compiled to: built before the runner is started, or brought by a distribution.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, PipeReader};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tempfile::NamedTempFile;

use super::Failure;
use super::output::complain;
use super::suites::Suite;
use crate::cargo;
use crate::config::Config;
use crate::dist::Dist;
use crate::image;

/// The test programs of suites, and what cargo knows of the workspace: what nextest otherwise asks cargo for before it starts a
/// test.
pub enum Programs {
    /// They were built here.
    Built {
        /// What cargo says of the workspace.
        workspace: NamedTempFile,
        /// Where the programs are.
        binaries: NamedTempFile,
    },
    /// They are those of a distribution.
    Brought {
        /// Where the archive of the suites is unpacked.
        unpacked: PathBuf,
        /// The root of the distribution, which stands for the workspace.
        root: PathBuf,
    },
}

impl Programs {
    /// Builds what these suites are in, or unpacks them where they were brought. Takes half a second when there is nothing to
    /// compile, in which something else can be done.
    ///
    /// # Errors
    ///
    /// When cargo or the runner fails, which has said why on standard error.
    pub async fn build(config: &Config, chosen: &[Suite]) -> Result<Self, Failure> {
        let (root, selection, dist) = (config.root.clone(), selection(chosen), config.dist.clone());
        let provide = move || match dist {
            Some(dist) => Self::unpack(&dist),
            None => Self::build_selection(&root, selection),
        };
        tokio::task::spawn_blocking(provide).await.map_err(Failure::usage)?
    }

    /// Unpacks the suites of a distribution, once: into a folder that has another name until it is whole.
    fn unpack(dist: &Dist) -> Result<Self, Failure> {
        // By what they are: a folder may have been given another archive since.
        let hash = image::of_file(&dist.archive()).map_err(Failure::usage)?;
        let unpacked = dist.unpacked(hash.short());
        if !unpacked.is_dir() {
            let failed = |error: std::io::Error| {
                let (archive, target) = (dist.archive(), unpacked.display());
                Failure::Usage(format!(
                    "failed to unpack {} to {target}; unpack the distribution where you may write\n  caused by: {error}",
                    archive.display()
                ))
            };
            let target = unpacked.parent().unwrap_or(dist.root());
            fs::create_dir_all(target).map_err(failed)?;
            let folder = tempfile::Builder::new().prefix("unpacking-").tempdir_in(target).map_err(failed)?;
            let words = ["nextest", "list", "--list-type=binaries-only", "--message-format=json"].map(str::to_owned);
            let mut argv = words.to_vec();
            argv.extend(["--archive-file".to_owned(), dist.archive().display().to_string()]);
            argv.extend(["--workspace-remap".to_owned(), dist.root().display().to_string()]);
            argv.extend(["--extract-to".to_owned(), folder.path().display().to_string()]);
            argv.extend(["--extract-overwrite".to_owned()]);
            ask(duct::cmd(dist.runner(), argv.clone()), &argv, dist.root(), Path::new("/dev/null"))?;
            // Another run may have been as quick.
            let kept = folder.keep();
            if fs::rename(&kept, &unpacked).is_err() {
                fs::remove_dir_all(&kept).map_err(failed)?;
            }
        }
        Ok(Self::Brought { unpacked, root: dist.root().to_owned() })
    }

    fn build_selection(root: &Path, selection: Vec<String>) -> Result<Self, Failure> {
        let workspace = NamedTempFile::new().map_err(Failure::usage)?;
        let platform = cargo::platform();
        // As nextest asks. Without a platform, crates of all others would be fetched.
        let argv = ["metadata", "--format-version=1", "--all-features", "--locked", "--filter-platform", &platform];
        ask_cargo(root, argv.map(str::to_owned).into(), workspace.path())?;
        let binaries = NamedTempFile::new().map_err(Failure::usage)?;
        let mut argv =
            ["nextest", "list", "--list-type=binaries-only", "--message-format=json"].map(str::to_owned).to_vec();
        argv.extend(words("--cargo-metadata", &workspace));
        argv.extend(selection);
        ask_cargo(root, argv, binaries.path())?;
        Ok(Self::Built { workspace, binaries })
    }

    /// The words for the runner, for as long as this lives.
    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::Built { workspace, binaries } => {
                [words("--cargo-metadata", workspace), words("--binaries-metadata", binaries)].concat()
            }
            Self::Brought { unpacked, root } => {
                let target = unpacked.join("target");
                let said = |name: &str| target.join("nextest").join(name);
                let places = [
                    ("--cargo-metadata", said("cargo-metadata.json")),
                    ("--binaries-metadata", said("binaries-metadata.json")),
                    ("--workspace-remap", root.clone()),
                    ("--target-dir-remap", target),
                ];
                places.into_iter().flat_map(|(option, path)| [option.to_owned(), path.display().to_string()]).collect()
            }
        }
    }
}

fn words(option: &str, file: &NamedTempFile) -> [String; 2] {
    [option.to_owned(), file.path().display().to_string()]
}

/// What nextest builds for these suites.
///
/// It is of the whole workspace, as the plain runner is: of the suites alone cargo would build the library once more, with
/// fewer features of what it depends on.
pub(super) fn selection(chosen: &[Suite]) -> Vec<String> {
    let mut words = ["--workspace", "--locked"].map(str::to_owned).to_vec();
    let targets: BTreeSet<&str> = chosen.iter().map(|suite| suite.target).collect();
    words.extend(targets.into_iter().flat_map(|target| ["--test".to_owned(), target.to_owned()]));
    words
}

fn ask_cargo(root: &Path, mut argv: Vec<String>, file: &Path) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        argv.push("--color=always".to_owned());
    }
    ask(duct::cmd("cargo", argv.clone()), &argv, root, file)
}

/// Runs cargo, or the runner, with these words and keeps what it prints in `file`. What it says meanwhile is passed on as it comes.
fn ask(cargo: duct::Expression, argv: &[String], root: &Path, file: &Path) -> Result<(), Failure> {
    let shown = argv.iter().take_while(|word| !word.starts_with('-')).map(String::as_str).collect::<Vec<_>>().join(" ");
    let asked = || -> std::io::Result<ExitStatus> {
        let (said, stderr) = std::io::pipe()?;
        let cargo = cargo::by_hand(cargo).dir(root).unchecked();
        let cargo = cargo.stdout_path(file).stderr_file(stderr).start()?;
        pass_on(said)?;
        Ok(cargo.wait()?.status)
    };
    match asked().map_err(Failure::usage)? {
        status if status.success() => Ok(()),
        status => Err(Failure::Usage(format!("`cargo {shown}` in {} failed: {status}", root.display()))),
    }
}

/// Shows what cargo says, line by line.
fn pass_on(said: PipeReader) -> std::io::Result<()> {
    for line in BufReader::new(said).split(b'\n') {
        let line = line?;
        if is_worth_saying(&line) {
            complain!("{}", String::from_utf8_lossy(&line));
        }
    }
    Ok(())
}

/// All but that it has finished, which it also says when there was nothing to do.
fn is_worth_saying(line: &[u8]) -> bool {
    !strip_ansi_escapes::strip(line).trim_ascii_start().starts_with(b"Finished ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_was_to_be_done_is_not_said() {
        for (line, wanted) in [
            ("   Compiling suites v0.1.0", true),
            ("    Finished `test` profile [unoptimized] target(s) in 0.26s", false),
            ("\u{1b}[1m\u{1b}[92m    Finished\u{1b}[0m `test` profile", false),
            ("error: could not compile `suites`: Finished is no item", true),
        ] {
            assert_eq!(is_worth_saying(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn suites_that_cannot_be_built_are_a_failure_that_says_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let argv = ["metadata", "--locked"].map(str::to_owned);
        let failure = ask_cargo(folder.path(), argv.into(), &folder.path().join("said"));
        let Err(Failure::Usage(said)) = failure else { panic!("there is no workspace") };
        assert_eq!(said, format!("`cargo metadata` in {} failed: exit status: 101", folder.path().display()));
    }
}
