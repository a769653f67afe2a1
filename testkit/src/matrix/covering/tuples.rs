//! The t-tuples of a model: numbered, and counted over the rows of an array.

use super::model::{Domains, Model};

/// A factor of a column set, and how far apart its values lie in the numbering of the set's tuples.
#[derive(Debug, Clone, Copy)]
struct Place {
    factor: u32,
    stride: u32,
}

/// The tuples of one column set that a row can have through one of the set's factors.
#[derive(Debug, Clone, Copy)]
struct Incidence {
    base: u32,
    stride: u32,
}

/// The numbering of all t-tuples: set by set, and within a set by value.
#[derive(Debug)]
pub(in crate::matrix) struct Tuples {
    strength: usize,
    /// Where the numbers of each set begin; one more than there are sets.
    bases: Vec<u32>,
    /// The factors of each set, `strength` a set.
    places: Vec<Place>,
    /// By factor: the sets it is in.
    incidences: Vec<Vec<Incidence>>,
    /// By factor: the other factors of each of these sets, `strength - 1` a set.
    others: Vec<Vec<Place>>,
}

impl Tuples {
    /// The tuples of `strength` factors; `strength` is at least 1 and at most the number of factors.
    pub(in crate::matrix) fn new(model: &Model, strength: usize) -> Self {
        let levels = model.levels();
        let mut tuples = Self {
            strength,
            bases: vec![0],
            places: Vec::new(),
            incidences: vec![Vec::new(); levels.len()],
            others: vec![Vec::new(); levels.len()],
        };
        let mut set: Vec<usize> = (0..strength).collect();
        loop {
            tuples.push_set(&set, levels);
            // The next set in order: the last factor that can move on does, those after it follow close behind.
            let Some(moving) = (0..strength).rfind(|at| set[*at] < levels.len() - strength + at) else { break };
            set[moving] += 1;
            for at in moving + 1..strength {
                set[at] = set[at - 1] + 1;
            }
        }
        tuples
    }

    fn push_set(&mut self, set: &[usize], levels: &[usize]) {
        let base = self.len() as u32;
        let mut stride = 1;
        let start = self.places.len();
        for factor in set {
            self.places.push(Place { factor: *factor as u32, stride });
            stride *= levels[*factor] as u32;
        }
        self.bases.push(base + stride);
        for place in &self.places[start..] {
            let factor = place.factor as usize;
            self.incidences[factor].push(Incidence { base, stride: place.stride });
            self.others[factor].extend(self.places[start..].iter().filter(|other| other.factor != place.factor));
        }
    }

    /// How many tuples there are.
    pub(in crate::matrix) fn len(&self) -> usize {
        self.bases.last().copied().unwrap_or_default() as usize
    }

    /// The factors and values of a tuple.
    pub(in crate::matrix) fn decode(&self, tuple: usize) -> impl Iterator<Item = (usize, u8)> {
        let set = self.bases.partition_point(|base| *base as usize <= tuple) - 1;
        let within = tuple as u32 - self.bases[set];
        let size = self.bases[set + 1] - self.bases[set];
        let places = &self.places[set * self.strength..][..self.strength];
        places.iter().enumerate().map(move |(at, place)| {
            let next = places.get(at + 1).map_or(size, |next| next.stride);
            (place.factor as usize, (within % next / place.stride) as u8)
        })
    }

    /// What is left of the model's values when a row must have the tuple.
    pub(in crate::matrix) fn domains(&self, model: &Model, tuple: usize) -> Domains {
        let mut domains = model.domains();
        for (factor, value) in self.decode(tuple) {
            domains[factor] = 1 << value;
        }
        domains
    }

    /// The tuples of a row.
    pub(in crate::matrix) fn of_row(&self, row: &[u8]) -> impl Iterator<Item = usize> {
        let sets = self.places.chunks_exact(self.strength);
        sets.zip(&self.bases).map(|(places, base)| {
            let within: u32 = places.iter().map(|place| place.stride * u32::from(row[place.factor as usize])).sum();
            (base + within) as usize
        })
    }

    /// Calls `see(tuple, stride)` for every set that `factor` is in, where `tuple` is what the row would have were
    /// `factor`'s value 0, and each further value is `stride` on.
    #[inline]
    pub(super) fn at(&self, row: &[u8], factor: usize, see: impl FnMut(usize, usize)) {
        // The strengths in common use get a loop of their own, without one inside.
        match self.strength {
            1 => self.at_fixed::<0>(row, factor, see),
            2 => self.at_fixed::<1>(row, factor, see),
            3 => self.at_fixed::<2>(row, factor, see),
            4 => self.at_fixed::<3>(row, factor, see),
            5 => self.at_fixed::<4>(row, factor, see),
            _ => self.at_fixed::<5>(row, factor, see),
        }
    }

    #[inline]
    fn at_fixed<const OTHERS: usize>(&self, row: &[u8], factor: usize, mut see: impl FnMut(usize, usize)) {
        for (set, incidence) in self.incidences[factor].iter().enumerate() {
            let mut tuple = incidence.base;
            for other in &self.others[factor][set * OTHERS..(set + 1) * OTHERS] {
                tuple += other.stride * u32::from(row[other.factor as usize]);
            }
            see(tuple as usize, incidence.stride as usize);
        }
    }

    /// How many sets a factor is in: what one call of [`Tuples::at`] costs.
    pub(super) fn sets_of(&self, factor: usize) -> usize {
        self.incidences[factor].len()
    }
}

/// How often each tuple is covered, and which are not.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    counts: Vec<u32>,
    open: Vec<u32>,
    /// Where an open tuple is in `open`.
    slots: Vec<u32>,
}

impl Tally {
    pub(in crate::matrix) fn new(tuples: &Tuples) -> Self {
        let all: Vec<u32> = (0..tuples.len() as u32).collect();
        Self { counts: vec![0; all.len()], open: all.clone(), slots: all }
    }

    pub(super) fn count(&self, tuple: usize) -> u32 {
        self.counts[tuple]
    }

    pub(super) fn open(&self) -> &[u32] {
        &self.open
    }

    /// One more row has the tuple. Also for a tuple that no row can have: it counts as covered from the start.
    pub(super) fn add(&mut self, tuple: usize) {
        self.counts[tuple] += 1;
        if self.counts[tuple] == 1 {
            let slot = self.slots[tuple] as usize;
            self.open.swap_remove(slot);
            if let Some(moved) = self.open.get(slot) {
                self.slots[*moved as usize] = slot as u32;
            }
        }
    }

    /// One row less has the tuple.
    pub(super) fn remove(&mut self, tuple: usize) {
        self.counts[tuple] -= 1;
        if self.counts[tuple] == 0 {
            self.slots[tuple] = self.open.len() as u32;
            self.open.push(tuple as u32);
        }
    }
}
