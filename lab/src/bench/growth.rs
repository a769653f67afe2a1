//! How time and memory grew, for people and for programs.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use super::figures::{Goal, Quantity, goals, mebibytes, percent, seconds};
use super::machine::Machine;
use super::tables::total;
use crate::paper::{Paper, table};
use testkit::cluster::Product;
use testkit::report::spent::Spent;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Scale {
    pub(super) machine: Machine,
    pub(super) product: Product,
    /// Cells in one run. Memory is all of the host's that is in use.
    pub(super) cells: Growth,
    /// Members of one cluster. Memory is what LXD says of them.
    pub(super) members: Growth,
}

/// The sizes, in the order in which they were tried.
#[derive(Debug, Serialize)]
pub(super) struct Growth {
    /// The cell that clusters were formed of, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<String>,
    steps: Vec<Step>,
    bends: Vec<Bend>,
    goals: Vec<Goal>,
}

/// One size, and what it took.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// How many cells or members.
    pub(super) size: usize,
    /// Milliseconds in all.
    #[serde(rename = "wall_ms")]
    pub(super) wall: u64,
    /// The time of one of so many, as a multiple of that of one of the first size.
    #[serde(rename = "to_one_alone_ratio")]
    pub(super) relative: f64,
    /// Bytes in use, at most.
    #[serde(rename = "memory_bytes")]
    pub(super) memory: u64,
    /// Those of them that were not in use before, where that is known.
    #[serde(rename = "memory_grown_bytes", skip_serializing_if = "Option::is_none")]
    pub(super) memory_grown: Option<u64>,
    /// Of the time of all cores of the host.
    #[serde(rename = "cores_busy_percent")]
    pub(super) busy: u64,
    /// What it waited for.
    #[serde(rename = "critical_path")]
    pub(super) path: Vec<Spent>,
    /// The stages of a cell, the median of all cells; none for members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stages: Vec<Spent>,
}

/// The stage whose share of the critical path grew most from one size to the next.
#[derive(Debug, PartialEq, Serialize)]
struct Bend {
    from: usize,
    to: usize,
    stage: String,
    from_percent: f64,
    to_percent: f64,
}

impl Scale {
    pub(super) fn paper(&self) -> Paper {
        let mut paper = Paper::default();
        paper.text(self.machine.to_string());
        paper.text(format!("Product: {}.", self.product));
        self.show_cells(&mut paper);
        self.show_members(&mut paper);
        paper
    }

    fn show_cells(&self, paper: &mut Paper) {
        let steps = &self.cells.steps;
        let header = ["cells", "time", "a cell, to one alone", "memory, at most", "beyond before", "cores busy"];
        let mut rows = table(&header.map(str::to_owned), 0);
        rows.add_rows(steps.iter().map(|step| {
            [
                step.size.to_string(),
                seconds(step.wall),
                Quantity::Ratio(step.relative).to_string(),
                mebibytes(step.memory),
                mebibytes(step.memory_grown.unwrap_or_default()),
                format!("{} %", step.busy),
            ]
        }));
        paper.text(
            "Cells of three members in one run. Memory is all of the host's that the kernel does not call available, \
             looked at every 0.2 s.",
        );
        paper.table(rows);
        paper.text(told(&self.cells.bends, "cells"));
        paper.text("The stages of a cell on its own path, median over the cells of the run:");
        paper.table(columns("cells", steps, |step| &step.stages));
        paper.text("The stages on the critical path of the run:");
        paper.table(columns("cells", steps, |step| &step.path));
        paper.table(goals(&self.cells.goals));
    }

    fn show_members(&self, paper: &mut Paper) {
        let Growth { cell: Some(cell), steps, bends, .. } = &self.members else { return };
        let header = ["members", "time", "a member, to one alone", "memory of the members", "cores busy"];
        let mut rows = table(&header.map(str::to_owned), 0);
        rows.add_rows(steps.iter().map(|step| {
            [
                step.size.to_string(),
                seconds(step.wall),
                Quantity::Ratio(step.relative).to_string(),
                mebibytes(step.memory),
                format!("{} %", step.busy),
            ]
        }));
        paper.text(format!(
            "Members of one cluster of `{cell}`, until it has settled. Memory is what LXD says of its members then, in sum."
        ));
        paper.table(rows);
        paper.text(told(bends, "members"));
        paper.text("The stages on its path:");
        paper.table(columns("members", steps, |step| &step.path));
        let cores = self.machine.cores();
        paper.text(format!("Cores busy is of all {cores} cores, with everything else that the host did."));
    }
}

