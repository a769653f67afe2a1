//! What `testkit bench` measures, for people and for programs.

use comfy_table::Table;
use serde::Serialize;

use super::figures::Limit::{AtMost, Under};
use super::figures::Quantity::{Ms, Percent, Ratio};
use super::figures::{Goal, goals, mebibytes, median, percent, ratio, samples, seconds};
use super::machine::{self, Machine};
use super::measures::{self, Clones, Cold, Formed};
use super::suites::{Round, Rounds, Suites, middle};
use super::tables;
use crate::paper::{Paper, table};
use testkit::cli::{Catalogue, Failure};
use testkit::cluster::{self, Product, Site};
use testkit::report::spent::sum;

/// What was measured, as programs read it.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    machine: &'a Machine,
    product: &'a Product,
    /// Where it was asked for.
    cold: Option<&'a Cold>,
    #[serde(serialize_with = "samples")]
    golden_image_ms: &'a [u64],
    clone: &'a Clones,
    members: &'a Formed,
    /// All core suites by one command, with the round in the middle.
    all_suites: Rounds,
    /// Each core suite by a command of its own, with the round in the middle of each.
    one_suite: Rounds,
    goals: Vec<Goal>,
}

/// Everything that is measured.
pub(super) struct Measured {
    machine: Machine,
    product: Product,
    cold: Option<Cold>,
    golden: Vec<u64>,
    clones: Clones,
    formed: Formed,
    /// All core suites by one command.
    together: Vec<Round>,
    /// Each core suite by a command of its own.
    alone: Vec<Vec<Round>>,
}

impl Measured {
    /// Measures all but `cold`, so many times.
    pub(super) async fn take(
        site: &Site,
        catalogue: &Catalogue,
        suites: &Suites<'_>,
        rounds: usize,
        cold: Option<Cold>,
    ) -> Result<Self, Failure> {
        let machine = Machine::examine(site).await?;
        let golden = measures::golden(site, rounds).await?;
        let (image, product) =
            cluster::golden(&site.config, &site.client, &mut |_| {}).await.map_err(Failure::cluster)?;
        let clones = Clones::measure(site, &image, rounds).await?;
        let core = &suites.cells().core;
        let formed = Formed::measure(site, catalogue, core, median(&clones.cpu)).await?;
        let core = suites.cells().suites(core);
        let programs = suites.build(&core).await?;
        let mut together = Vec::new();
        let mut alone = Vec::new();
        for round in 1..=rounds {
            together.push(suites.round(&format!("all suites, round {round}"), &programs, &core).await?);
        }
        for suite in &core {
            let mut own = Vec::new();
            for round in 1..=rounds {
                let what = format!("{}, round {round}", suite.name());
                own.push(suites.round(&what, &programs, std::slice::from_ref(suite)).await?);
            }
            alone.push(own);
        }
        Ok(Self { machine, product, cold, golden, clones, formed, together, alone })
    }

