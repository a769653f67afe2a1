//! The results of a run in Markdown, from the runner's JUnit file: what the summary of a CI job shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use quick_junit::{Report, TestCase, TestCaseStatus, XmlString};

use super::Failure;
use super::cells::target;
use super::output::show;
use crate::config::{Config, Layer};
use crate::matrix::Tier;

/// What to summarise.
#[derive(Debug, clap::Args)]
pub(super) struct SummaryArgs {
    /// The JUnit file; that of the default profile's last run when not given.
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
pub(super) fn summary(args: &SummaryArgs) -> Result<ExitCode, Failure> {
    let path = match &args.junit {
        Some(path) => path.clone(),
        None => junit(&Config::resolve(Layer::default()).map_err(Failure::usage)?.target_dir, "default"),
    };
    let failed = |error: &dyn std::fmt::Display| {
        let mend = "give the file that a run of the suites wrote";
        Failure::Usage(format!("failed to read {}\n  caused by: {error}; {mend}", path.display()))
    };
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
    let report = Report::deserialize_from_str(&text).map_err(|error| failed(&error))?;
    show(&render(&report))
}

/// Where the runner writes its JUnit file.
pub(super) fn junit(target_dir: &Path, profile: &str) -> PathBuf {
    target_dir.join("nextest").join(profile).join("junit.xml")
}

fn render(report: &Report) -> String {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut failures = Vec::new();
    // A suite is skipped as a whole, so one line says it.
    let mut skips: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (binary, case) in report.test_suites.iter().flat_map(|suite| suite.test_cases.iter().map(move |c| (suite, c))) {
        let binary = binary.name.as_str();
        let suite = suite(binary, case);
        let row = rows.entry(suite).or_default();
        row.longest = row.longest.max(case.time.unwrap_or_default());
        match &case.status {
            TestCaseStatus::Success { .. } => row.passed += 1,
            TestCaseStatus::NonSuccess { message, description, .. } => {
                row.failed += 1;
                let name = case.name.as_str();
                let name = if suite == binary { format!("{binary} {name}") } else { name.to_owned() };
                failures.push(format!("- `{name}`: {}\n", code(first_line(message.as_ref(), description.as_ref()))));
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
    let mut text = format!("### {passed} passed, {failed} failed, {skipped} skipped\n\n");
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
    if !skips.is_empty() {
        text.push_str("\n#### Skipped\n\n");
        for ((suite, reason), count) in skips {
            text.push_str(&format!("- `{suite}`, {count} tests: {}\n", code(reason)));
        }
    }
    text
}

/// The cell, where the program holds suites; the program, where it does not.
fn suite<'a>(binary: &'a str, case: &'a TestCase) -> &'a str {
    let holds_suites = binary
        .strip_prefix("suites::")
        .is_some_and(|name| name == "skipped" || Tier::ALL.into_iter().any(|tier| target(tier) == name));
    match case.name.as_str().rsplit_once("::") {
        Some((cell, _)) if holds_suites => cell,
        _ => binary,
    }
}

/// The line that says most: of a panic it is the one after the place.
fn first_line<'a>(message: Option<&'a XmlString>, description: Option<&'a XmlString>) -> &'a str {
    let text = description.or(message).map(XmlString::as_str).unwrap_or_default().trim();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("no message");
    let said = if first.contains(" panicked at ") { lines.next().unwrap_or(first) } else { first };
    said.trim_start_matches("Error: ")
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
        .assert_eq(&render(&report));
    }

    #[test]
    fn a_run_of_nothing_says_so() {
        assert_eq!(render(&Report::new("x")), "### 0 passed, 0 failed, 0 skipped\n\nNo test was run.\n");
    }
}
