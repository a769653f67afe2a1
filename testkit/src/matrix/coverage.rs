//! How far cells cover the combinations that a matrix allows.

use std::fmt;

use super::covering::{MAX_STRENGTH, Model, Row, Tuples, possible, smallest_conflict};
use super::validation::clauses;
use super::{Constraint, Declaration, Reason};

/// Values of some options, each option at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple(Vec<(&'static str, &'static str)>);

impl Tuple {
    /// Option and value, in the order in which the options are declared.
    pub fn values(&self) -> &[(&'static str, &'static str)] {
        &self.0
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (option, value)) in self.0.iter().enumerate() {
            write!(f, "{}{option}={value}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What a set of cells covers of all combinations of values of any `strength` options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How many options a tuple combines.
    pub strength: usize,
    /// The number of tuples that some valid cell has.
    pub allowed: usize,
    /// How many of these the cells have.
    pub covered: usize,
    /// Those they do not have.
    pub missing: Vec<Tuple>,
    /// The tuples that no valid cell has.
    pub excluded: Vec<Excluded>,
}

/// A tuple that no valid cell has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// The tuple.
    pub tuple: Tuple,
    /// The smallest set of constraints that together exclude it, in the order of their declaration.
    pub constraints: Vec<Reason>,
}

impl Coverage {
    /// The coverage of valid `rows`.
    pub(super) fn of(
        declarations: &[Declaration],
        constraints: &[Constraint],
        model: &Model,
        rows: &[Row],
        strength: usize,
    ) -> Self {
        let strength = strength.clamp(1, MAX_STRENGTH).min(declarations.len());
        let mut coverage = Self { strength, allowed: 0, covered: 0, missing: Vec::new(), excluded: Vec::new() };
        if strength == 0 {
            return coverage;
        }
        let tuples = Tuples::new(model, strength);
        let mut seen = vec![false; tuples.len()];
        for tuple in rows.iter().flat_map(|row| tuples.of_row(row)) {
            seen[tuple] = true;
        }
        let clauses: Vec<_> = constraints.iter().map(|constraint| clauses(declarations, constraint)).collect();
        for (index, possible) in possible(model, &tuples).into_iter().enumerate() {
            let named = |(factor, value): (usize, u8)| {
                let declaration = &declarations[factor];
                (declaration.name, declaration.values[usize::from(value)])
            };
            let tuple = || Tuple(tuples.decode(index).map(named).collect());
            if !possible {
                let domains = tuples.domains(model, index);
                let smallest = smallest_conflict(model.levels(), &clauses, &domains).unwrap_or_default();
                let constraints = smallest.into_iter().map(|index| constraints[index].reason()).collect();
                coverage.excluded.push(Excluded { tuple: tuple(), constraints });
                continue;
            }
            coverage.allowed += 1;
            if seen[index] {
                coverage.covered += 1;
            } else {
                coverage.missing.push(tuple());
            }
        }
        coverage
    }
}
