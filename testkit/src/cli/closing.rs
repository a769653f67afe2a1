//! What stands at the end of a run: a line for each cell, three for each that failed, and the path of the report. And at
//! that of forming a cluster: a line for each stage.

use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use jiff::Timestamp;

use super::report;
use crate::record::schema::{Cell, KnownFault, Stage};
use crate::record::{Record, closer};
use crate::report::Work;

/// With more cells than this, those that passed are only counted.
const TOLD: usize = 40;
/// Failed cells that are told of; the report has all.
const FAILURES: usize = 8;
/// A stage of fewer milliseconds is shown as no time.
const SHORT: u64 = 100;

/// The end of the run in this folder, whose report is at `report`. `kept` says whether the cluster of a cell is still up.
pub(super) fn text(record: &Record, run: &Path, report: &Path, kept: impl Fn(&str) -> bool) -> String {
    let mut parts = vec![table(record)];
    let failed: Vec<&Cell> = record.cells.iter().filter(|cell| cell.totals().failed > 0).collect();
    parts.extend(failed.iter().take(FAILURES).map(|cell| failure(record, cell, run, kept(&cell.name))));
    if let Some(more) = failed.len().checked_sub(FAILURES).filter(|more| *more > 0) {
        parts.push(format!("{more} more failed; the report tells of all"));
    }
    parts.extend(known(record));
    parts.push(report::line(record, report));
    parts.join("\n\n")
}

/// The faults that are known: which were seen, with the reason, and which were not where they would have been.
fn known(record: &Record) -> Vec<String> {
    let seen = record.known.iter().filter(|fault| !fault.seen.is_empty());
    let seen = seen.map(|fault| {
        let KnownFault { name, reason, since, seen, .. } = fault;
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = record.cells.iter().filter(|cell| seen.contains(&cell.name)).map(|cell| {
            let what = cell.headline.as_deref().unwrap_or_default();
            format!("\n  {}: {what}", cell.name)
        });
        format!("KNOWN {name}, since {since}: {reason}{}", found.collect::<String>())
    });
    let gone = record.known.iter().filter(|fault| !fault.gone.is_empty());
    let gone = gone.map(|fault| {
        let cells = fault.gone.join(", ");
        format!("NO LONGER SEEN {}: all of {cells} passed; take it out of suites/known.toml", fault.name)
    });
    seen.chain(gone).collect()
}

fn table(record: &Record) -> String {
    let brief = record.cells.len() > TOLD;
    let passed = |cell: &&Cell| cell.totals().passed == cell.totals().all();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["suite", "result", "time", "slowest stage"]);
    table.add_rows(record.cells.iter().filter(|cell| !(brief && passed(cell))).map(row));
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let table = table.trim_fmt();
    match record.cells.iter().filter(passed).count() {
        count if brief => format!("{table}\n{count} suites passed"),
        _ => table,
    }
}

fn row(cell: &Cell) -> [String; 4] {
    [
        cell.name.clone(),
        cell.told(),
        took(cell).map(seconds).unwrap_or_default(),
        cell.stages.iter().max_by_key(|stage| stage.ms).map(slow).unwrap_or_default(),
    ]
}

/// Milliseconds from the begin of the first stage to the end of the last, checks included.
fn took(cell: &Cell) -> Option<u64> {
    let begin = cell.stages.iter().map(|stage| stage.at).min()?;
    let ends = cell.stages.iter().map(end).chain(cell.checks.iter().filter_map(|check| check.ended));
    u64::try_from(ends.max()?.duration_since(begin).as_millis()).ok()
}

fn end(stage: &Stage) -> Timestamp {
    stage.at.checked_add(std::time::Duration::from_millis(stage.ms)).unwrap_or(stage.at)
}

fn slow(stage: &Stage) -> String {
    format!("{}, {}", done(stage), seconds(stage.ms))
}

/// What was done in a stage, and to which member.
fn done(stage: &Stage) -> String {
    match (&stage.member, Work::from(stage.name.clone())) {
        (Some(member), Work::WaitForMember) => format!("wait for {member}"),
        (Some(member), work) => format!("{work} of {member}"),
        (None, work) => work.to_string(),
    }
}

