//! The runner's JUnit file: where it is, of which run it is, and what is added to it.
//!
//! Nextest keeps it in a store of its own, `target/nextest` in the workspace, wherever cargo compiles to; its configuration
//! may say otherwise ([Configuration reference](https://nexte.st/docs/configuration/reference/), `store.dir` and
//! `profile.<name>.junit.path`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use quick_junit::Report;
use serde::Deserialize;

use super::Failure;
use crate::config::Config;
use crate::record::RunPart;

/// Where nextest looks for its configuration, in the workspace.
const CONFIGURATION: &str = ".config/nextest.toml";
/// Its store where the configuration does not say another.
const STORE: &str = "target/nextest";
const DEFAULT: &str = "default";

/// A JUnit file that was read.
pub(super) struct Junit {
    pub(super) path: PathBuf,
    pub(super) report: Report,
}

/// What of nextest's configuration is about JUnit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    store: Store,
    profile: BTreeMap<String, Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Store {
    dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Profile {
    inherits: Option<String>,
    junit: JunitOutput,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JunitOutput {
    path: Option<PathBuf>,
}

impl Configuration {
    /// The JUnit file of this profile, within the profile's folder of the store; `None` where it has none. Every profile
    /// has what the default one has, and what it does not say itself.
    fn junit(&self, profile: &str) -> Option<&Path> {
        let mut seen = BTreeSet::new();
        let mut next = Some(profile);
        while let Some(name) = next.filter(|name| seen.insert(*name)) {
            let found = self.profile.get(name);
            if let Some(path) = found.and_then(|profile| profile.junit.path.as_deref()) {
                return Some(path);
            }
            next = Some(found.and_then(|profile| profile.inherits.as_deref()).unwrap_or(DEFAULT));
        }
        None
    }
}

/// Where nextest writes the JUnit file of a run with these arguments.
///
/// # Errors
/// When its configuration cannot be read, or has no JUnit file for the profile.
pub(super) fn place(config: &Config, runner: &[String]) -> Result<PathBuf, Failure> {
    let given = value(runner, "--config-file", None).map(|path| config.root.join(path));
    let path = given.unwrap_or_else(|| config.root.join(CONFIGURATION));
    let refused = |error: &dyn std::fmt::Display| Failure::Usage(format!("failed to read {}: {error}", path.display()));
    let configuration: Configuration = match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| refused(&error))?,
        // A workspace need not have one.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Configuration::default(),
        Err(error) => return Err(refused(&error)),
    };
    let profile = value(runner, "--profile", Some("-P")).or(config.nextest_profile.as_deref()).unwrap_or(DEFAULT);
    let file = configuration.junit(profile).ok_or_else(|| {
        let path = path.display();
        Failure::Usage(format!(
            "the runner's profile {profile:?} writes no JUnit file; {path} names one as `junit.path`"
        ))
    })?;
    let store = configuration.store.dir.as_deref().unwrap_or(Path::new(STORE));
    Ok(config.root.join(store).join(profile).join(file))
}

/// The value of an option among the runner's own arguments, those before `--`: `--name value`, `--name=value`, `-n value`,
/// `-nvalue`, `-n=value`.
fn value<'a>(runner: &'a [String], long: &str, short: Option<&str>) -> Option<&'a str> {
    let mut words = runner.iter().map(String::as_str).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == long || Some(word) == short {
            return words.next();
        }
        if let Some(value) = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
        let joined = short.filter(|_| !word.starts_with("--")).and_then(|short| word.strip_prefix(short));
        if let Some(value) = joined {
            return Some(value.strip_prefix('=').unwrap_or(value));
        }
    }
    None
}

