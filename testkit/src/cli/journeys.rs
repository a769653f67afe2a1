//! Journeys by name, and what each comes to.

use super::{Catalogue, Failure};
use crate::cluster;
use crate::journey::{Journey, Station};
use crate::matrix::Cell;
use crate::plan::{Plan, Segments};

/// The test target that holds the journeys: `suites/tests/life/`. It is the name of their tier, too.
pub(super) const LIFE: &str = "life";

/// A journey from a cell, with every station as it is shown; a run picks free address ranges.
pub(super) struct Chart {
    pub(super) stations: Vec<Station>,
}

impl Chart {
    /// From the journey's own cell.
    pub(super) fn own(catalogue: &Catalogue, journey: &Journey) -> Result<Self, Failure> {
        let matrix = (catalogue.matrix)().map_err(Failure::usage)?;
        Self::from(catalogue, journey, matrix.cell(journey.cell).map_err(Failure::usage)?)
    }

    /// From another cell.
    pub(super) fn from(catalogue: &Catalogue, journey: &Journey, cell: Cell) -> Result<Self, Failure> {
        let variant = cluster::variant(journey);
        let plan = Plan::draw_variant(&cell, catalogue.options, Segments::documentation(), &variant);
        let stations = journey.draw(&plan.state).map_err(Failure::usage)?;
        Ok(Self { stations })
    }
}
