//! The runner's JUnit file: where it is, of which run it is, and what is added to it.
//!
//! Nextest keeps it in a store of its own, `target/nextest` in the workspace, wherever cargo compiles to; its configuration
//! may say otherwise ([Configuration reference](https://nexte.st/docs/configuration/reference/), `store.dir` and
//! `profile.<name>.junit.path`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use quick_junit::{Report, TestCaseStatus};
use serde::Deserialize;

use super::Failure;
use crate::config::{Config, Round};
use crate::nearest::nearest;
use crate::record::schema::Outcome;
use crate::record::{Record, RunPart};

/// Where nextest looks for its configuration, in the workspace.
const CONFIGURATION: &str = ".config/nextest.toml";
/// Its store where the configuration does not say another.
const STORE: &str = "target/nextest";
const DEFAULT: &str = "default";
/// The profiles that it has without any being written ([Profiles](https://nexte.st/docs/configuration/#profiles)).
const BUILT_IN: [&str; 2] = [DEFAULT, "default-miri"];

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
    let (path, configuration) = read(config, runner)?;
    let profile = named(config, runner).map_or(DEFAULT, |(_, profile)| profile);
    let file = configuration.junit(profile).ok_or_else(|| {
        let path = path.display();
        Failure::Usage(format!(
            "the runner's profile {profile:?} writes no JUnit file; {path} names one as `junit.path`"
        ))
    })?;
    let store = configuration.store.dir.as_deref().unwrap_or(Path::new(STORE));
    Ok(config.root.join(store).join(profile).join(file))
}

/// Fails where the runner is to take a profile that it does not have, which it would say itself when all is prepared.
///
/// # Errors
/// When there is none of that name; the error says who names it, which there are, and the nearest.
pub(super) fn require_profile(config: &Config, runner: &[String]) -> Result<(), Failure> {
    let Some((who, profile)) = named(config, runner) else { return Ok(()) };
    let (path, configuration) = read(config, runner)?;
    let written = configuration.profile.keys().map(String::as_str);
    let known: BTreeSet<&str> = written.chain(BUILT_IN).collect();
    // What a tool brings may have profiles, too.
    if known.contains(profile) || runner.iter().any(|word| word.starts_with("--tool-config-file")) {
        return Ok(());
    }
    let near = nearest(profile, known.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
    Err(Failure::Usage(format!(
        "{who} names the profile {profile:?} of the runner, and those of {} and its own are {}{}",
        path.display(),
        known.into_iter().collect::<Vec<_>>().join(", "),
        near.unwrap_or_default()
    )))
}

/// The profile that somebody names, and who does: an argument, or else the variable.
fn named<'a>(config: &'a Config, runner: &'a [String]) -> Option<(&'static str, &'a str)> {
    let argument = value(runner, "--profile", Some("-P")).map(|profile| ("--profile", profile));
    argument.or_else(|| Some(("NEXTEST_PROFILE", config.nextest_profile.as_deref()?)))
}

/// The runner's configuration, and its file.
fn read(config: &Config, runner: &[String]) -> Result<(PathBuf, Configuration), Failure> {
    let given = value(runner, "--config-file", None).map(|path| config.root.join(path));
    let path = given.unwrap_or_else(|| config.root.join(CONFIGURATION));
    let refused = |error: &dyn std::fmt::Display| Failure::Usage(format!("failed to read {}: {error}", path.display()));
    let configuration = match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| refused(&error))?,
        // A workspace need not have one.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Configuration::default(),
        Err(error) => return Err(refused(&error)),
    };
    Ok((path, configuration))
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

/// Tells of the tests that are red because of faults that are known as of tests that are skipped, with the reason: to the runner they
/// passed, and who reads the file must see that they did not. The records are those of the rounds.
pub(super) fn tell_known(report: &mut Report, records: &[(Round, &Record)]) {
    for suite in &mut report.test_suites {
        let stress = suite.name.as_str().rsplit_once("@stress-").and_then(|(_, round)| round.parse::<u32>().ok());
        for case in &mut suite.test_cases {
            let of_round = records.iter().filter(|(round, _)| stress.is_none_or(|stress| round.stress == stress));
            let known = of_round.filter_map(|(_, record)| known(record, case.name.as_str())).next();
            if let (Some(why), TestCaseStatus::Success { .. }) = (known, &case.status) {
                let mut status = TestCaseStatus::skipped();
                status.set_message(why.as_str());
                case.status = status;
                suite.skipped += 1;
                report.skipped += 1;
            }
        }
    }
}

/// Why a test is red, where that is known.
fn known(record: &Record, test: &str) -> Option<String> {
    let (cell, check) = test.rsplit_once("::")?;
    let cell = record.cells.iter().find(|it| it.name == cell)?;
    let check = cell.checks.iter().find(|it| it.name == check && it.outcome == Outcome::Known)?;
    let faults = record.known.iter().filter(|fault| check.known.contains(&fault.name));
    let told = faults.map(|fault| {
        let reason = fault.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}, since {}: {reason}", fault.name, fault.since)
    });
    Some(format!("known: {}", told.collect::<Vec<_>>().join("; ")))
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
        if let Some(lost) = lost(&report) {
            return Err(failed(&lost));
        }
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

