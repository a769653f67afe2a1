//! What journeys take: how much of it is the framework's own, and how long the look is that judges a station.

use serde::Serialize;

use super::figures::Limit::{AtMost, Under};
use super::figures::Quantity::{Ms, Percent};
use super::figures::{Goal, goals, median, samples, seconds};
use super::machine::Machine;
use super::suites::{Round, Suites};
use super::tables::{framework_percent, total};
use crate::paper::{Paper, table};
use testkit::cli::{Failure, lines};
use testkit::cluster::{self, Product, Site};
use testkit::report::spent::sum;

/// What was measured, as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Life {
    machine: Machine,
    product: Product,
    /// Milliseconds that the command took which played all of them.
    wall_ms: u64,
    journeys: Vec<Played>,
    goals: Vec<Goal>,
}

/// A journey that was played beside others.
#[derive(Debug, Serialize)]
struct Played {
    journey: String,
    /// Milliseconds from its first test to its last, without those in which it waited for others.
    ms: u64,
    /// The framework's share of that.
    framework_percent: f64,
    /// Milliseconds of the look that judged a station, of every station.
    #[serde(rename = "look_ms", serialize_with = "samples")]
    looks: Vec<u64>,
}

/// Plays all journeys by one command.
pub(super) async fn measure(site: &Site, suites: &Suites<'_>) -> Result<Life, Failure> {
    let machine = Machine::examine(site).await?;
    let find = async || cluster::golden(&site.config, &site.client, &mut lines()).await;
    let (_, product) = site.run.once("golden", find).await.map_err(Failure::cluster)?;
    let journeys = suites.cells().life(None)?;
    let programs = suites.build(&journeys).await?;
    let round = suites.round("all journeys", &programs, &journeys).await?;
    Ok(Life::of(machine, product, &round))
}

impl Life {
    fn of(machine: Machine, product: Product, round: &Round) -> Self {
        let journeys: Vec<Played> = round
            .paths()
            .into_iter()
            .map(|(journey, path)| {
                let own = sum(&path.into_iter().filter(|piece| !piece.work.is_wait()).collect::<Vec<_>>());
                let looks = round.looks.get(&journey).cloned().unwrap_or_default();
                Played { journey, ms: total(&own), framework_percent: framework_percent(&own), looks }
            })
            .collect();
        let share = journeys.iter().map(|played| played.framework_percent).fold(0.0, f64::max);
        let looks: Vec<u64> = journeys.iter().flat_map(|played| played.looks.iter().copied()).collect();
        let wall_ms = round.wall();
        let goals = vec![
            Goal::new("the framework's share of a journey's time, at most", Percent(share), Under(Percent(10.0))),
            Goal::new("the look that judges a station, median", Ms(median(&looks)), Under(Ms(700))),
            Goal::new("all journeys by one command", Ms(wall_ms), AtMost(Ms(600_000))),
        ];
        Self { machine, product, wall_ms, journeys, goals }
    }

    pub(super) fn paper(&self) -> Paper {
        let header = ["journey", "stations", "time", "the framework's", "look that judges, median"];
        let mut rows = table(&header.map(str::to_owned), 1);
        for Played { journey, ms, framework_percent, looks } in &self.journeys {
            rows.add_row([
                journey.clone(),
                looks.len().to_string(),
                seconds(*ms),
                Percent(*framework_percent).to_string(),
                seconds(median(looks)),
            ]);
        }
        let mut paper = Paper::default();
        paper.text(self.machine.to_string());
        paper.text(format!("Product: {}.", self.product));
        paper.text("All journeys by one command, side by side: each without the time in which it waited for others.");
        paper.table(rows);
        paper.table(goals(&self.goals));
        paper
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use testkit::report::spent::SuiteTimes;
    use testkit::report::{Owner, Stage, Work};

    use super::*;
    use crate::bench::machine::Seen;

    #[test]
    fn a_journey_is_measured_without_its_waits_for_others() {
        let at = |ms| Timestamp::from_millisecond(ms).expect("in range");
        let stage = |work, owner, from, ms| Stage { work, owner, at: at(from), ms };
        let stages = vec![
            stage(Work::Turn, Owner::Framework, 0, 5_000),
            stage(Work::Plan, Owner::Framework, 5_000, 100),
            stage(Work::Step(1), Owner::Product, 5_100, 900),
        ];
        let suite = SuiteTimes { name: "tls".to_owned(), stages, began: at(0), ended: at(6_000) };
        let looks = BTreeMap::from([("tls".to_owned(), vec![300, 900])]);
        let seen = Seen::default();
        let round = Round { started: at(0), ended: at(6_000), cleanup: 0, suites: vec![suite], looks, seen };
        let life = Life::of(Machine::example(), crate::bench::product(), &round);
        let [played] = &life.journeys[..] else { panic!("one journey") };
        assert_eq!((played.ms, played.framework_percent), (1_000, 10.0));
        let reached: Vec<bool> = life.goals.iter().map(|goal| goal.reached).collect();
        assert_eq!(reached, [false, true, true], "{:?}", life.goals);
    }
}
