//! What it costs to place: the same cells on clusters of one, two and three members, which share this machine's processors.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use testkit::cli::{Catalogue, Cells, Failure, shown_plan};
use testkit::image::Progress;
use testkit::plan::Outline;
use testkit::record::Record;

use super::person::{Person, members_of, runs, text};
use super::ring::Ring;
use crate::bench::{median, seconds};
use crate::paper::{Paper, table};

/// How many members, and how many cells at once on each: six on all together, whatever they are, so that the processors have the
/// same to do.
pub(super) const SIZES: [(usize, usize); 3] = [(1, 6), (2, 3), (3, 2)];

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) cells: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// The cells on so many members.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    members: usize,
    /// How many cells at once on each.
    turns: usize,
    /// From the command to its end, in milliseconds.
    wall_ms: u64,
    /// How many cells each member had.
    placed: BTreeMap<String, usize>,
    /// What each stage of a cell took, in milliseconds: the median of all cells, over all members of a cell.
    stages: BTreeMap<String, u64>,
}

/// The names of the first so many cells of as many members as a cell has without more being said.
pub(super) fn cells(catalogue: &Catalogue, count: u16) -> Result<Vec<String>, Failure> {
    let all = Cells::of(catalogue)?.by_lowest_tier().into_iter().flat_map(|(_, cells)| cells);
    let alike = all.filter(|cell| shown_plan(catalogue, cell).state.members.len() == Outline::default().members);
    Ok(alike.take(count.into()).map(|cell| cell.id().to_string()).collect())
}

/// Forms the cluster, and runs the cells on it.
pub(super) fn measure(
    person: &Person<'_>,
    ring: &mut Ring,
    cells: &[String],
    progress: &mut Progress<'_>,
) -> Result<Row, String> {
    progress(&format!("{} cells on {} members", cells.len(), ring.members.len()));
    text(ring.form())?;
    for words in [&["setup"][..], &["image", "build"]] {
        person.good(ring, words)?;
    }
    let before = runs(ring);
    let words: Vec<&str> = std::iter::once("run").chain(cells.iter().map(String::as_str)).collect();
    let began = Instant::now();
    person.good(ring, &words)?;
    let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let record = person.record(ring, &before)?;
    person.good(ring, &["sweep", "--wait"])?;
    person.nothing_stays(ring)?;
    person.good(ring, &["teardown"])?;
    progress(&format!("{} members: {}", ring.members.len(), seconds(wall_ms)));
    let (members, turns) = (ring.members.len(), person.turns);
    Ok(Row { members, turns, wall_ms, placed: members_of(&record), stages: stages(&record) })
}

/// What each stage took of a cell, over all of its members: the median of the cells.
fn stages(record: &Record) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for cell in &record.cells {
        let mut own: BTreeMap<&str, u64> = BTreeMap::new();
        for stage in &cell.stages {
            *own.entry(stage.name.as_str()).or_default() += stage.ms;
        }
        for (name, ms) in own {
            all.entry(name.to_owned()).or_default().push(ms);
        }
    }
    all.into_iter().map(|(name, times)| (name, median(&times))).collect()
}

impl Measured {
    pub(super) fn paper(&self) -> Paper {
        let mut paper = Paper::default();
        paper.text(format!(
            "{} cells by one command, six at once on all members together. The members share the processors of this machine, so none \
             is faster for there being more of them: what is measured is what it costs to place cells, and to have LXD be a cluster.",
            self.cells.len()
        ));
        let alone = self.rows.first().map_or(0, |row| row.wall_ms);
        let header = ["LXD members", "cells at once on each", "time", "to one member", "cells on each"];
        let mut times = table(&header.map(str::to_owned), 0);
        for row in &self.rows {
            let placed: Vec<String> = row.placed.iter().map(|(member, cells)| format!("{member} {cells}")).collect();
            let relative = format!("{:.2}", crate::bench::ratio(row.wall_ms, alone));
            times.add_row([
                row.members.to_string(),
                row.turns.to_string(),
                seconds(row.wall_ms),
                relative,
                placed.join(", "),
            ]);
        }
        paper.table(times);
        paper
            .text("The stages of a cell, each over all of its members, median over the cells, by what they grew most:");
        let on = |row: &Row| format!("on {}", row.members);
        let header: Vec<String> = std::iter::once("stage".to_owned()).chain(self.rows.iter().map(on)).collect();
        let mut rows = table(&header, 0);
        for name in self.by_growth() {
            let times = self.rows.iter().map(|row| row.stages.get(name).map_or_else(String::new, |ms| seconds(*ms)));
            rows.add_row(std::iter::once(name.to_owned()).chain(times));
        }
        paper.table(rows);
        paper
    }

    /// The stages, those first that took longest more on the most members than on one.
    fn by_growth(&self) -> Vec<&str> {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return Vec::new() };
        let of = |row: &Row, name: &str| i128::from(row.stages.get(name).copied().unwrap_or_default());
        let mut names: Vec<&str> = self.rows.iter().flat_map(|row| row.stages.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.sort_by_key(|name| of(first, name) - of(last, name));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_that_grew_most_come_first() {
        let row = |members, stages: &[(&str, u64)]| Row {
            members,
            turns: 1,
            wall_ms: 0,
            placed: BTreeMap::new(),
            stages: stages.iter().map(|(name, ms)| ((*name).to_owned(), *ms)).collect(),
        };
        let rows = vec![
            row(1, &[("boot", 5), ("clone", 9), ("join", 1)]),
            row(3, &[("boot", 7), ("clone", 3), ("bridges", 4)]),
        ];
        let measured = Measured { cells: Vec::new(), rows };
        assert_eq!(measured.by_growth(), ["bridges", "boot", "join", "clone"]);
    }

    #[test]
    fn as_many_cells_are_formed_at_once_however_many_members_there_are() {
        assert!(SIZES.iter().all(|(members, turns)| members * turns == SIZES[0].1));
    }
}
