//! An array that grows row by row until every tuple is covered.

use super::model::{Model, Row};
use super::random::Random;
use super::solver::{find_row, first};
use super::tuples::{Tally, Tuples};

/// Rows over a model, with the count of every tuple they cover. Every row is one that the model allows.
pub(super) struct Array<'m> {
    pub(super) model: &'m Model,
    pub(super) tuples: &'m Tuples,
    pub(super) tally: Tally,
    pub(super) rows: Vec<Row>,
    /// The first rows, which are never changed.
    pub(super) seeds: usize,
    pub(super) random: Random,
    /// Tuples that may still be looked at before no more improvement is sought.
    pub(super) budget: u64,
}

impl<'m> Array<'m> {
    pub(super) fn new(model: &'m Model, tuples: &'m Tuples, seeds: &[Row], budget: u64) -> Self {
        let mut tally = Tally::new(tuples);
        for (tuple, possible) in possible(model, tuples).into_iter().enumerate() {
            if !possible {
                tally.add(tuple);
            }
        }
        let mut array =
            Self { model, tuples, tally, rows: Vec::new(), seeds: seeds.len(), random: Random::new(1), budget };
        for seed in seeds {
            array.push(seed.clone());
        }
        array
    }

    pub(super) fn push(&mut self, row: Row) {
        for tuple in self.tuples.of_row(&row) {
            self.tally.add(tuple);
        }
        self.rows.push(row);
    }

    pub(super) fn swap_remove(&mut self, row: usize) {
        for tuple in self.tuples.of_row(&self.rows[row]) {
            self.tally.remove(tuple);
        }
        self.rows.swap_remove(row);
    }

    /// Gives `factor` of `row` another value. The caller has checked that the model allows it.
    pub(super) fn change(&mut self, row: usize, factor: usize, value: u8) {
        let tuples = self.tuples;
        let Self { tally, rows, .. } = self;
        let before = usize::from(std::mem::replace(&mut rows[row][factor], value));
        let after = usize::from(value);
        tuples.at(&rows[row], factor, |tuple, stride| {
            tally.remove(tuple + before * stride);
            tally.add(tuple + after * stride);
        });
        self.spend(2 * tuples.sets_of(factor));
    }

    pub(super) fn spend(&mut self, looks: usize) {
        self.budget = self.budget.saturating_sub(looks as u64);
    }

    /// Adds rows until every tuple is covered: each a random row that has an open tuple, improved value by value as far
    /// as that goes (after Cohen, Dalal, Fredman and Patton, "The AETG System", 1997).
    pub(super) fn complete(&mut self) {
        while let Some(row) = self.next_row() {
            self.push(row);
        }
    }

    /// A row that covers at least one open tuple; none when no tuple is open.
    fn next_row(&mut self) -> Option<Row> {
        let open = self.tally.open();
        if open.is_empty() {
            return None;
        }
        let tuple = open[self.random.below(open.len())] as usize;
        let domains = self.tuples.domains(self.model, tuple);
        let random = &mut self.random;
        let mut row = find_row(self.model, domains, &mut |_, mask| any(random, mask))?;
        self.climb(&mut row);
        Some(row)
    }

    /// Gives one factor after the other the value that covers most open tuples, until none can do better.
    fn climb(&mut self, row: &mut Row) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        let mut gains = Vec::new();
        loop {
            let mut better = false;
            self.random.shuffle(&mut order);
            for factor in &order {
                let levels = self.model.levels()[*factor];
                gains.clear();
                gains.resize(levels, 0u32);
                self.tuples.at(row, *factor, |tuple, stride| {
                    for (value, gain) in gains.iter_mut().enumerate() {
                        *gain += u32::from(self.tally.count(tuple + value * stride) == 0);
                    }
                });
                let held = row[*factor];
                let (mut best, mut ties) = (held, 1);
                for value in 0..levels as u8 {
                    let gain = gains[usize::from(value)];
                    let most = gains[usize::from(best)];
                    if value == held || gain < most {
                        continue;
                    }
                    row[*factor] = value;
                    if !self.model.still_allows(row, *factor) {
                        continue;
                    }
                    ties = if gain > most { 1 } else { ties + 1 };
                    if self.random.below(ties) == 0 {
                        best = value;
                    }
                }
                row[*factor] = best;
                better |= gains[usize::from(best)] > gains[usize::from(held)];
            }
            if !better {
                return;
            }
        }
    }

    /// Gives every value that covers nothing on its own back to the default, the first value.
    pub(super) fn relax(&mut self) {
        for row in self.seeds..self.rows.len() {
            for factor in 0..self.model.levels().len() {
                let held = self.rows[row][factor];
                if held == 0 {
                    continue;
                }
                let mut needed = false;
                self.tuples.at(&self.rows[row], factor, |tuple, stride| {
                    needed |= self.tally.count(tuple + usize::from(held) * stride) == 1;
                });
                self.rows[row][factor] = 0;
                let allowed = self.model.still_allows(&self.rows[row], factor);
                self.rows[row][factor] = held;
                if !needed && allowed {
                    self.change(row, factor, 0);
                }
            }
        }
    }
}

/// One of the values of a mask.
fn any(random: &mut Random, mut mask: u64) -> u8 {
    for _ in 0..random.below(mask.count_ones() as usize) {
        mask &= mask - 1;
    }
    mask.trailing_zeros() as u8
}

/// Which tuples some allowed row has. A row that proves one tuple possible proves all it has.
pub(in crate::matrix) fn possible(model: &Model, tuples: &Tuples) -> Vec<bool> {
    if model.clauses().is_empty() {
        return vec![true; tuples.len()];
    }
    let mut possible = vec![false; tuples.len()];
    for tuple in 0..tuples.len() {
        if possible[tuple] {
            continue;
        }
        if let Some(row) = find_row(model, tuples.domains(model, tuple), &mut first) {
            for tuple in tuples.of_row(&row) {
                possible[tuple] = true;
            }
        }
    }
    possible
}
