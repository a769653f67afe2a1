//! A matrix without the values that make cells apart: what the other tiers are selected from.
//!
//! It is as if those values, and the options that have no others, had never been declared, so that a covering array over it does
//! not change by a single row for them.

use super::covering::{Model, Row};
use super::validation::clauses;
use super::{Cell, Choices, Constraint, Declaration, Term};

/// The options that have something to choose elsewhere than apart, with what they choose from there.
#[derive(Debug, Clone)]
pub(super) struct Ordinary {
    pub(super) declarations: Vec<Declaration>,
    /// Those that can be violated there.
    pub(super) constraints: Vec<Constraint>,
    pub(super) model: Model,
}

impl Ordinary {
    /// That of declarations and constraints which make a matrix.
    pub(super) fn of(declarations: &[Declaration], constraints: &[Constraint]) -> Self {
        let declarations: Vec<Declaration> = declarations.iter().filter_map(Declaration::ordinary).collect();
        let find = |term: &Term| declarations.iter().find(|declaration| declaration.name == term.option);
        let can_hold =
            |term: &Term| find(term).is_some_and(|it| it.values.iter().any(|value| term.values.contains(value)));
        let mut concerned = Vec::new();
        for constraint in constraints.iter().filter(|constraint| constraint.when.iter().all(can_hold)) {
            // An option that is about nothing but cells apart has its default everywhere else.
            let then: Vec<Term> = constraint.then.iter().filter(|term| find(term).is_some()).copied().collect();
            if !then.is_empty() {
                concerned.push(Constraint { then, ..constraint.clone() });
            }
        }
        let levels = declarations.iter().map(|declaration| declaration.values.len()).collect();
        let all: Vec<_> = concerned.iter().map(|constraint| clauses(&declarations, constraint)).collect();
        Self { model: Model::constrained(levels, all.concat()), declarations, constraints: concerned }
    }

    /// The cell as a row of the model; none when it is not of these options and values.
    pub(super) fn row(&self, cell: &Cell) -> Option<Row> {
        let value = |declaration: &Declaration| {
            let chosen = cell.choices().get(declaration.name)?;
            declaration.values.iter().position(|value| value == chosen).map(|at| at as u8)
        };
        self.declarations.iter().map(value).collect()
    }

    /// The cell of a row, among `all` options.
    pub(super) fn cell(&self, all: &[Declaration], row: &[u8]) -> Cell {
        let mut choices: Choices =
            all.iter().map(|declaration| (declaration.name, declaration.default_value())).collect();
        for (declaration, value) in self.declarations.iter().zip(row) {
            choices.insert(declaration.name, declaration.values[usize::from(*value)]);
        }
        Cell::of(all, choices)
    }
}