impl Junit {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there or is no JUnit file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            let mend = "give the file that a run of the suites wrote";
            Failure::Usage(format!("failed to read {}\n  caused by: {error}; {mend}", path.display()))
        };
        // Before it is opened: a pipe that nobody writes to would never be.
        if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(failed(&"it is no regular file"));
        }
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let report = Report::deserialize_from_str(&text).map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_owned(), report })
    }

    /// The id of the run that nextest wrote it of.
    pub(super) fn nextest(&self) -> Option<String> {
        self.report.uuid.map(|id| id.to_string())
    }

    /// When that run began.
    pub(super) fn began(&self) -> Option<Timestamp> {
        let began = self.report.timestamp?;
        Timestamp::from_millisecond(began.timestamp_millis()).ok()
    }

    /// Whether it is of this run.
    pub(super) fn is_of(&self, run: &RunPart) -> bool {
        run.nextest.is_some() && run.nextest == self.nextest()
    }

    /// Writes it back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::Usage(format!("failed to write {}: {error}", self.path.display()));
        let text = self.report.to_string().map_err(|error| failed(&error))?;
        fs::write(&self.path, text).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    /// Where the JUnit file is with this configuration of nextest, these arguments and variables, from the workspace.
    fn placed(configuration: &str, runner: &[&str], env: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        fs::create_dir(folder.path().join(".config")).expect("a folder");
        fs::write(folder.path().join(CONFIGURATION), configuration).expect("a configuration");
        fs::write(folder.path().join("other.toml"), "[profile.default.junit]\npath = \"o.xml\"").expect("another");
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Config::resolve_from(Layer::default(), &env, folder.path()).expect("resolves");
        let runner: Vec<String> = runner.iter().map(|word| (*word).to_owned()).collect();
        match place(&config, &runner) {
            Ok(path) => Ok(path.strip_prefix(folder.path()).expect("within").display().to_string()),
            Err(Failure::Usage(said)) => Err(said),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("j");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).expect("a pipe");
        match Junit::read(&pipe) {
            Err(Failure::Usage(said)) => {
                assert!(said.contains("caused by: it is no regular file; give the file"), "{said}")
            }
            _ => panic!("it is read"),
        }
    }

    const OURS: &str = "[profile.default.junit]\npath = \"junit.xml\"\n[profile.ci]\ninherits = \"default\"\n";

    #[test]
    fn the_file_is_where_the_runner_keeps_it_wherever_cargo_compiles_to() {
        for (runner, env, wanted) in [
            (&[][..], &[][..], "target/nextest/default/junit.xml"),
            (&[], &[("CARGO_TARGET_DIR", "/elsewhere")], "target/nextest/default/junit.xml"),
            (&[], &[("NEXTEST_PROFILE", "ci")], "target/nextest/ci/junit.xml"),
            (&["-P", "default"], &[("NEXTEST_PROFILE", "ci")], "target/nextest/default/junit.xml"),
            (&["--profile", "ci"], &[], "target/nextest/ci/junit.xml"),
            (&["--no-capture", "--profile=ci"], &[], "target/nextest/ci/junit.xml"),
            (&["-Pci"], &[], "target/nextest/ci/junit.xml"),
            (&["-P=ci"], &[], "target/nextest/ci/junit.xml"),
            (&["--", "--profile", "ci"], &[], "target/nextest/default/junit.xml"),
            (&["--config-file", "other.toml"], &[], "target/nextest/default/o.xml"),
        ] {
            assert_eq!(placed(OURS, runner, env).as_deref(), Ok(wanted), "{runner:?} {env:?}");
        }
        let store = format!("{OURS}[store]\ndir = \"kept\"\n[profile.ci.junit]\npath = \"ci.xml\"\n");
        assert_eq!(placed(&store, &["-Pci"], &[]).as_deref(), Ok("kept/ci/ci.xml"));
    }

    #[test]
    fn a_profile_without_a_file_is_told() {
        let said = placed("[profile.ci]\n", &["-Pci"], &[]).expect_err("none");
        assert!(said.starts_with("the runner's profile \"ci\" writes no JUnit file; "), "{said}");
        assert!(placed("[profile", &[], &[]).expect_err("no TOML").contains("nextest.toml: TOML parse error"));
    }
}