/// What a file says that it has and does not have: of one whose results were lost, what is left may all be green.
fn lost(report: &Report) -> Option<String> {
    let cases = || report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let failed = cases().filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. })).count();
    let (said, has) = ((report.tests, report.failures + report.errors), (cases().count(), failed));
    let words = |(tests, failed): (usize, usize)| format!("{tests} tests of which {failed} failed");
    (said.0 > has.0 || said.1 > has.1).then(|| format!("it says {}, and has {}", words(said), words(has)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    /// Where the JUnit file is with this configuration of nextest, these arguments and variables, from the workspace.
    fn placed(configuration: &str, runner: &[&str], env: &[(&str, &str)]) -> Result<String, String> {
        asked(configuration, runner, env, |config, runner| {
            let path = place(config, runner)?;
            Ok(path.strip_prefix(&config.root).expect("within").display().to_string())
        })
    }

    fn asked<T>(
        configuration: &str,
        runner: &[&str],
        env: &[(&str, &str)],
        ask: impl Fn(&Config, &[String]) -> Result<T, Failure>,
    ) -> Result<T, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        fs::create_dir(folder.path().join(".config")).expect("a folder");
        fs::write(folder.path().join(CONFIGURATION), configuration).expect("a configuration");
        fs::write(folder.path().join("other.toml"), "[profile.default.junit]\npath = \"o.xml\"").expect("another");
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Config::resolve_from(Layer::default(), &env, folder.path()).expect("resolves");
        let runner: Vec<String> = runner.iter().map(|word| (*word).to_owned()).collect();
        ask(&config, &runner).map_err(|failure| match failure {
            Failure::Usage(said) => said,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_profile_that_there_is_not_is_refused_with_those_that_there_are() {
        let required = |runner: &[&str], env: &[(&str, &str)]| asked(OURS, runner, env, require_profile);
        for (runner, env) in [
            (&[][..], &[][..]),
            (&[], &[("NEXTEST_PROFILE", "ci")]),
            (&[], &[("NEXTEST_PROFILE", "default-miri")]),
            (&["-Pci"], &[("NEXTEST_PROFILE", "nosuch")]),
            (&["-Pmade", "--tool-config-file", "a:b.toml"], &[]),
        ] {
            assert_eq!(required(runner, env), Ok(()), "{runner:?} {env:?}");
        }
        let said = required(&[], &[("NEXTEST_PROFILE", "defualt")]).expect_err("refused");
        assert!(said.starts_with("NEXTEST_PROFILE names the profile \"defualt\" of the runner, "), "{said}");
        let all = "/.config/nextest.toml and its own are ci, default, default-miri; did you mean \"default\"?";
        assert!(said.ends_with(all), "{said}");
        let said = required(&["--profile=x"], &[]).expect_err("refused");
        assert!(said.starts_with("--profile names ") && said.ends_with(" are ci, default, default-miri"), "{said}");
    }

    #[test]
    fn a_file_whose_results_were_lost_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("junit.xml");
        let read = |text: &str| {
            fs::write(&path, text).expect("written");
            Junit::read(&path).map(|junit| junit.report.tests)
        };
        let whole = r#"<testsuites name="x" tests="1" failures="0" errors="0"><testsuite name="a" tests="1" disabled="0" errors="0" failures="0"><testcase name="b" classname="a" time="0.1"/></testsuite></testsuites>"#;
        assert_eq!(read(whole).expect("whole"), 1);
        for (of, other) in
            [("tests=\"1\" failures", "tests=\"7\" failures"), ("failures=\"0\" errors", "failures=\"3\" errors")]
        {
            let Err(Failure::Usage(said)) = read(&whole.replacen(of, other, 1)) else { panic!("{other}") };
            assert!(said.contains("it says ") && said.contains(", and has 1 tests of which 0 failed"), "{said}");
        }
    }

    #[test]
    fn what_is_known_is_no_pass_in_the_file() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/good");
        let mut record = crate::record::assemble(&dir, false).expect("a record");
        record.known = vec![crate::record::schema::KnownFault {
            name: "a".to_owned(),
            reason: "it\n rains".to_owned(),
            since: "2026-11-30".parse().expect("a day"),
            seen: Vec::new(),
            gone: Vec::new(),
        }];
        let check = &mut record.cells[0].checks[0];
        (check.outcome, check.known) = (Outcome::Known, vec!["a".to_owned()]);
        let (red, green) = (record.cells[0].checks[0].name.clone(), record.cells[0].checks[1].name.clone());
        let cell = record.cells[0].name.clone();
        let case = |name: &str| format!("<testcase name=\"{cell}::{name}\" classname=\"suites::init\" time=\"1\"/>");
        let suite = |name: &str| {
            let cases = case(&red) + &case(&green);
            format!(
                "<testsuite name=\"{name}\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"0\">{cases}</testsuite>"
            )
        };
        let text = |suites: &str| {
            format!(
                "<testsuites name=\"x\" tests=\"2\" skipped=\"0\" failures=\"0\" errors=\"0\">{suites}</testsuites>"
            )
        };
        let told = |suites: &str| {
            let mut report = Report::deserialize_from_str(&text(suites)).expect("a report");
            tell_known(&mut report, &[(Round::FIRST, &record)]);
            (report.skipped, report.to_string().expect("written"))
        };
        let (skipped, one) = told(&suite("suites::init"));
        assert!(skipped == 1 && one.contains("<skipped message=\"known: a, since 2026-11-30: it rains\"/>"), "{one}");
        let (skipped, both) = told(&(suite("suites::init@stress-0") + &suite("suites::init@stress-1")));
        assert!(skipped == 1 && both.matches("<skipped").count() == 1, "the other round passed: {both}");
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
