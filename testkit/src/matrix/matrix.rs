//! The matrix: options and constraints, checked once, and the cells that come of them.

use std::collections::BTreeSet;

use super::coverage::Coverage;
use super::covering::{Row, covering_array};
use super::ordinary::Ordinary;
use super::{Cell, CellId, Constraint, Declaration, MatrixError, Tier, validation};

/// How many values of every option the first generation of an array has, after that of the defaults alone.
///
/// The least there is, which keeps most when an option with few values gets another. Each further generation costs rows:
/// over seven options of two to four values and four core cells, pairs take 22 cells from 2 on, 20 from 3 on, and 17 in
/// a single generation, which keeps nothing but the core unless the longest list grows.
const FIRST_GENERATION: usize = 2;

/// Declared options and the constraints between them. What is in a `Matrix` has been checked: names are sound, every
/// value is in some valid cell, the cell of defaults is valid, and no two valid cells have one name.
#[derive(Debug, Clone)]
pub struct Matrix {
    declarations: Vec<Declaration>,
    constraints: Vec<Constraint>,
    /// What the tiers select from but the one apart.
    ordinary: Ordinary,
    /// Every valid cell, in the order of [`Matrix::cells`].
    cells: Vec<Cell>,
}

impl Matrix {
    /// The matrix of these options, in the order in which they appear in names, under these constraints.
    ///
    /// # Errors
    /// [`MatrixError::Invalid`] with every problem that was found, each with the line of the declaration or constraint;
    /// for constraints that contradict each other, with the smallest set of them that does.
    pub fn new(declarations: Vec<Declaration>, constraints: Vec<Constraint>) -> Result<Self, MatrixError> {
        let cells = validation::check(&declarations, &constraints).map_err(MatrixError::Invalid)?;
        let ordinary = Ordinary::of(&declarations, &constraints);
        Ok(Self { declarations, constraints, ordinary, cells })
    }

    /// The options, in order.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// The cell in which the named options have the named values and every other option its default.
    ///
    /// # Errors
    /// When an option or a value is not declared, or a constraint forbids the cell; the error names the constraint.
    pub fn cell(&self, chosen: &[(&str, &str)]) -> Result<Cell, MatrixError> {
        Cell::allowed(&self.declarations, &self.constraints, chosen)
    }

    /// The valid cell of this name.
    pub fn find_cell(&self, id: &str) -> Option<Cell> {
        self.cells.iter().find(|cell| cell.id().as_str() == id).cloned()
    }

    /// Every valid cell: ordered by the value of the first option, then of the second, and so on, each in the order of
    /// its declaration.
    pub fn cells(&self) -> Vec<Cell> {
        self.cells.clone()
    }

    /// Whether a cell is in the tier apart, and in no other.
    pub fn is_apart(&self, cell: &Cell) -> bool {
        self.declarations.iter().any(|declaration| declaration.is_apart(cell.value(declaration.name)))
    }

    /// The cells of a tier, those of the tiers it contains first. `core` is the core tier.
    ///
    /// The same matrix and core always give the same cells, whatever the time or the machine.
    ///
    /// They also stay when the matrix grows. An array is built in generations: the n-th is over the first n values of
    /// every option, and keeps every row of the one before. So when an option gets an n-th value at the end of its list:
    ///
    /// - if no option has as many, every selected cell stays selected;
    /// - if not, every cell stays that was selected for the values before the n-th of all options; the others are found
    ///   anew.
    ///
    /// A new option renames no cell, since its default is silent; but which of them are selected is found anew, save for
    /// the core and the cell of defaults.
    ///
    /// # Panics
    /// When a core cell is not a valid cell of this matrix.
    pub fn select(&self, tier: Tier, core: &[Cell]) -> Vec<Cell> {
        if tier == Tier::MicroCloud {
            return self.cells.iter().filter(|cell| self.is_apart(cell)).cloned().collect();
        }
        let mut chosen: Vec<Row> = Vec::new();
        for cell in core {
            let row = self.row(cell).filter(|row| self.ordinary.model.allows(row));
            assert!(row.is_some(), "core cell {} is not a valid cell of the matrix", cell.id());
            add(&mut chosen, row);
        }
        let strengths: &[usize] = match tier {
            Tier::Core => &[],
            Tier::Pairwise => &[2],
            Tier::T3 | Tier::Full | Tier::MicroCloud => &[2, 3],
        };
        for mut rows in self.grow(strengths, &chosen) {
            rows.sort_unstable();
            add(&mut chosen, rows);
        }
        let mut cells: Vec<Cell> = chosen.iter().map(|row| self.ordinary.cell(&self.declarations, row)).collect();
        if tier == Tier::Full {
            let chosen: BTreeSet<CellId> = cells.iter().map(|cell| cell.id().clone()).collect();
            let others = self.cells.iter().filter(|cell| !self.is_apart(cell) && !chosen.contains(cell.id()));
            cells.extend(others.cloned());
        }
        cells
    }

    /// For each strength the rows that cover it, among them those of the strengths before it and of `core`.
    fn grow(&self, strengths: &[usize], core: &[Row]) -> Vec<Vec<Row>> {
        let mut grown: Vec<Vec<Row>> = vec![Vec::new(); strengths.len()];
        let most = self.ordinary.model.levels().iter().copied().max().unwrap_or(1);
        for count in [1].into_iter().chain(FIRST_GENERATION.min(most)..=most) {
            let model = self.ordinary.model.generation(count);
            let mut seeds: Vec<Row> = core.iter().filter(|row| model.contains(row)).cloned().collect();
            for (strength, rows) in strengths.iter().zip(&mut grown) {
                add(&mut seeds, std::mem::take(rows));
                *rows = covering_array(&model, *strength, &seeds);
                seeds.clone_from(rows);
            }
        }
        grown
    }

    /// How far `cells` cover the combinations of `strength` values, 1 to
    /// [`MAX_STRENGTH`](super::covering::MAX_STRENGTH), that the constraints allow, without the values that make cells apart.
    /// Cells that are not of this matrix, and those that are not valid, cover nothing.
    pub fn coverage(&self, cells: &[Cell], strength: usize) -> Coverage {
        let Ordinary { declarations, constraints, model } = &self.ordinary;
        let rows: Vec<Row> = cells.iter().filter_map(|cell| self.row(cell)).filter(|row| model.allows(row)).collect();
        Coverage::of(declarations, constraints, model, &rows, strength)
    }

    /// The cell as a row of what the tiers select from; none when it is not of these options and values, or apart.
    fn row(&self, cell: &Cell) -> Option<Row> {
        let known = cell.choices().len() == self.declarations.len() && !self.is_apart(cell);
        self.ordinary.row(cell).filter(|_| known)
    }
}

/// Adds the rows that are not there yet.
fn add(rows: &mut Vec<Row>, more: impl IntoIterator<Item = Row>) {
    for row in more {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
}