/// A line for each of these stages with the time it took; those that took none to speak of are left out.
pub(super) fn stages(stages: &[Stage]) -> String {
    let told = stages.iter().filter(|stage| stage.ms >= SHORT);
    told.map(|stage| format!("{:>8}  {}", seconds(stage.ms), done(stage))).collect::<Vec<_>>().join("\n")
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// What, where, and how to look closer.
fn failure(record: &Record, cell: &Cell, run: &Path, kept: bool) -> String {
    let [up, look] = closer(record, cell);
    let commands = match (kept, &cell.problem) {
        (true, _) => look,
        (false, None) => format!("{up} && {look}"),
        (false, Some(_)) => format!("{up}; {look}"),
    };
    format!(
        "FAILED {}: {}\n  evidence:    {}\n  look closer: {commands}",
        cell.name,
        what(cell),
        run.join(&cell.name).display()
    )
}

/// The headline, and how many more failed where some were judged.
fn what(cell: &Cell) -> String {
    let first = cell.headline.clone().unwrap_or_default();
    match cell.causes.len() {
        _ if cell.problem.is_some() => first,
        0 | 1 => first,
        2 => format!("{first}; 1 more check failed"),
        more => format!("{first}; {} more checks failed", more - 1),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::record::schema::Phase;

    fn of(state: &str, kept: bool) -> String {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state);
        let record = crate::record::assemble(&dir, false).expect("a record");
        text(&record, Path::new("runs/1"), Path::new("runs/1/report.html"), |_| kept)
    }

    fn check(state: &str, wanted: &Expect) {
        wanted.assert_eq(&of(state, false));
    }

    #[test]
    fn a_good_run_ends_in_its_times() {
        check(
            "good",
            &expect![[r#"
             suite                      result       time  slowest stage
             init_cluster_custom_encap  13 passed  10.5 s  check nb_sb_propagation, 2.0 s

            report: runs/1/report.html (13 passed, 0 failed, 0 skipped)"#]],
        );
    }

    #[test]
    fn a_failure_says_what_where_and_how_to_look_closer() {
        check(
            "failing",
            &expect![[r#"
             suite                      result            time  slowest stage
             init_cluster               13 passed       13.8 s  join of microovn-init-cluster-3, 3.1 s
             init_cluster_custom_encap  3 of 13 failed  81.4 s  settle, 61.4 s

            FAILED init_cluster_custom_encap: ovs_encap_ip: microovn-init-cluster-custom-encap-2 Open_vSwitch external_ids:ovn-encap-ip: wanted 10.251.48.12, seen 10.251.47.12 (the default address: the custom one was ignored); 2 more checks failed
              evidence:    runs/1/init_cluster_custom_encap
              look closer: TESTKIT_FAULTS='encap-ignored-on-join' testkit up init_cluster_custom_encap && testkit shell init_cluster_custom_encap:2 -- microovn.ovs-vsctl --if-exists get Open_vSwitch . external_ids:ovn-encap-ip

            report: runs/1/report.html (23 passed, 3 failed, 0 skipped)"#]],
        );
    }

    #[test]
    fn a_cluster_that_was_not_formed_is_one_failure() {
        check(
            "unformed",
            &expect![[r#"
             suite         result       time  slowest stage
             init_cluster  no cluster  7.2 s  wait for microovn-init-cluster-1, 2.5 s

            FAILED init_cluster: no cluster, `microovn init` on "microovn-init-cluster-1" failed: no option answers the question "Would you like to enable telemetry? (yes/no) [default=no]:"; write one under suites/src/options/
              evidence:    runs/1/init_cluster
              look closer: TESTKIT_FAULTS='extra-question' testkit up init_cluster --keep; testkit shell init_cluster:1

            report: runs/1/report.html (0 passed, 13 failed, 0 skipped)"#]],
        );
    }

    #[test]
    fn stages_are_told_with_their_member_where_they_took_time() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/failing");
        let record = crate::record::assemble(&dir, false).expect("a record");
        let formed: Vec<Stage> =
            record.cells[0].stages.iter().filter(|stage| stage.phase != Phase::Check).cloned().collect();
        assert_eq!(
            stages(&formed).lines().collect::<Vec<_>>(),
            [
                "   0.1 s  golden image",
                "   0.1 s  bridges",
                "   1.8 s  wait for microovn-init-cluster-1",
                "   2.4 s  bootstrap of microovn-init-cluster-1",
                "   2.2 s  join of microovn-init-cluster-2",
                "   3.1 s  join of microovn-init-cluster-3",
                "   1.1 s  settle",
            ]
        );
    }

    #[test]
    fn what_is_known_is_told_with_its_reason_and_what_no_longer_happens_too() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/failing");
        let mut record = crate::record::assemble(&dir, false).expect("a record");
        let fault = |name: &str, seen: &[&str], gone: &[&str]| KnownFault {
            name: name.to_owned(),
            reason: "it\nrains".to_owned(),
            since: "2026-11-30".parse().expect("a day"),
            seen: seen.iter().map(|cell| (*cell).to_owned()).collect(),
            gone: gone.iter().map(|cell| (*cell).to_owned()).collect(),
        };
        record.known = vec![fault("a", &["init_cluster_custom_encap"], &[]), fault("b", &[], &["init_cluster"])];
        let text = text(&record, Path::new("r"), Path::new("r/report.html"), |_| false);
        assert!(
            text.contains("\n\nKNOWN a, since 2026-11-30: it rains\n  init_cluster_custom_encap: ovs_encap_ip: "),
            "{text}"
        );
        let gone = "\n\nNO LONGER SEEN b: all of init_cluster passed; take it out of suites/known.toml\n\n";
        assert!(text.contains(gone), "{text}");
    }

    #[test]
    fn a_cluster_that_is_up_is_not_formed_again_to_look_closer() {
        assert!(of("failing", false).contains("testkit up ") && !of("failing", true).contains("testkit up "));
    }

    #[test]
    fn of_many_cells_only_those_with_something_to_say_are_told() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/good");
        let mut record = crate::record::assemble(&dir, false).expect("a record");
        let cells = record.cells.clone();
        record.cells = cells.iter().cycle().take(100).cloned().collect();
        let text = text(&record, Path::new("r"), Path::new("r/report.html"), |_| false);
        assert!(text.lines().count() < 6 && text.contains("100 suites passed"), "{text}");
    }
}
