//! The results of a run in Markdown, from the runner's JUnit file: what the summary of a CI job shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use jiff::Timestamp;
use quick_junit::{Report, TestCase, TestCaseStatus, XmlString};

use super::cells::target;
use super::junit::{self, Junit};
use super::output::show;
use super::{Failure, products};
use crate::config::{Config, Round};
use crate::folder::RunFolder;
use crate::headline;
use crate::matrix::Tier;
use crate::record::{self, Together};

/// What to summarise.
#[derive(Debug, clap::Args)]
pub(super) struct SummaryArgs {
    /// The JUnit file; that of the last run when not given.
    junit: Option<PathBuf>,
}

/// The tests of one suite, or of one test program that holds no suites.
#[derive(Debug, Default)]
struct Row {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// The longest test. Those of a suite run side by side and wait for the same cluster, so their sum says nothing.
    longest: Duration,
}

/// Prints the summary of a JUnit file.
pub(super) fn summary(config: &Config, args: &SummaryArgs) -> Result<ExitCode, Failure> {
    let junit = match &args.junit {
        Some(path) => Junit::read(path)?,
        None => match latest_together(config)? {
            Some(text) => return show(&text),
            None => last(config)?,
        },
    };
    show(&render(&junit.report, &named(config, &junit)))
}

/// The last runs here, where they belong together: all suites by product, and then what each run has to say.
fn latest_together(config: &Config) -> Result<Option<String>, Failure> {
    let Ok(dir) = record::find(&config.out_dir, None) else { return Ok(None) };
    let Some(together) = Together::find(&dir).map_err(Failure::usage)? else { return Ok(None) };
    let (side, _) = record::write_together(&dir, &together).map_err(Failure::usage)?;
    let mut text = format!("## By product\n\n{}\n", products::markdown(&side));
    for product in &together.products {
        let why = product.problem.as_ref().map(|why| format!("\nNot tested: {}\n", code(why))).unwrap_or_default();
        text.push_str(&format!("\n## {}\n{why}", product.name));
        for run in &product.runs {
            // One that came to no suite has none.
            if let Ok(junit) = Junit::read(&RunFolder::of(&config.out_dir, run).junit()) {
                text.push_str(&format!("\n{}", render(&junit.report, &named(config, &junit))));
            }
        }
    }
    Ok(Some(text))
}

/// That of the last run here: the runner's own file, where it is of the last run that has a record or of a later one that
/// came to no suite, and else the copy that is with the record.
fn last(config: &Config) -> Result<Junit, Failure> {
    let found = junit::place(config, &[]).and_then(|path| Junit::read(&path));
    let latest = record::latest_of_nextest(&config.out_dir).map_err(Failure::usage)?;
    let Some((dir, run)) = latest else { return found };
    let later = |junit: &Junit| junit.began().is_some_and(|began| began > run.started);
    match found {
        Ok(junit) if junit.is_of(&run) || later(&junit) => Ok(junit),
        found => Junit::read(&RunFolder::new(&dir).junit()).ok().filter(|copy| copy.is_of(&run)).ok_or_else(|| match found {
            Ok(other) => Failure::Usage(format!(
                "{} is not of the last run here, {} of {}, but of {}; give the file that the runner wrote of that one",
                other.path.display(),
                run.run,
                second(run.started),
                named(config, &other)
            )),
            Err(failure) => failure,
        }),
    }
}

/// The run that a JUnit file is of, by its id here or else by the runner's, and when it was.
fn named(config: &Config, junit: &Junit) -> String {
    let Some(id) = junit.nextest() else { return "a run that the file does not name".to_owned() };
    let when = junit.began().map(|began| format!(" of {}", second(began))).unwrap_or_default();
    let rounds: Vec<String> = record::rounds(&config.out_dir, &id).into_iter().map(|(_, run)| run.run).collect();
    match rounds.as_slice() {
        [] => format!("run {id} of nextest{when}, of which no suite is recorded here"),
        [run] => format!("run {run}{when}"),
        [first, more @ ..] => format!("run {first}{when} and what was repeated of it: {}", more.join(", ")),
    }
}

