//! What a covering array is built over: factors, their numbers of values, and what must hold in every row.

/// The most values a factor can have: one bit of a word each.
pub const MAX_VALUES: usize = 64;

/// One value for every factor, by index.
pub type Row = Vec<u8>;

/// The values still possible for every factor, one bit a value.
pub(in crate::matrix) type Domains = Vec<u64>;

/// A disjunction: at least one of the named factors has one of the values of its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::matrix) struct Clause(Vec<(usize, u64)>);

impl Clause {
    /// The disjunction of `literals`; those about the same factor become one.
    pub(in crate::matrix) fn new(literals: impl IntoIterator<Item = (usize, u64)>) -> Self {
        let mut merged: Vec<(usize, u64)> = Vec::new();
        for (factor, mask) in literals {
            match merged.iter_mut().find(|(known, _)| *known == factor) {
                Some((_, known)) => *known |= mask,
                None => merged.push((factor, mask)),
            }
        }
        Self(merged)
    }

    pub(super) fn literals(&self) -> &[(usize, u64)] {
        &self.0
    }

    pub(in crate::matrix) fn holds(&self, row: &[u8]) -> bool {
        self.0.iter().any(|(factor, mask)| mask >> row[*factor] & 1 == 1)
    }
}

/// Factors with their numbers of values, and the clauses that every row obeys.
#[derive(Debug, Clone)]
pub struct Model {
    levels: Vec<usize>,
    clauses: Vec<Clause>,
    /// Clauses by the factors they name.
    touching: Vec<Vec<usize>>,
}

impl Model {
    /// A model without constraints: `levels[i]` is the number of values of factor `i`, 1 to [`MAX_VALUES`].
    pub fn new(levels: Vec<usize>) -> Self {
        Self::constrained(levels, Vec::new())
    }

    pub(in crate::matrix) fn constrained(levels: Vec<usize>, clauses: Vec<Clause>) -> Self {
        let mut touching = vec![Vec::new(); levels.len()];
        for (index, clause) in clauses.iter().enumerate() {
            for (factor, _) in clause.literals() {
                touching[*factor].push(index);
            }
        }
        Self { levels, clauses, touching }
    }

    /// The same clauses over at most the first `count` values of every factor.
    pub(in crate::matrix) fn generation(&self, count: usize) -> Self {
        Self { levels: self.levels.iter().map(|levels| count.min(*levels)).collect(), ..self.clone() }
    }

    /// The number of values of every factor.
    pub fn levels(&self) -> &[usize] {
        &self.levels
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether `row` obeys every clause.
    pub fn allows(&self, row: &[u8]) -> bool {
        self.clauses.iter().all(|clause| clause.holds(row))
    }

    /// Whether `row`, which was allowed before `factor` was changed, still is.
    pub(super) fn still_allows(&self, row: &[u8], factor: usize) -> bool {
        self.touching[factor].iter().all(|clause| self.clauses[*clause].holds(row))
    }

    /// Whether the model names `row`'s values at all.
    pub(in crate::matrix) fn contains(&self, row: &[u8]) -> bool {
        row.iter().zip(&self.levels).all(|(value, levels)| usize::from(*value) < *levels)
    }

    /// Every value of every factor.
    pub(in crate::matrix) fn domains(&self) -> Domains {
        self.levels.iter().map(|levels| u64::MAX >> (MAX_VALUES - levels)).collect()
    }
}
