//! The stages of suites: how long each takes, whose time it is, and what the framework adds to MicroOVN's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::super::Failure;
use super::{median, seconds};
use crate::report::{Owner, Stage, Timeline};

/// The stages of every suite, of several rounds.
#[derive(Default)]
pub(super) struct Stages {
    /// Milliseconds of every round, by suite and stage.
    times: BTreeMap<(String, String), Vec<u64>>,
    owners: BTreeMap<String, Owner>,
    /// Of every round, by suite.
    spans: BTreeMap<String, Vec<Span>>,
}

/// How long a suite took, from the start of its first stage to the end of its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// Milliseconds in all.
    wall: u64,
    /// Those in which something was inside a MicroOVN command or waited for what it set in motion.
    product: u64,
}

impl Span {
    /// The span of these stages; some of them run side by side.
    fn of(stages: &[Stage]) -> Self {
        let interval = |stage: &Stage| {
            let start = stage.at.as_millisecond();
            (start, start.saturating_add_unsigned(stage.ms))
        };
        let start = stages.iter().map(|stage| interval(stage).0).min().unwrap_or_default();
        let end = stages.iter().map(|stage| interval(stage).1).max().unwrap_or_default();
        let mut product: Vec<_> = stages.iter().filter(|stage| stage.owner == Owner::Product).map(interval).collect();
        product.sort_unstable();
        let (mut covered, mut until) = (0, start);
        for (from, to) in product {
            covered += to.abs_diff(from.max(until).min(to));
            until = until.max(to);
        }
        Self { wall: end.abs_diff(start), product: covered }
    }

    fn own(self) -> u64 {
        self.wall.saturating_sub(self.product)
    }

    /// Tenths of a percent of the wall time that are not MicroOVN's.
    fn own_permille(self) -> u64 {
        1000 * self.own() / self.wall.max(1)
    }
}

impl Stages {
    /// Adds the stages of the run below `dir`.
    pub(super) fn collect(&mut self, dir: &Path) -> Result<(), Failure> {
        for run in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let entries = std::fs::read_dir(run.path()).into_iter().flatten().flatten();
            for cell in entries.filter(|entry| entry.path().is_dir()) {
                let stages = Timeline::new(&cell.path()).read().map_err(Failure::usage)?;
                self.add(&cell.file_name().to_string_lossy(), &stages);
            }
        }
        Ok(())
    }

    /// Adds those of other suites.
    pub(super) fn extend(&mut self, other: Self) {
        self.times.extend(other.times);
        self.owners.extend(other.owners);
        self.spans.extend(other.spans);
    }

    fn add(&mut self, suite: &str, stages: &[Stage]) {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for Stage { name, owner, ms, .. } in stages {
            // A dozen rows that say "nothing" hide those that say something.
            let pure = name.starts_with("check ") && *owner == Owner::Framework;
            let name = if pure { "pure checks, all" } else { name };
            *sums.entry(name.to_owned()).or_default() += ms;
            self.owners.insert(name.to_owned(), *owner);
        }
        for (stage, ms) in sums {
            self.times.entry((suite.to_owned(), stage)).or_default().push(ms);
        }
        self.spans.entry(suite.to_owned()).or_default().push(Span::of(stages));
    }

    pub(super) fn print(&self) {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["suite", "stage", "whose", "median"]);
        for ((suite, stage), times) in &self.times {
            let owner = self.owners.get(stage).map(|owner| format!("{owner:?}").to_lowercase()).unwrap_or_default();
            table.add_row([suite.clone(), stage.clone(), owner, seconds(median(times))]);
        }
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
        let suites: BTreeSet<&String> = self.times.keys().map(|(suite, _)| suite).collect();
        for suite in suites {
            println!("{}", self.by_owner(suite));
            println!("{}", self.overhead(suite));
        }
    }

    /// Whose time the stages of a suite are.
    fn by_owner(&self, suite: &str) -> String {
        let sum = |wanted: Option<Owner>| -> u64 {
            let stages = self.times.iter().filter(|((name, stage), _)| {
                name == suite && wanted.is_none_or(|wanted| self.owners.get(stage) == Some(&wanted))
            });
            stages.map(|(_, times)| median(times)).sum()
        };
        let total = sum(None);
        let share = |owner| 100 * sum(Some(owner)) / total.max(1);
        format!(
            "{suite}: stages of {} in all; product {} %, LXD and snapd {} %, framework {} %",
            seconds(total),
            share(Owner::Product),
            share(Owner::Lxd),
            share(Owner::Framework)
        )
    }

    /// What a suite takes beyond MicroOVN's own commands and the waits for them.
    fn overhead(&self, suite: &str) -> String {
        let spans = self.spans.get(suite).map(Vec::as_slice).unwrap_or_default();
        let of = |value: fn(Span) -> u64| median(&spans.iter().map(|span| value(*span)).collect::<Vec<_>>());
        let share = of(Span::own_permille);
        format!(
            "{suite}: {} from its first stage to its last check, {} of that outside MicroOVN: {}.{} %",
            seconds(of(|span| span.wall)),
            seconds(of(Span::own)),
            share / 10,
            share % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::*;

    fn stage(name: &str, owner: Owner, at_ms: i64, ms: u64) -> Stage {
        let at = Timestamp::UNIX_EPOCH.checked_add(at_ms.milliseconds()).expect("in range");
        Stage { name: name.to_owned(), owner, at, ms }
    }

    #[test]
    fn what_is_outside_microovn_is_the_wall_time_that_no_product_stage_covers() {
        let stages = [
            stage("golden image", Owner::Framework, 100, 50),
            stage("bootstrap", Owner::Product, 200, 300),
            // Side by side: the time of both counts once.
            stage("check a", Owner::Product, 600, 100),
            stage("check b", Owner::Product, 650, 150),
            stage("check c", Owner::Product, 660, 20),
            stage("check d", Owner::Framework, 1000, 100),
        ];
        let span = Span::of(&stages);
        assert_eq!(span, Span { wall: 1000, product: 500 });
        assert_eq!((span.own(), span.own_permille()), (500, 500));
        assert_eq!(Span::of(&[]), Span { wall: 0, product: 0 });
    }

    #[test]
    fn a_suite_is_told_in_medians_of_its_rounds() {
        let mut stages = Stages::default();
        for product in [100, 200, 600] {
            let round = [
                stage("bridges", Owner::Lxd, 0, 100),
                stage("check a", Owner::Framework, 100, 100),
                stage("check b", Owner::Framework, 100, 100),
                stage("join", Owner::Product, 200, product),
            ];
            stages.add("init_cluster", &round);
        }
        assert_eq!(
            stages.by_owner("init_cluster"),
            "init_cluster: stages of 0.500 s in all; product 40 %, LXD and snapd 20 %, framework 40 %"
        );
        assert_eq!(
            stages.overhead("init_cluster"),
            "init_cluster: 0.400 s from its first stage to its last check, 0.200 s of that outside MicroOVN: 50.0 %"
        );
    }
}