/// To the second.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn render(report: &Report, of: &str) -> String {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut failures = Vec::new();
    // A suite is skipped as a whole, so one line says it.
    let mut skips: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut flaky = String::new();
    for (binary, case) in report.test_suites.iter().flat_map(|suite| suite.test_cases.iter().map(move |c| (suite, c))) {
        let binary = binary.name.as_str();
        let suite = suite(binary, case);
        let row = rows.entry(suite.clone()).or_default();
        row.longest = row.longest.max(case.time.unwrap_or_default());
        match &case.status {
            TestCaseStatus::Success { flaky_runs } => {
                row.passed += 1;
                if !flaky_runs.is_empty() {
                    flaky.push_str(&format!("- `{}`\n", case.name.as_str()));
                }
            }
            TestCaseStatus::NonSuccess { message, description, .. } => {
                row.failed += 1;
                let name = case.name.as_str();
                let name = if suite == binary { format!("{binary} {name}") } else { name.to_owned() };
                failures.push(format!("- `{name}`: {}\n", code(&first_line(message.as_ref(), description.as_ref()))));
            }
            TestCaseStatus::Skipped { message, .. } => {
                row.skipped += 1;
                let reason = message.as_ref().map_or("no reason was given", XmlString::as_str);
                *skips.entry((suite, reason)).or_default() += 1;
            }
        }
    }
    let sum = |count: fn(&Row) -> usize| rows.values().map(count).sum::<usize>();
    let (passed, failed, skipped) = (sum(|row| row.passed), sum(|row| row.failed), sum(|row| row.skipped));
    let mut text = format!("### {passed} passed, {failed} failed, {skipped} skipped\n\nOf {of}.\n\n");
    if rows.is_empty() {
        text.push_str("No test was run.\n");
        return text;
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["suite", "passed", "failed", "skipped", "longest"]);
    for (name, row) in &rows {
        let counts = [row.passed, row.failed, row.skipped].map(|count| count.to_string());
        let longest = format!("{:.1} s", row.longest.as_secs_f32());
        table.add_row([format!("`{name}`")].into_iter().chain(counts).chain([longest]));
    }
    text.push_str(&format!("{table}\n"));
    if !failures.is_empty() {
        text.push_str(&format!("\n#### Failed\n\n{}", failures.concat()));
    }
    if !flaky.is_empty() {
        text.push_str(&format!("\n#### Passed only when tried again\n\n{flaky}"));
    }
    if !skips.is_empty() {
        text.push_str("\n#### Skipped\n\n");
        for ((suite, reason), count) in skips {
            text.push_str(&format!("- `{suite}`, {count} tests: {}\n", code(reason)));
        }
    }
    text
}

/// The cell, where the program holds suites; the program, where it does not. With the round where the runner repeats all:
/// it puts that behind the name of the program.
fn suite(binary: &str, case: &TestCase) -> String {
    let (program, round) = match binary.rsplit_once("@stress-") {
        Some((program, round)) => (program, round.parse::<u32>().ok()),
        None => (binary, None),
    };
    let holds_suites = program
        .strip_prefix("suites::")
        .is_some_and(|name| name == "skipped" || Tier::ALL.into_iter().any(|tier| target(tier) == name));
    let name = match case.name.as_str().rsplit_once("::") {
        Some((cell, _)) if holds_suites => cell,
        _ => program,
    };
    match round {
        Some(stress) => format!("{name}, {}", Round { stress, ..Round::FIRST }),
        None => name.to_owned(),
    }
}

/// The line that says most: of a panic it is the one after the place.
fn first_line(message: Option<&XmlString>, description: Option<&XmlString>) -> String {
    let text = description.or(message).map(XmlString::as_str).unwrap_or_default().trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first {
        "" => "no message".to_owned(),
        place if place.contains(" panicked at ") => rest.lines().next().unwrap_or(place).to_owned(),
        _ => headline::of(text.trim_start_matches("Error: ")),
    }
}

