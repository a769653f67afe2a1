//! Makes a covering array smaller: takes a row out and mends what it covered by changing the others.
//!
//! The mending is the tabu search of Nurmela ("Upper bounds for covering arrays by tabu search", 2004): an uncovered
//! tuple is picked, and of all single changes that cover it the one that uncovers least is made. Effort is counted in
//! tuples looked at, never in time, so that the result is always the same.

use super::array::Array;
use super::model::Row;
use super::solver::find_row;

/// The longest a value that was just changed is left alone, in steps.
const TENURE: usize = 8;

impl Array<'_> {
    /// Removes rows, seeds excepted, for as long as the rest can be mended within the budget.
    pub(super) fn shrink(&mut self) {
        while self.budget > 0 {
            let Some(victim) = self.least_needed() else { return };
            let (rows, tally) = (self.rows.clone(), self.tally.clone());
            self.swap_remove(victim);
            if !self.mend() {
                (self.rows, self.tally) = (rows, tally);
                return;
            }
        }
    }

    /// The row, not a seed, with the fewest tuples that it alone covers.
    fn least_needed(&self) -> Option<usize> {
        let alone = |row: &Row| self.tuples.of_row(row).filter(|tuple| self.tally.count(*tuple) == 1).count();
        (self.seeds..self.rows.len()).min_by_key(|row| alone(&self.rows[*row]))
    }

    /// Changes rows, seeds excepted, until every tuple is covered. False when the budget ends first.
    pub(super) fn mend(&mut self) -> bool {
        let factors = self.model.levels().len();
        let mut quiet_until = vec![0usize; self.rows.len() * factors];
        let mut fewest = self.tally.open().len();
        for step in 1.. {
            let open = self.tally.open();
            if open.is_empty() {
                return true;
            }
            if self.budget == 0 || self.rows.len() == self.seeds {
                return false;
            }
            let tuple = open[self.random.below(open.len())] as usize;
            match self.best_change(tuple, |row, factor, after| {
                quiet_until[row * factors + factor] <= step || after < fewest as i64
            }) {
                Some((row, factor, value)) => {
                    self.change(row, factor, value);
                    quiet_until[row * factors + factor] = step + 1 + self.random.below(TENURE);
                }
                None => self.force(tuple),
            }
            fewest = fewest.min(self.tally.open().len());
        }
        false
    }

    /// The single change that gives some row the tuple and leaves the fewest tuples open, among those that `may`
    /// (given row, factor, and the tuples open after it) be made.
    fn best_change(&mut self, tuple: usize, may: impl Fn(usize, usize, i64) -> bool) -> Option<(usize, usize, u8)> {
        let goal: Vec<(usize, u8)> = self.tuples.decode(tuple).collect();
        let now = self.tally.open().len() as i64;
        let (mut best, mut fewest, mut ties) = (None, i64::MAX, 0);
        for row in self.seeds..self.rows.len() {
            let mut differing = goal.iter().filter(|(factor, value)| self.rows[row][*factor] != *value);
            let (Some(&(factor, value)), None) = (differing.next(), differing.next()) else { continue };
            let held = std::mem::replace(&mut self.rows[row][factor], value);
            let allowed = self.model.still_allows(&self.rows[row], factor);
            self.rows[row][factor] = held;
            if !allowed {
                continue;
            }
            let mut after = now;
            self.tuples.at(&self.rows[row], factor, |tuple, stride| {
                after += i64::from(self.tally.count(tuple + usize::from(held) * stride) == 1);
                after -= i64::from(self.tally.count(tuple + usize::from(value) * stride) == 0);
            });
            self.spend(2 * self.tuples.sets_of(factor));
            if after > fewest || !may(row, factor, after) {
                continue;
            }
            ties = if after < fewest { 1 } else { ties + 1 };
            fewest = after;
            if self.random.below(ties) == 0 {
                best = Some((row, factor, value));
            }
        }
        best
    }

    /// Gives a random row the tuple, and whatever else must change for the model to allow it.
    fn force(&mut self, tuple: usize) {
        let row = self.seeds + self.random.below(self.rows.len() - self.seeds);
        let domains = self.tuples.domains(self.model, tuple);
        let held = self.rows[row].clone();
        let mut keep = |factor: usize, mask: u64| {
            if mask >> held[factor] & 1 == 1 { held[factor] } else { mask.trailing_zeros() as u8 }
        };
        let Some(wanted) = find_row(self.model, domains, &mut keep) else { return };
        for (factor, value) in wanted.into_iter().enumerate() {
            if self.rows[row][factor] != value {
                self.change(row, factor, value);
            }
        }
        self.spend(1);
    }
}
