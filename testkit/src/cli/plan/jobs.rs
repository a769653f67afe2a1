//! Suites over the jobs of a workflow.

use std::fmt::Display;
use std::num::NonZeroUsize;

use serde::Serialize;
use serde_json::Value;

use super::rows::CellRow;

/// One job of the workflow.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Job {
    name: String,
    tier: String,
    cells: String,
    seconds: u64,
}

/// The strategy matrix of a workflow with so many jobs, fewer where there are fewer suites, or more where their names take more.
pub(super) fn matrix(rows: &[CellRow], jobs: NonZeroUsize, name: impl Display) -> Value {
    serde_json::json!({"include": balance(rows, jobs.get(), name)})
}

/// The bytes of names that one job is given. They are one variable of its environment, and Linux starts no program with one that
/// is longer than 128 KiB (`MAX_ARG_STRLEN` in execve(2)).
const NAMES: usize = 100_000;

/// The cells over at most `jobs` jobs, or as many as their names take, so that the longest job is short: each cell, the most
/// expensive first, goes to the job that has the least to do.
fn balance(rows: &[CellRow], jobs: usize, tier: impl Display) -> Vec<Job> {
    let names: usize = rows.iter().map(|row| row.id.len() + 1).sum();
    let jobs = jobs.max(names.div_ceil(NAMES)).min(rows.len());
    let mut loads: Vec<(u64, Vec<&str>)> = vec![(0, Vec::new()); jobs];
    let mut order: Vec<&CellRow> = rows.iter().collect();
    order.sort_by_key(|row| std::cmp::Reverse(row.seconds));
    for row in order {
        if let Some((load, names)) = loads.iter_mut().min_by_key(|(load, _)| *load) {
            *load += row.seconds;
            names.push(&row.id);
        }
    }
    (1..)
        .zip(loads)
        .map(|(n, (seconds, mut names))| {
            names.sort_unstable();
            Job { name: format!("{tier} {n}/{jobs}"), tier: tier.to_string(), cells: names.join(" "), seconds }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::matrix::Tier;

    fn row(id: &str, seconds: u64) -> CellRow {
        CellRow {
            id: id.to_owned(),
            choices: BTreeMap::new(),
            members: 3,
            checks: Vec::new(),
            needs: Vec::new(),
            seconds,
        }
    }

    #[test]
    fn jobs_are_balanced_by_cost_and_lose_no_cell() {
        let rows = [row("a", 10), row("b", 40), row("c", 20), row("d", 10)];
        let jobs = balance(&rows, 2, Tier::Core);
        let shown: Vec<(&str, u64)> = jobs.iter().map(|job| (job.cells.as_str(), job.seconds)).collect();
        assert_eq!(shown, [("b", 40), ("a c d", 40)]);
        assert_eq!(balance(&rows, 9, Tier::Core).len(), 4, "no job is empty");
        assert_eq!(balance(&[], 2, Tier::Core), []);
        let many: Vec<CellRow> = (0..3000).map(|n| row(&format!("{n:0>64}"), 1)).collect();
        let jobs = balance(&many, 1, Tier::Full);
        assert!(jobs.iter().all(|job| job.cells.len() < 131_072), "a variable holds no more");
        assert_eq!(jobs.iter().map(|job| job.cells.split(' ').count()).sum::<usize>(), 3000);
    }
}
