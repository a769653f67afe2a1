//! The choice for one cell.

use std::cmp::Ordering;

/// Load that is not ours takes processors away, but never all: a host that is asked to can always do something.
const LEAST_SHARE: f64 = 0.25;

/// What a cell needs of the host that it is formed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Bytes of memory that must be free.
    pub memory: u64,
    /// How long it is expected to take, in milliseconds.
    pub cost: u64,
}

/// A host that cells can go to: a member of an LXD cluster, or the one host of an LXD that is none, which has no name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    /// The cluster member's name; empty where LXD is no cluster.
    pub name: String,
    /// How many cells it may have at the same time.
    pub turns: usize,
    /// How many it has now.
    pub taken: usize,
    /// Bytes of memory that are free.
    pub memory: u64,
    /// How many threads it runs at once.
    pub processors: u64,
    /// How many processes of others want a processor, as load averages count them.
    pub load: f64,
    /// What the cells that it has now are expected to take, in milliseconds.
    pub at_work: u64,
    /// What all cells were expected to take that it was ever given, in milliseconds.
    pub given: u64,
}

impl Place {
    /// The host of an LXD that is no cluster, of which there is nothing to choose.
    pub fn only(turns: usize) -> Self {
        Self { turns, memory: u64::MAX, ..Self::default() }
    }

    /// Whether it may have one more.
    pub fn is_free(&self) -> bool {
        self.taken < self.turns
    }

    /// When it would be through with one more of this cost, in milliseconds of one processor's time.
    fn through(&self, cost: u64) -> f64 {
        per_processor(self.at_work.saturating_add(cost), self.share())
    }

    /// How many processors are left for cells.
    fn share(&self) -> f64 {
        let processors = as_f64(self.processors.max(1));
        (processors - self.load).max(processors * LEAST_SHARE)
    }

    /// Whether it is the better choice for a cell: first the one that would be through with it sooner, then the one that was
    /// given less so far, then the one with more memory. The name decides between equals, so that the choice is the same
    /// wherever it is made.
    fn better(&self, other: &Self, cost: u64) -> Ordering {
        let sooner = self.through(cost).total_cmp(&other.through(cost));
        let less = || per_processor(self.given, self.share()).total_cmp(&per_processor(other.given, other.share()));
        sooner.then_with(less).then_with(|| other.memory.cmp(&self.memory)).then_with(|| self.name.cmp(&other.name))
    }
}

fn per_processor(cost: u64, processors: f64) -> f64 {
    as_f64(cost) / processors
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and processors are far below what a double holds")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

/// The place for a cell, as its number in the list. `None` where none is free.
///
/// One that lacks the memory comes into question only where nobody is at work anywhere: somebody must go on whatever there
/// is, or nobody would ever give memory back. Then it is the one that has most.
pub fn choose(places: &[Place], need: Need) -> Option<usize> {
    let free = || (0..).zip(places).filter(|(_, place)| place.is_free());
    let roomy = free().filter(|(_, place)| place.memory >= need.memory);
    let best = roomy.min_by(|(_, a), (_, b)| a.better(b, need.cost));
    let idle = || places.iter().all(|place| place.taken == 0);
    let any = || free().min_by(|(_, a), (_, b)| b.memory.cmp(&a.memory).then_with(|| a.name.cmp(&b.name)));
    best.or_else(|| idle().then(any).flatten()).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const NEED: Need = Need { memory: GIB, cost: 10_000 };

    fn place(name: &str) -> Place {
        Place { name: name.to_owned(), turns: 2, memory: 8 * GIB, processors: 4, ..Place::default() }
    }

    /// The names of the places that so many cells of these costs go to, one after the other, while none ends.
    fn go(mut places: Vec<Place>, costs: &[u64]) -> Vec<String> {
        let mut names = Vec::new();
        for cost in costs {
            let Some(number) = choose(&places, Need { cost: *cost, ..NEED }) else { break };
            let place = &mut places[number];
            place.taken += 1;
            place.at_work += cost;
            place.given += cost;
            names.push(place.name.clone());
        }
        names
    }

    #[test]
    fn cells_spread_and_no_place_has_more_than_its_turns() {
        let places = ["c", "a", "b"].map(place).to_vec();
        assert_eq!(go(places, &[1; 7]), ["a", "b", "c", "a", "b", "c"]);
    }

    #[test]
    fn what_takes_long_goes_where_least_is_still_to_be_done() {
        // One long cell on a; the short ones fill b before anybody joins it.
        let places = ["a", "b"].map(place).to_vec();
        assert_eq!(go(places, &[60_000, 10_000, 10_000]), ["a", "b", "b"]);
    }

    #[test]
    fn a_host_with_twice_the_processors_has_twice_the_work() {
        let mut places = ["a", "b"].map(|name| Place { turns: 9, ..place(name) }).to_vec();
        places[1].processors = 8;
        let went = go(places, &[10; 9]);
        assert_eq!(went.iter().filter(|name| *name == "b").count(), 6, "{went:?}");
    }

    #[test]
    fn the_load_of_others_counts_against_a_host_but_never_closes_it() {
        let busy = Place { load: 3.0, ..place("a") };
        assert_eq!(choose(&[busy.clone(), place("b")], NEED), Some(1));
        let drowned = Place { load: 400.0, ..place("a") };
        assert_eq!(choose(&[drowned], NEED), Some(0));
    }

    #[test]
    fn of_equal_hosts_the_one_that_was_given_less_is_next_then_the_one_with_more_memory() {
        let before = Place { given: 5_000, memory: 64 * GIB, ..place("a") };
        let more = Place { memory: 9 * GIB, ..place("c") };
        assert_eq!(choose(&[before, place("b"), more], NEED), Some(2));
    }

    #[test]
    fn a_host_without_the_memory_is_left_out_while_anybody_is_at_work() {
        let short = Place { memory: GIB - 1, ..place("a") };
        let roomy = Place { taken: 1, at_work: 90_000, ..place("b") };
        assert_eq!(choose(&[short.clone(), roomy], NEED), Some(1));
        let full = Place { taken: 2, ..place("b") };
        assert_eq!(choose(&[short.clone(), full], NEED), None, "it waits for memory");
        let shorter = Place { memory: 1, ..place("0") };
        assert_eq!(choose(&[shorter, short], NEED), Some(1), "nobody else would give memory back");
    }

    #[test]
    fn there_is_no_choice_without_a_place() {
        assert_eq!(choose(&[], NEED), None);
        assert_eq!(choose(&[Place { turns: 0, ..place("a") }], NEED), None);
    }
}
