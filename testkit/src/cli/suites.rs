//! What is run under one name: the checks of a cell, or the stations of a journey.

use std::cell::LazyCell;
use std::fmt;
use std::str::FromStr;

use super::Failure;
use super::cells::{Cells, checks, lay_traffic, nearest, target};
use crate::cluster;
use crate::config::Config;
use crate::journey::{Journey, Station};
use crate::matrix::{Cell, Tier};
use crate::nearest;
use crate::plan::{Plan, Segments};

/// The test target that holds the journeys: `suites/tests/life/`. It is the name of their tier, too.
pub(super) const LIFE: &str = "life";

/// What is run under one name, as it is shown; a run picks free address ranges.
#[derive(Clone)]
pub struct Suite {
    /// The cell that its cluster is of.
    pub(super) cell: Cell,
    /// The plan of its cluster.
    pub(super) plan: Plan,
    /// The test target that it is in.
    pub(super) target: &'static str,
    /// Every station, where it is a journey.
    pub(super) stations: Option<Vec<Station>>,
}

impl Suite {
    /// Its name, and that of its folder and its cluster.
    pub fn name(&self) -> &str {
        self.plan.cell.as_str()
    }

    /// Its tests, each with what it holds.
    pub(super) fn tests(&self) -> Vec<(String, String)> {
        match &self.stations {
            Some(stations) => stations.iter().map(|it| (it.test(), it.about.clone())).collect(),
            None => checks(&self.plan).map(|check| (check.name.to_owned(), check.about.to_owned())).collect(),
        }
    }

    /// Has its members send each other packets, where they can.
    pub(super) fn lay_traffic(&mut self) {
        lay_traffic(&mut self.plan);
    }

    /// How many steps are taken from its cluster.
    pub(super) fn steps(&self) -> usize {
        self.stations.as_ref().map_or(0, |stations| stations.len().saturating_sub(1))
    }

    /// Milliseconds that it is expected to take.
    pub fn cost(&self, out_dir: &std::path::Path) -> u64 {
        cluster::expected(out_dir, &self.plan, self.steps())
    }

    /// Whether a run below `out_dir` recorded how long it takes.
    pub fn is_recorded(&self, out_dir: &std::path::Path) -> bool {
        cluster::recorded(out_dir, self.name()).is_some()
    }
}

impl Cells {
    /// The suites of these cells.
    pub fn suites(&self, chosen: &[Cell]) -> Vec<Suite> {
        // A run waits for this, and the tiers above the core take their time.
        let tiers = Tier::ALL.map(|tier| (tier, LazyCell::new(move || self.tier(tier))));
        let target_of = |cell: &Cell| {
            if self.matrix.is_apart(cell) {
                return target(Tier::MicroCloud);
            }
            let lowest = tiers.iter().find(|(tier, members)| *tier == Tier::Full || members.contains(cell));
            target(lowest.map_or(Tier::Full, |(tier, _)| *tier))
        };
        let suite = |cell: &Cell| {
            let plan = Plan::draw(cell, self.options, Segments::documentation());
            Suite { cell: cell.clone(), plan, target: target_of(cell), stations: None }
        };
        chosen.iter().map(suite).collect()
    }

    /// A journey from its own cell, or from another.
    ///
    /// # Errors
    /// When there is no such cell, or a step is impossible there.
    pub(super) fn voyage(&self, journey: &'static Journey, on: Option<&Cell>) -> Result<Suite, Failure> {
        let cell = match on {
            Some(cell) => cell.clone(),
            None => self.matrix.cell(journey.cell).map_err(Failure::usage)?,
        };
        let variant = cluster::variant(journey);
        let plan = Plan::draw_variant(&cell, self.options, Segments::documentation(), &variant);
        let stations = journey.draw(&plan.state).map_err(Failure::usage)?;
        let target = if self.is_apart(journey)? { target(Tier::MicroCloud) } else { LIFE };
        Ok(Suite { cell, plan, target, stations: Some(stations) })
    }

    /// From which cell journeys start that somebody asks for by these names: the one `asked` for, or else that of the settings, which
    /// are for any command and say nothing of cells.
    pub(super) fn start<'a>(&self, asked: Option<&'a str>, config: &'a Config, names: &[String]) -> Option<&'a str> {
        let journeys = || names.iter().any(|name| self.find_journey(name).is_some());
        asked.or_else(|| config.on.as_deref().filter(|_| journeys()))
    }

    /// The suites of these names, journeys from another cell where one is given.
    ///
    /// # Errors
    /// When a name is none's; it lists the nearest. When a cell is given and no journey is named, or a step is impossible there.
    pub(super) fn named(&self, names: &[String], on: Option<&str>) -> Result<Vec<Suite>, Failure> {
        let on = on.map(|on| self.find(on)).transpose()?;
        let mut suites = Vec::new();
        for name in names {
            match self.find_journey(name) {
                Some(journey) => suites.push(self.voyage(journey, on.as_ref())?),
                None => suites.extend(self.suites(&[self.find_or_suggest(name)?])),
            }
        }
        if let Some(on) = on
            && suites.iter().all(|suite| suite.stations.is_none())
        {
            return Err(Failure::Usage(format!(
                "--on {} says where a journey starts from, and none is named; {}",
                on.id(),
                self.journeys_told()
            )));
        }
        Ok(suites)
    }

    /// The suite of this name.
    ///
    /// # Errors
    /// As for [`Cells::named`].
    pub(super) fn one(&self, name: &str, on: Option<&str>) -> Result<Suite, Failure> {
        let suites = self.named(&[name.to_owned()], on)?;
        suites.into_iter().next().ok_or_else(|| Failure::Usage(format!("there is no cell and no journey {name:?}")))
    }