impl Growth {
    pub(super) fn new(cell: Option<String>, steps: Vec<Step>, goals: Vec<Goal>) -> Self {
        let bends = steps.windows(2).filter_map(|pair| Bend::between(&pair[0], &pair[1])).collect();
        Self { cell, steps, bends, goals }
    }
}

impl Bend {
    /// `None` where no stage's share grew.
    fn between(small: &Step, large: &Step) -> Option<Self> {
        let (stage, before, after) = grown(&small.path, &large.path)?;
        Some(Self {
            from: small.size,
            to: large.size,
            stage: stage.to_owned(),
            from_percent: percent(before, total(&small.path)),
            to_percent: percent(after, total(&large.path)),
        })
    }
}

/// The stages of every size, a column each.
fn columns(what: &str, steps: &[Step], of: impl Fn(&Step) -> &Vec<Spent>) -> Table {
    let mut header = vec!["stage".to_owned()];
    header.extend(steps.iter().map(|step| format!("{} {what}", step.size)));
    let mut rows = table(&header, 1);
    let mut names: Vec<&str> = Vec::new();
    for spent in steps.iter().flat_map(&of) {
        if !names.contains(&spent.name.as_str()) {
            names.push(&spent.name);
        }
    }
    for name in names {
        let ms = |step: &Step| of(step).iter().find(|spent| spent.name == name).map_or(0, |spent| spent.ms);
        let mut row = vec![name.to_owned()];
        row.extend(steps.iter().map(|step| seconds(ms(step))));
        rows.add_row(row);
    }
    rows
}

/// What bends the curve of so many cells or members.
fn told(bends: &[Bend], what: &str) -> String {
    let line = |Bend { from, to, stage, from_percent, to_percent }: &Bend| {
        format!("- from {from} to {to} {what}: `{stage}`, from {from_percent:.1} % to {to_percent:.1} % of the path")
    };
    if bends.is_empty() {
        return "What bends the curve is not known from one size.".to_owned();
    }
    let lines: Vec<String> = bends.iter().map(line).collect();
    format!("What bends the curve, the stage whose share grew most:\n\n{}", lines.join("\n"))
}

/// The stage whose share grew most, with its milliseconds before and after; `None` where none grew.
fn grown<'a>(before: &[Spent], after: &'a [Spent]) -> Option<(&'a str, u64, u64)> {
    let mut shares: BTreeMap<&str, (u64, u64)> =
        after.iter().map(|spent| (spent.name.as_str(), (0, spent.ms))).collect();
    for spent in before {
        if let Some((ms, _)) = shares.get_mut(spent.name.as_str()) {
            *ms = spent.ms;
        }
    }
    let (small, large) = (u128::from(total(before).max(1)), u128::from(total(after).max(1)));
    // Shares by a common denominator.
    let growth = |(before, after): (u64, u64)| {
        (u128::from(after) * small).checked_sub(u128::from(before) * large).filter(|growth| *growth > 0)
    };
    let grew = shares.into_iter().filter_map(|(name, share)| Some((growth(share)?, name, share)));
    grew.max_by_key(|(growth, ..)| *growth).map(|(_, name, (before, after))| (name, before, after))
}