/// As code, so that nothing in it is taken for markup: fenced by more backticks than are in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// What the runner writes for a check that fails, a panic, and tests that pass, and `testkit run` for a skip.
    const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="microovn-system-tests" tests="6" skipped="2" failures="2" errors="0" time="30.5">
  <testsuite name="suites::init" tests="2" skipped="0" errors="0" failures="1">
    <testcase name="init_cluster::members" classname="suites::init" time="23.232"></testcase>
    <testcase name="init_cluster::sb_encap" classname="suites::init" time="23.345">
      <failure message="Error: init_cluster::sb_encap: failed" type="test failure with exit code 1">Error: init_cluster::sb_encap: failed, 3 of 48 compared differ
  member a: wanted `x`</failure>
      <system-out>product: stand-in</system-out>
    </testcase>
  </testsuite>
  <testsuite name="testkit" tests="2" skipped="0" errors="0" failures="1">
    <testcase name="matrix::cell::tests::a" classname="testkit" time="0.01"></testcase>
    <testcase name="matrix::cell::tests::b" classname="testkit" time="0.02">
      <failure message="thread 'b' panicked at src/x.rs:4:24" type="test failure with exit code 101">thread 'b' panicked at src/x.rs:4:24:
assertion `left == right` failed
  left: 1</failure>
    </testcase>
  </testsuite>
  <testsuite name="suites::skipped" tests="2" skipped="2" errors="0" failures="0">
    <testcase name="init_cluster_services::members"><skipped message="the product lacks X"/></testcase>
    <testcase name="init_cluster_services::services"><skipped message="the product lacks X"/></testcase>
  </testsuite>
</testsuites>"#;

    #[test]
    fn suites_are_counted_and_what_went_wrong_is_said_in_a_line_each() {
        let report = Report::deserialize_from_str(JUNIT).expect("a report");
        expect![[r#"
            ### 2 passed, 2 failed, 2 skipped

            Of run 1.

            | suite                   | passed | failed | skipped | longest |
            |-------------------------|--------|--------|---------|---------|
            | `init_cluster`          | 1      | 1      | 0       | 23.3 s  |
            | `init_cluster_services` | 0      | 0      | 2       | 0.0 s   |
            | `testkit`               | 1      | 1      | 0       | 0.0 s   |

            #### Failed

            - `init_cluster::sb_encap`: `init_cluster::sb_encap: failed, 3 of 48 compared differ`
            - `testkit matrix::cell::tests::b`: `` assertion `left == right` failed ``

            #### Skipped

            - `init_cluster_services`, 2 tests: `the product lacks X`
        "#]]
        .assert_eq(&render(&report, "run 1"));
    }

    #[test]
    fn a_run_of_nothing_says_so() {
        let said = render(&Report::new("x"), "run 1");
        assert_eq!(said, "### 0 passed, 0 failed, 0 skipped\n\nOf run 1.\n\nNo test was run.\n");
    }

    /// What the runner writes of two rounds, in the second of which a test passed when it was tried again.
    const ROUNDS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="x" tests="2" skipped="0" failures="0" errors="0" uuid="b0fd9e4d-11f0-4b82-a778-31e3a4d8df33">
  <testsuite name="suites::init@stress-0" tests="1" skipped="0" errors="0" failures="0">
    <testcase name="init_cluster::members" classname="suites::init" time="23.2"/>
  </testsuite>
  <testsuite name="suites::init@stress-1" tests="1" skipped="0" errors="0" failures="0">
    <testcase name="init_cluster::members" classname="suites::init" time="24.2">
      <flakyFailure message="Error" type="test failure with exit code 1">Error: no</flakyFailure>
    </testcase>
  </testsuite>
</testsuites>"#;

    #[test]
    fn rounds_are_told_apart_and_what_was_tried_again_is_told() {
        let said = render(&Report::deserialize_from_str(ROUNDS).expect("a report"), "run 1");
        assert!(said.contains("| `init_cluster, round 1` |") && said.contains("| `init_cluster, round 2` |"), "{said}");
        assert!(said.ends_with("#### Passed only when tried again\n\n- `init_cluster::members`\n"), "{said}");
    }
}
