//! The programs that the suites are compiled to, built before the runner is started.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, IsTerminal, PipeReader};
use std::path::Path;
use std::process::ExitStatus;

use tempfile::NamedTempFile;

use super::Failure;
use super::suites::Suite;
use crate::cargo;
use crate::config::Config;

/// The test programs of suites, built, and what cargo knows of the workspace: what nextest otherwise asks cargo for before
/// it starts a test.
pub struct Programs {
    workspace: NamedTempFile,
    binaries: NamedTempFile,
}

impl Programs {
    /// Builds what these suites are in. Takes half a second when there is nothing to compile, in which
    /// something else can be done.
    ///
    /// # Errors
    ///
    /// When cargo fails, which has said why on standard error.
    pub async fn build(config: &Config, chosen: &[Suite]) -> Result<Self, Failure> {
        let (root, selection) = (config.root.clone(), selection(chosen));
        tokio::task::spawn_blocking(move || Self::build_selection(&root, selection)).await.map_err(Failure::usage)?
    }

    fn build_selection(root: &Path, selection: Vec<String>) -> Result<Self, Failure> {
        let workspace = NamedTempFile::new().map_err(Failure::usage)?;
        let platform = cargo::platform();
        // As nextest asks. Without a platform, crates of all others would be fetched.
        let argv = ["metadata", "--format-version=1", "--all-features", "--locked", "--filter-platform", &platform];
        ask(root, argv.map(str::to_owned).into(), workspace.path())?;
        let binaries = NamedTempFile::new().map_err(Failure::usage)?;
        let mut argv =
            ["nextest", "list", "--list-type=binaries-only", "--message-format=json"].map(str::to_owned).to_vec();
        argv.extend(words("--cargo-metadata", &workspace));
        argv.extend(selection);
        ask(root, argv, binaries.path())?;
        Ok(Self { workspace, binaries })
    }

    /// The words for the runner, for as long as this lives.
    pub(super) fn words(&self) -> Vec<String> {
        [words("--cargo-metadata", &self.workspace), words("--binaries-metadata", &self.binaries)].concat()
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

/// Runs cargo and keeps what it prints in `file`. What it says meanwhile is passed on as it comes.
fn ask(root: &Path, mut argv: Vec<String>, file: &Path) -> Result<(), Failure> {
    let shown = argv.iter().take_while(|word| !word.starts_with('-')).map(String::as_str).collect::<Vec<_>>().join(" ");
    if std::io::stderr().is_terminal() {
        argv.push("--color=always".to_owned());
    }
    let asked = || -> std::io::Result<ExitStatus> {
        let (said, stderr) = std::io::pipe()?;
        let cargo = cargo::by_hand(duct::cmd("cargo", argv)).dir(root).unchecked();
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
            eprintln!("{}", String::from_utf8_lossy(&line));
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
        let failure = ask(folder.path(), argv.into(), &folder.path().join("said"));
        let Err(Failure::Usage(said)) = failure else { panic!("there is no workspace") };
        assert_eq!(said, format!("`cargo metadata` in {} failed: exit status: 101", folder.path().display()));
    }
}
