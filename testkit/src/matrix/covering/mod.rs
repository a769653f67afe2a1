//! Covering arrays: few rows such that every combination of values of any `t` factors is in one of them.
//!
//! [`covering_array`] is the way in. A [`Model`] says how many values each factor has and what every row must obey. Rows
//! are added greedily, and then taken out again one by one for as long as the rest can be mended.

mod array;
mod conflict;
mod model;
mod optimiser;
mod random;
mod solver;
mod tuples;

pub use model::{MAX_VALUES, Model, Row};

pub(super) use array::possible;
pub(super) use conflict::smallest_conflict;
pub(super) use model::{Clause, Domains};
pub(super) use solver::{find_row, first, rows};
pub(super) use tuples::Tuples;

use array::Array;

/// The greatest strength.
pub const MAX_STRENGTH: usize = 6;

/// Rows such that every tuple of `strength` values that some allowed row has is in one of them.
///
/// The first rows are the `seeds`, unchanged, each of which the model must allow. `strength` is taken as at least 1, and
/// at most [`MAX_STRENGTH`] and the number of factors. The same arguments always give the same rows.
pub fn covering_array(model: &Model, strength: usize, seeds: &[Row]) -> Vec<Row> {
    let strength = strength.min(MAX_STRENGTH).min(model.levels().len()).max(1);
    if model.levels().is_empty() {
        return if seeds.is_empty() { vec![Vec::new()] } else { seeds.to_vec() };
    }
    let tuples = Tuples::new(model, strength);
    let mut array = Array::new(model, &tuples, seeds, budget(model, &tuples));
    array.complete();
    array.shrink();
    array.relax();
    array.rows
}

/// How many tuples may be looked at to make the array smaller: in proportion to the model, so that small ones are done
/// at once, and bounded, so that large ones are done within a second.
fn budget(model: &Model, tuples: &Tuples) -> u64 {
    (16 * tuples.len() as u64 * model.levels().len() as u64).min(15_000_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Seven factors; the clauses are about the first four, and imply more than they say: value 2 of factor 0 asks for
    /// value 1 of factor 1, that for value 1 of factor 2, and that rules out value 1 of factor 3.
    fn model() -> Model {
        let implies = |a: usize, x: u8, b: usize, mask: u64| Clause::new([(a, !(1 << x)), (b, mask)]);
        let clauses = vec![implies(0, 2, 1, 0b10), implies(1, 1, 2, 0b10), implies(2, 1, 3, 0b01)];
        Model::constrained(vec![3, 2, 2, 2, 2, 3, 2], clauses)
    }

    #[test]
    fn every_strength_covers_what_the_allowed_rows_have_and_keeps_the_seeds() {
        let model = model();
        let allowed = rows(&model, usize::MAX);
        let seeds = [vec![2, 1, 1, 0, 1, 2, 1], vec![0, 0, 0, 1, 1, 1, 1]];
        for strength in 1..=MAX_STRENGTH {
            let array = covering_array(&model, strength, &seeds);
            assert!(array.starts_with(&seeds), "{strength}");
            assert!(array.iter().all(|row| model.allows(row)), "{strength}");
            // Column sets by counting in binary, not by the numbering under test.
            for set in (0u32..1 << 7).filter(|set| set.count_ones() as usize == strength) {
                let of = |row: &Row| (0..7).filter(|at| set >> at & 1 == 1).map(|at| row[at]).collect::<Vec<u8>>();
                let wanted: BTreeSet<Vec<u8>> = allowed.iter().map(of).collect();
                assert_eq!(array.iter().map(of).collect::<BTreeSet<_>>(), wanted, "{strength} over {set:b}");
            }
            assert!(array.len() < allowed.len() || strength == MAX_STRENGTH, "{strength}: {} rows", array.len());
        }
    }

    #[test]
    fn a_strength_beyond_the_factors_is_that_of_all_and_no_factors_give_one_row() {
        assert_eq!(covering_array(&Model::new(vec![2, 3]), 5, &[]).len(), 6);
        assert_eq!(covering_array(&Model::new(vec![2, 3]), 0, &[]).len(), 3);
        assert_eq!(covering_array(&Model::new(Vec::new()), 2, &[]), [Row::new()]);
    }

    #[test]
    fn the_same_model_always_gives_the_same_rows() {
        // The rows are what suites are named for: a change of these is a change of every report.
        let array = covering_array(&Model::new(vec![2, 2, 3]), 2, &[]);
        assert_eq!(array, covering_array(&Model::new(vec![2, 2, 3]), 2, &[]));
        assert_eq!(array.len(), 6);
    }
}
