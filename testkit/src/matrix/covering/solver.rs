//! Whether a partial choice can be completed: depth-first search with unit propagation over the clauses (Davis,
//! Logemann and Loveland, 1962), with a set of values per factor in place of truth values.

use super::model::{Domains, Model, Row};

/// Narrows `domains` by every clause that has one way left to hold. False when a clause has none.
fn propagate(model: &Model, domains: &mut Domains) -> bool {
    loop {
        let mut changed = false;
        'clauses: for clause in model.clauses() {
            let mut open = None;
            for (factor, mask) in clause.literals() {
                let left = domains[*factor] & mask;
                if left == domains[*factor] {
                    continue 'clauses;
                }
                if left != 0 && open.replace((*factor, left)).is_some() {
                    continue 'clauses;
                }
            }
            let Some((factor, left)) = open else { return false };
            domains[factor] = left;
            changed = true;
        }
        if !changed {
            return true;
        }
    }
}

/// An allowed row within `domains`, or none when there is none.
///
/// `prefer` orders the values of a factor: it is given the factor and the values left as a mask, and returns the one to
/// try first, which must be in the mask.
pub(in crate::matrix) fn find_row(
    model: &Model,
    mut domains: Domains,
    prefer: &mut dyn FnMut(usize, u64) -> u8,
) -> Option<Row> {
    if domains.contains(&0) || !propagate(model, &mut domains) {
        return None;
    }
    let Some(factor) = domains.iter().position(|domain| domain.count_ones() > 1) else {
        return Some(domains.iter().map(|domain| domain.trailing_zeros() as u8).collect());
    };
    let mut left = domains[factor];
    while left != 0 {
        let value = prefer(factor, left);
        left &= !(1 << value);
        let mut narrowed = domains.clone();
        narrowed[factor] = 1 << value;
        if let Some(row) = find_row(model, narrowed, prefer) {
            return Some(row);
        }
    }
    None
}

/// The first value of a mask: the order in which values are declared.
pub(in crate::matrix) fn first(_factor: usize, mask: u64) -> u8 {
    mask.trailing_zeros() as u8
}

/// Every allowed row, in the order of its values, up to `limit` of them.
pub(in crate::matrix) fn rows(model: &Model, limit: usize) -> Vec<Row> {
    let mut found = Vec::new();
    let mut open = vec![model.domains()];
    while let Some(mut domains) = open.pop() {
        if found.len() == limit {
            break;
        }
        if !propagate(model, &mut domains) {
            continue;
        }
        let Some(factor) = domains.iter().position(|domain| domain.count_ones() > 1) else {
            found.push(domains.iter().map(|domain| domain.trailing_zeros() as u8).collect());
            continue;
        };
        for value in (0..model.levels()[factor]).rev().filter(|value| domains[factor] >> value & 1 == 1) {
            let mut narrowed = domains.clone();
            narrowed[factor] = 1 << value;
            open.push(narrowed);
        }
    }
    found
}