    /// All journeys but those that are apart.
    ///
    /// # Errors
    /// When there is no such cell, or a step is impossible there.
    pub fn life(&self, on: Option<&str>) -> Result<Vec<Suite>, Failure> {
        let on = on.map(|on| self.find(on)).transpose()?;
        self.voyages(false, on.as_ref())
    }

    /// The suites of a tier: its cells, and in that of what is apart its journeys, too.
    ///
    /// # Errors
    /// As for [`Cells::life`].
    pub(super) fn suites_of(&self, tier: Tier) -> Result<Vec<Suite>, Failure> {
        let mut suites = self.suites(&self.tier(tier));
        suites.extend(self.journeys_of(tier)?);
        Ok(suites)
    }

    /// The journeys of a tier of cells, which only that of what is apart has.
    ///
    /// # Errors
    /// As for [`Cells::life`].
    pub(super) fn journeys_of(&self, tier: Tier) -> Result<Vec<Suite>, Failure> {
        if tier == Tier::MicroCloud { self.voyages(true, None) } else { Ok(Vec::new()) }
    }

    fn voyages(&self, apart: bool, on: Option<&Cell>) -> Result<Vec<Suite>, Failure> {
        let mut suites = Vec::new();
        for journey in self.journeys {
            if self.is_apart(journey)? == apart {
                suites.push(self.voyage(journey, on)?);
            }
        }
        Ok(suites)
    }

    /// Whether a journey starts from a cell that is apart, where it does not start from another.
    fn is_apart(&self, journey: &Journey) -> Result<bool, Failure> {
        let cell = self.matrix.cell(journey.cell).map_err(Failure::usage)?;
        Ok(self.matrix.is_apart(&cell))
    }

    /// The journey of this name.
    pub(super) fn find_journey(&self, name: &str) -> Option<&'static Journey> {
        self.journeys.iter().find(|journey| journey.name == name)
    }

    /// The cell of this name, or an error that lists the nearest of all that has a name.
    pub(super) fn find_or_suggest(&self, name: &str) -> Result<Cell, Failure> {
        self.matrix.find_cell(name).ok_or_else(|| {
            let all = self.matrix.cells();
            let journeys = self.journeys.iter().map(|journey| journey.name);
            let names = all.iter().map(|cell| cell.id().as_str()).chain(journeys);
            Failure::Usage(format!("there is no cell and no journey {name:?}; {}", nearest(name, names)))
        })
    }

    fn journeys_told(&self) -> String {
        let names: Vec<&str> = self.journeys.iter().map(|journey| journey.name).collect();
        format!("the journeys are {}", names.join(", "))
    }
}

/// The station of a journey that has this number or these words, or an error that lists the nearest.
pub(super) fn station_of<'a>(journey: &str, stations: &'a [Station], text: &str) -> Result<&'a Station, Failure> {
    Station::find(stations, text).ok_or_else(|| {
        let tests: Vec<String> = stations.iter().map(Station::test).collect();
        let last = stations.len().saturating_sub(1);
        // Digits that are alike are no slip of a name.
        let near = match text.parse::<i128>() {
            Ok(_) => String::new(),
            Err(_) => format!(", {}", nearest(text, tests.iter().map(String::as_str))),
        };
        Failure::Usage(format!("there is no station {text:?} in {journey}; they are 0 to {last}{near}"))
    })
}

/// The same for the step that leads to a station.
pub(super) fn step_of<'a>(journey: &str, stations: &'a [Station], text: &str) -> Result<&'a Station, Failure> {
    match station_of(journey, stations, text)? {
        first if first.number == 0 => {
            Err(Failure::Usage(format!("{} of {journey} is no step: there is nothing before it", first.test())))
        }
        station => Ok(station),
    }
}

/// What is chosen by one word: a tier of cells, or all journeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// The cells of a tier.
    Tier(Tier),
    /// All journeys.
    Life,
}

/// A name that is no group's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown tier {name:?}; the tiers are {}{}", Group::names().join(", "), suggestion(name))]
pub(super) struct UnknownGroup {
    name: String,
}

fn suggestion(name: &str) -> String {
    nearest::nearest(name, Group::names()).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

impl Group {
    fn names() -> [&'static str; Tier::ALL.len() + 1] {
        let [core, pairwise, t3, full, microcloud] = Tier::ALL.map(Tier::as_str);
        [core, pairwise, t3, full, microcloud, LIFE]
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier(tier) => tier.fmt(f),
            Self::Life => f.pad(LIFE),
        }
    }
}

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(name: &str) -> Result<Self, UnknownGroup> {
        match name.parse() {
            Ok(tier) => Ok(Self::Tier(tier)),
            Err(_) if name == LIFE => Ok(Self::Life),
            Err(_) => Err(UnknownGroup { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_reads_back_and_a_slip_is_answered_with_the_nearest() {
        for name in Group::names() {
            assert_eq!(name.parse::<Group>().expect("a group").to_string(), name);
        }
        let said = |name: &str| name.parse::<Group>().expect_err("no group").to_string();
        assert_eq!(
            said("lief"),
            "unknown tier \"lief\"; the tiers are core, pairwise, t3, full, microcloud, life; did you mean life?"
        );
        assert_eq!(said("banana"), "unknown tier \"banana\"; the tiers are core, pairwise, t3, full, microcloud, life");
    }
}