    /// As programs read it.
    pub(super) fn told(&self) -> Told<'_> {
        let alone = self.alone();
        Told {
            machine: &self.machine,
            product: &self.product,
            cold: self.cold.as_ref(),
            golden_image_ms: &self.golden,
            clone: &self.clones,
            members: &self.formed,
            all_suites: Rounds::of(&self.together, middle(&self.together)),
            goals: self.goals(&alone),
            one_suite: Rounds::of(self.alone.iter().flatten(), alone),
        }
    }

    /// Each core suite's round in the middle.
    fn alone(&self) -> Vec<&Round> {
        self.alone.iter().filter_map(|rounds| middle(rounds)).collect()
    }

    pub(super) fn paper(&self) -> Paper {
        let mut paper = Paper::default();
        paper.text(self.machine.to_string());
        paper.text(format!("Product: {}.", self.product));
        let alone = self.alone();
        if let Some(round) = middle(&self.together) {
            paper.text(format!(
                "All suites by one command, the round in the middle of {}: the stages of each from the start of the \
                 runner to its last check, and the critical path of the command.",
                self.together.len()
            ));
            paper.table(tables::ledger(&round.paths(), Some(("critical path", &round.critical_path()))));
            paper.text("The cores meanwhile, with everything else that the host did:");
            paper.table(machine::cores_table(&round.seen.cores));
            paper.text("What they were busy with:");
            let (boots, lives) = (self.of_members(&self.clones.cpu), self.of_members(&self.clones.host));
            paper.table(work(machine::busy(&round.seen.cores), self.formed.product, boots, lives));
        }
        paper.text("Each suite alone, its round in the middle:");
        let paths: Vec<_> = alone.iter().flat_map(|round| round.paths()).collect();
        paper.table(tables::ledger(&paths, None));
        paper.table(self.figures());
        paper.text("What is to be reached, on two cores and btrfs, with a golden image and the stand-in:");
        paper.table(goals(&self.goals(&alone)));
        paper
    }

    /// What all members of all core clusters take, where a clone takes so much each time.
    fn of_members(&self, clone: &[u64]) -> u64 {
        median(clone) * self.formed.memory.len() as u64
    }

    /// Milliseconds below which no run of all core suites can be: what the product takes of processors itself, and what as many
    /// clones take that nobody uses, on all cores at once.
    fn floor(&self) -> u64 {
        (self.formed.product + self.of_members(&self.clones.host)) / self.machine.cores()
    }

    fn figures(&self) -> Table {
        let mut rows = table(&["what", "median", "measured"].map(str::to_owned), 1);
        let mut row = |what: &str, value: String, of: &[u64]| {
            rows.add_row([what.to_owned(), value, times_measured(of.len())]);
        };
        if let Some(&Cold { snaps, node }) = self.cold.as_ref() {
            row("snaps of the stand-in, with an empty cache", seconds(snaps), &[snaps]);
            row("node image, with an empty cache", seconds(node), &[node]);
        }
        let Clones { running, active, memory, cpu, host } = &self.clones;
        row("golden image, anew from node image and snaps", seconds(median(&self.golden)), &self.golden);
        row("one clone, running", seconds(median(running)), running);
        row("one clone, snap services active and MicroOVN answering", seconds(median(active)), active);
        row("processor time of that", seconds(median(cpu)), cpu);
        row("processor time of the host for that clone, until it is gone", seconds(median(host)), host);
        row("memory of that node", mebibytes(median(memory)), memory);
        let formed = &self.formed.memory;
        row("memory of a member of a formed cluster", mebibytes(median(formed)), formed);
        row("memory of the largest of them", mebibytes(formed.iter().copied().max().unwrap_or_default()), &[]);
        row(
            "processor time of the members of all core clusters, beyond their boots",
            seconds(self.formed.product),
            &[],
        );
        row("that of as many clones which nobody uses", seconds(self.of_members(host)), &[]);
        row("both, divided by the cores: the floor of all core suites", seconds(self.floor()), &[]);
        if let Some(round) = middle(&self.together) {
            let memory = round.seen.memory;
            row("memory of the host in use during all suites, at most", mebibytes(memory.peak), &[]);
            row("of that, beyond what was in use before", mebibytes(memory.grown()), &[]);
        }
        for (what, rounds) in [
            ("all suites, one command", self.together.iter().collect::<Vec<_>>()),
            ("one suite, one command", self.alone.iter().flatten().collect()),
        ] {
            let walls: Vec<u64> = rounds.iter().map(|round| round.wall()).collect();
            row(what, seconds(median(&walls)), &walls);
            let cleanups: Vec<u64> = rounds.iter().map(|round| round.cleanup).collect();
            row("cleanup after it", seconds(median(&cleanups)), &cleanups);
        }
        rows
    }

    fn goals(&self, alone: &[&Round]) -> Vec<Goal> {
        let active = median(&self.clones.active);
        let suites = || alone.iter().flat_map(|round| &round.suites);
        let booted = median(&suites().map(|suite| suite.booted()).collect::<Vec<_>>());
        let judged = median(&suites().map(|suite| suite.judged()).collect::<Vec<_>>());
        let paths = alone.iter().flat_map(|round| round.paths());
        let share = paths.map(|(_, path)| tables::framework_percent(&sum(&path))).fold(0.0, f64::max);
        let wall = median(&self.together.iter().map(Round::wall).collect::<Vec<_>>());
        vec![
            Goal::new("a clone until its snap services are active, median", Ms(active), Under(Ms(800))),
            Goal::new(
                "all members of a suite alone until theirs are, from its turn on, median",
                Ms(booted),
                Under(Ms(2_500)),
            ),
            Goal::new(
                "the framework's share of the wall time of a suite alone, at most",
                Percent(share),
                Under(Percent(10.0)),
            ),
            Goal::new("all checks of a suite alone, from the settled cluster on, median", Ms(judged), Under(Ms(1_000))),
            Goal::new(
                "all suites by one command, to the floor: processor time of the product and of bare clones, divided by the cores",
                Ratio(ratio(wall, self.floor())),
                AtMost(Ratio(1.1)),
            ),
        ]
    }
}

