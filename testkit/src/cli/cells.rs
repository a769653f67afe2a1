//! Cells by name and by tier, and what each of them has.

use super::{Catalogue, Failure};
use crate::cluster::{self, Check};
use crate::expect;
use crate::journey::Journey;
use crate::matrix::{Cell, Matrix, Tier};
use crate::plan::{InitOption, Plan, Segments, State};

/// The matrix of the catalogue with its core tier, and the journeys.
pub struct Cells {
    pub(super) matrix: Matrix,
    /// The core tier.
    pub core: Vec<Cell>,
    pub(super) options: &'static [&'static dyn InitOption],
    pub(super) journeys: &'static [Journey],
}

impl Cells {
    /// Those of the catalogue.
    ///
    /// # Errors
    /// When its matrix is wrong.
    pub fn of(catalogue: &Catalogue) -> Result<Self, Failure> {
        let matrix = (catalogue.matrix)().map_err(Failure::usage)?;
        let core = (catalogue.core)(&matrix).map_err(Failure::usage)?;
        Ok(Self { matrix, core, options: catalogue.options, journeys: catalogue.journeys })
    }

    /// The cells of a tier.
    pub(super) fn tier(&self, tier: Tier) -> Vec<Cell> {
        self.matrix.select(tier, &self.core)
    }

    /// The cell of this name, or an error that lists the nearest.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<Cell, Failure> {
        self.matrix.find_cell(name).ok_or_else(|| {
            let all = self.matrix.cells();
            let names = all.iter().map(|cell| cell.id().as_str());
            Failure::Usage(format!("there is no cell {name:?}; {}", nearest(name, names)))
        })
    }

    /// The tiers with the cells that are in no tier below, in order.
    pub fn by_lowest_tier(&self) -> Vec<(Tier, Vec<Cell>)> {
        let mut seen = std::collections::BTreeSet::new();
        let mut tiers = Vec::new();
        for tier in Tier::ALL {
            let new: Vec<Cell> = self.tier(tier).into_iter().filter(|cell| seen.insert(cell.id().clone())).collect();
            tiers.push((tier, new));
        }
        tiers
    }
}

/// "the nearest are a, b", closest first, at most three.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    if known.is_empty() {
        return "there are none".to_owned();
    }
    known.sort_by_cached_key(|candidate| strsim::damerau_levenshtein(name, candidate));
    known.truncate(3);
    format!("the nearest are {}", known.join(", "))
}

/// The test target that holds the suites whose lowest tier this is: `suites/tests/<target>/`.
pub(super) fn target(tier: Tier) -> &'static str {
    match tier {
        Tier::Core => "init",
        Tier::Pairwise => "pairwise",
        Tier::T3 => "t3",
        Tier::Full => "full",
        Tier::MicroCloud => "microcloud",
    }
}

/// The plan of a cell for showing it; a run picks free address ranges.
pub fn shown_plan(catalogue: &Catalogue, cell: &Cell) -> Plan {
    Plan::draw(cell, catalogue.options, Segments::documentation())
}

/// Has the members of this plan send each other packets, where they can.
pub(super) fn lay_traffic(plan: &mut Plan) {
    if plan.state.without_traffic().is_none() {
        plan.state.lay_traffic();
    }
}

/// The checks that judge the stations of a journey: those that can judge one of these states.
pub(super) fn checks_of<'a>(
    states: impl Iterator<Item = &'a State> + Clone,
) -> impl Iterator<Item = &'static expect::Check> {
    expect::CHECKS.iter().filter(move |check| states.clone().any(|state| (check.applies)(state)))
}

/// The checks that can judge clusters of this plan.
pub fn checks(plan: &Plan) -> impl Iterator<Item = Check> {
    cluster::checks().filter(|check| (check.applies)(&plan.state))
}