#[cfg(test)]
impl Step {
    /// A size that took only these stages.
    pub(super) fn example(size: usize, path: &[(&str, u64)]) -> Self {
        let owner = testkit::report::Owner::Product;
        let path: Vec<Spent> =
            path.iter().map(|(name, ms)| Spent { name: (*name).to_owned(), owner, ms: *ms }).collect();
        let wall = total(&path);
        Self { size, wall, relative: 1.0, memory: 0, memory_grown: None, busy: 0, path, stages: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::bench::figures::Limit;

    #[test]
    fn what_bends_the_curve_is_the_stage_whose_share_grew_most() {
        for (before, after, wanted) in [
            (vec![("boot", 50), ("join", 50)], vec![("boot", 60), ("join", 140)], Some(("join", 50, 140))),
            (vec![("boot", 50)], vec![("boot", 50), ("turn", 50)], Some(("turn", 0, 50))),
            // Everything grew alike, or there was nothing before.
            (vec![("boot", 10), ("join", 30)], vec![("boot", 20), ("join", 60)], None),
            (vec![], vec![], None),
        ] {
            let (before, after) = (Step::example(1, &before), Step::example(2, &after));
            assert_eq!(grown(&before.path, &after.path), wanted, "{before:?} {after:?}");
        }
        let steps = vec![Step::example(1, &[("boot", 100)]), Step::example(2, &[("boot", 100), ("turn", 100)])];
        let text = told(&Growth::new(None, steps, Vec::new()).bends, "cells");
        assert!(text.ends_with("- from 1 to 2 cells: `turn`, from 0.0 % to 50.0 % of the path"), "{text}");
    }

    fn scale() -> Scale {
        let of_cells = |size, path: &[(&str, u64)]| Step {
            memory: 2 << 30,
            memory_grown: Some(1 << 20),
            busy: 81,
            stages: Step::example(size, &[("join", 60)]).path,
            ..Step::example(size, path)
        };
        let cells = vec![of_cells(1, &[("join", 100)]), of_cells(4, &[("join", 200), ("turn", 200)])];
        let limit = Limit::AtMost(Quantity::Bytes(6 << 30));
        let goals = vec![Goal::new("memory in use at most", Quantity::Bytes(2 << 30), limit)];
        let members = vec![Step { memory: 200 << 20, busy: 67, ..Step::example(3, &[("settle", 700)]) }];
        Scale {
            machine: Machine::example(),
            product: crate::bench::product(),
            cells: Growth::new(None, cells, goals),
            members: Growth::new(Some("init_cluster".to_owned()), members, Vec::new()),
        }
    }

    #[test]
    fn programs_get_every_size_with_its_stages() {
        expect![[r#"
            {
              "cells": {
                "steps": [
                  {
                    "size": 1,
                    "wall_ms": 100,
                    "to_one_alone_ratio": 1.0,
                    "memory_bytes": 2147483648,
                    "memory_grown_bytes": 1048576,
                    "cores_busy_percent": 81,
                    "critical_path": [
                      {
                        "name": "join",
                        "owner": "product",
                        "ms": 100
                      }
                    ],
                    "stages": [
                      {
                        "name": "join",
                        "owner": "product",
                        "ms": 60
                      }
                    ]
                  },
                  {
                    "size": 4,
                    "wall_ms": 400,
                    "to_one_alone_ratio": 1.0,
                    "memory_bytes": 2147483648,
                    "memory_grown_bytes": 1048576,
                    "cores_busy_percent": 81,
                    "critical_path": [
                      {
                        "name": "join",
                        "owner": "product",
                        "ms": 200
                      },
                      {
                        "name": "turn",
                        "owner": "product",
                        "ms": 200
                      }
                    ],
                    "stages": [
                      {
                        "name": "join",
                        "owner": "product",
                        "ms": 60
                      }
                    ]
                  }
                ],
                "bends": [
                  {
                    "from": 1,
                    "to": 4,
                    "stage": "turn",
                    "from_percent": 0.0,
                    "to_percent": 50.0
                  }
                ],
                "goals": [
                  {
                    "what": "memory in use at most",
                    "measured": {
                      "bytes": 2147483648
                    },
                    "wanted": {
                      "at_most": {
                        "bytes": 6442450944
                      }
                    },
                    "reached": true
                  }
                ]
              },
              "members": {
                "cell": "init_cluster",
                "steps": [
                  {
                    "size": 3,
                    "wall_ms": 700,
                    "to_one_alone_ratio": 1.0,
                    "memory_bytes": 209715200,
                    "cores_busy_percent": 67,
                    "critical_path": [
                      {
                        "name": "settle",
                        "owner": "product",
                        "ms": 700
                      }
                    ]
                  }
                ],
                "bends": [],
                "goals": []
              }
            }"#]]
        .assert_eq(&crate::bench::without_head(&scale()));
    }
}