/// Of the milliseconds that the processors were busy, how many were the product's, its members' boots, and LXD's and the
/// kernel's for as many `lives` of clones, boots among them, in which nobody does anything.
fn work(busy: u64, product: u64, boots: u64, lives: u64) -> Table {
    let rest = busy.saturating_sub(product + lives.max(boots));
    let mut rows = table(&["whose processor time", "all cores", "share"].map(str::to_owned), 1);
    for (whose, ms) in [
        ("the product's own", product),
        ("boots of its members", boots),
        ("LXD and the kernel, to copy, start and delete them", lives.saturating_sub(boots)),
        ("the rest: commands in them, bridges, the checks, the framework", rest),
    ] {
        rows.add_row([whose.to_owned(), seconds(ms), Percent(percent(ms, busy)).to_string()]);
    }
    rows
}

/// How often something was measured; nothing for what is no median.
fn times_measured(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 sample".to_owned(),
        count => format!("{count} samples"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn measured() -> Measured {
        let (running, active) = (vec![290, 280, 300], vec![760, 770, 900]);
        Measured {
            machine: Machine::example(),
            product: crate::bench::product(),
            cold: Some(Cold { snaps: 60_000, node: 30_000 }),
            golden: vec![9_424],
            clones: Clones { running, active, memory: vec![137_363_456], cpu: vec![620], host: vec![1_100] },
            formed: Formed { memory: vec![211_812_352, 216_006_656], product: 17_742 },
            together: Vec::new(),
            alone: Vec::new(),
        }
    }

    #[test]
    fn programs_get_all_that_was_measured() {
        let measured = measured();
        let mut told = measured.told();
        assert_eq!(told.goals.len(), 5);
        told.goals.truncate(1);
        expect![[r#"
            {
              "cold": {
                "snaps_ms": 60000,
                "node_image_ms": 30000
              },
              "golden_image_ms": {
                "median": 9424,
                "samples": [
                  9424
                ]
              },
              "clone": {
                "running_ms": {
                  "median": 290,
                  "samples": [
                    290,
                    280,
                    300
                  ]
                },
                "active_ms": {
                  "median": 770,
                  "samples": [
                    760,
                    770,
                    900
                  ]
                },
                "memory_bytes": {
                  "median": 137363456,
                  "samples": [
                    137363456
                  ]
                },
                "processor_ms": {
                  "median": 620,
                  "samples": [
                    620
                  ]
                },
                "host_processor_ms": {
                  "median": 1100,
                  "samples": [
                    1100
                  ]
                }
              },
              "members": {
                "memory_bytes": {
                  "median": 211812352,
                  "samples": [
                    211812352,
                    216006656
                  ]
                },
                "processor_ms": 17742
              },
              "all_suites": {
                "wall_ms": {
                  "median": 0,
                  "samples": []
                },
                "cleanup_ms": {
                  "median": 0,
                  "samples": []
                },
                "middle": []
              },
              "one_suite": {
                "wall_ms": {
                  "median": 0,
                  "samples": []
                },
                "cleanup_ms": {
                  "median": 0,
                  "samples": []
                },
                "middle": []
              },
              "goals": [
                {
                  "what": "a clone until its snap services are active, median",
                  "measured": {
                    "ms": 770
                  },
                  "wanted": {
                    "under": {
                      "ms": 800
                    }
                  },
                  "reached": true
                }
              ]
            }"#]]
        .assert_eq(&crate::bench::without_head(&told));
    }

    #[test]
    fn the_floor_is_what_the_product_takes_and_a_clone_for_each_member_on_all_cores() {
        let measured = measured();
        assert_eq!(measured.floor() * measured.machine.cores(), 17_742 + 2 * 1_100);
        let goal = measured.goals(&[]).pop().expect("a goal");
        assert!(goal.what.contains("to the floor"), "{}", goal.what);
    }

    #[test]
    fn what_is_neither_the_products_nor_a_boot_is_the_rest() {
        let shares = |busy, product, boots, lives| {
            let rows = work(busy, product, boots, lives);
            let cell = |row: &comfy_table::Row| row.cell_iter().last().expect("a share").content();
            rows.row_iter().map(cell).collect::<Vec<_>>()
        };
        assert_eq!(shares(40_000, 18_000, 8_000, 12_000), ["45.0 %", "20.0 %", "10.0 %", "25.0 %"]);
        assert_eq!(shares(10_000, 8_000, 4_000, 3_000), ["80.0 %", "40.0 %", "0.0 %", "0.0 %"], "of other rounds");
    }

    #[test]
    fn what_was_measured_says_how_often() {
        assert_eq!([0, 1, 3].map(times_measured), ["", "1 sample", "3 samples"]);
    }
}
