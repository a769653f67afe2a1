//! Why something is impossible: the smallest set of constraints that contradict each other.

use super::model::{Clause, Domains, Model};
use super::solver::{find_row, first};

/// The smallest set of `constraints` (each a list of clauses) that no row within `domains` obeys, as indices in order;
/// none when some row obeys all of them.
///
/// A smallest unsatisfiable set is a smallest hitting set of all correction sets, so correction sets are collected until
/// a smallest set that hits those known is itself unsatisfiable (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest
/// MUS Extraction with Minimal Hitting Set Dualization", CP 2015).
pub(in crate::matrix) fn smallest_conflict(
    levels: &[usize],
    constraints: &[Vec<Clause>],
    domains: &Domains,
) -> Option<Vec<usize>> {
    let possible = |chosen: &[usize]| {
        let clauses = chosen.iter().flat_map(|index| constraints[*index].iter().cloned()).collect();
        find_row(&Model::constrained(levels.to_vec(), clauses), domains.clone(), &mut first).is_some()
    };
    let mut corrections: Vec<Vec<usize>> = Vec::new();
    loop {
        let hitting = smallest_hitting_set(&corrections);
        if !possible(&hitting) {
            return Some(hitting);
        }
        let mut kept = hitting;
        let mut correction = Vec::new();
        for index in 0..constraints.len() {
            if !kept.contains(&index) {
                kept.push(index);
                if !possible(&kept) {
                    kept.pop();
                    correction.push(index);
                }
            }
        }
        if correction.is_empty() {
            return None;
        }
        corrections.push(correction);
    }
}

fn smallest_hitting_set(sets: &[Vec<usize>]) -> Vec<usize> {
    fn extend(sets: &[Vec<usize>], chosen: &mut Vec<usize>, room: usize) -> bool {
        let Some(missed) = sets.iter().find(|set| !set.iter().any(|index| chosen.contains(index))) else {
            return true;
        };
        room > 0
            && missed.iter().any(|index| {
                chosen.push(*index);
                let hit = extend(sets, chosen, room - 1);
                if !hit {
                    chosen.pop();
                }
                hit
            })
    }
    let mut chosen = Vec::new();
    for size in 0..=sets.len() {
        if extend(sets, &mut chosen, size) {
            break;
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-valued factors; a constraint `a => b` says: if factor a is 1, so is factor b.
    fn implies(a: usize, b: usize) -> Vec<Clause> {
        vec![Clause::new([(a, 0b01), (b, 0b10)])]
    }

    #[test]
    fn the_smallest_of_several_contradictions_is_found() {
        let never = |factor: usize| vec![Clause::new([(factor, 0b01)])];
        // A long chain 0 => 1 => 2 => 3, never 3; and a short one 0 => 4, never 4.
        let long = [implies(0, 1), implies(1, 2), implies(2, 3), never(3)];
        let short = [implies(0, 4), never(4)];
        let domains = vec![0b10, 0b11, 0b11, 0b11, 0b11];
        let all: Vec<_> = long.iter().chain(&short).cloned().collect();
        assert_eq!(smallest_conflict(&[2; 5], &all, &domains), Some(vec![4, 5]));
        assert_eq!(smallest_conflict(&[2; 5], &long, &domains), Some(vec![0, 1, 2, 3]));
        assert_eq!(smallest_conflict(&[2; 5], &long, &vec![0b11; 5]), None);
    }
}
