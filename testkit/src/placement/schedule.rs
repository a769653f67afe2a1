//! The choice for many cells, one after the other, as turns make it: what would run where, and when.

use super::{Need, Place, choose};

/// One cell's time on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The cell, by its number in the list that was given.
    pub cell: usize,
    /// The host, by its number in the list that was given.
    pub place: usize,
    /// When it begins and ends, in milliseconds.
    pub began: u64,
    /// When it ends, in milliseconds.
    pub ended: u64,
}

/// What runs where, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Every cell's, by when it begins.
    pub stays: Vec<Stay>,
    /// How long all of it takes, in milliseconds.
    pub length: u64,
    /// For how long all turns of all hosts together had no cell before the last one ended, in milliseconds.
    pub idle: u64,
    /// The cells that decide how long it takes, the last one last: each could begin only when the one before it ended.
    pub path: Vec<usize>,
}

/// Lays cells of these costs, in milliseconds, out over the turns of `places`: those that take longest begin first, as turns
/// are given, and each goes where [`choose`] sends it. `setup` is what the first cell on a host takes more, which is the
/// copy of the golden image. Cells that nobody can take are not laid out.
pub fn schedule(costs: &[u64], memory: u64, places: &[Place], setup: u64) -> Schedule {
    let mut places = places.to_vec();
    let mut waiting: Vec<usize> = (0..costs.len()).collect();
    // The first to come is next of equal ones, and the last of this list is next.
    waiting.sort_by_key(|cell| (costs[*cell], std::cmp::Reverse(*cell)));
    let (mut now, mut running): (u64, Vec<(Stay, u64)>) = (0, Vec::new());
    let mut all: Vec<Stay> = Vec::new();
    let mut ready: Vec<Option<u64>> = vec![None; places.len()];
    loop {
        while let Some(cell) = waiting.last().copied() {
            let cost = costs[cell];
            let Some(place) = choose(&places, Need { memory, cost }) else { break };
            waiting.pop();
            let host = &mut places[place];
            host.taken += 1;
            host.at_work += cost;
            host.given += cost;
            let from = *ready[place].get_or_insert(now + setup);
            let stay = Stay { cell, place, began: now, ended: from.max(now) + cost };
            running.push((stay, cost));
        }
        let Some(next) = running.iter().map(|(stay, _)| stay.ended).min() else { break };
        now = next;
        let (over, on): (Vec<_>, Vec<_>) = running.into_iter().partition(|(stay, _)| stay.ended == now);
        running = on;
        for (stay, cost) in over {
            let host = &mut places[stay.place];
            host.taken -= 1;
            host.at_work -= cost;
            all.push(stay);
        }
    }
    all.sort_by_key(|stay| (stay.began, stay.cell));
    let length = all.iter().map(|stay| stay.ended).max().unwrap_or_default();
    let turns: u64 = places.iter().map(|place| place.turns as u64).sum();
    let busy: u64 = all.iter().map(|stay| stay.ended - stay.began).sum();
    Schedule { length, idle: (turns * length).saturating_sub(busy), path: path(&all), stays: all }
}

/// From the cell that ends last back to one that began at once, over those that each had to wait for.
fn path(stays: &[Stay]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut next = stays.iter().max_by_key(|stay| (stay.ended, stay.cell));
    while let Some(stay) = next {
        path.push(stay.cell);
        let before = |other: &&Stay| other.place == stay.place && other.ended == stay.began;
        next = if stay.began == 0 { None } else { stays.iter().find(before) };
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(count: usize, turns: usize) -> Vec<Place> {
        let place = |number: usize| Place {
            name: format!("{number:02}"),
            turns,
            memory: 1 << 40,
            processors: 2,
            ..Place::default()
        };
        (0..count).map(place).collect()
    }

    #[test]
    fn on_one_turn_everything_comes_one_after_the_other_the_longest_first() {
        let all = schedule(&[1_000, 3_000, 2_000], 0, &places(1, 1), 500);
        let order: Vec<_> = all.stays.iter().map(|stay| (stay.cell, stay.began, stay.ended)).collect();
        assert_eq!(order, [(1, 0, 3_500), (2, 3_500, 5_500), (0, 5_500, 6_500)]);
        assert_eq!((all.length, all.idle, all.path), (6_500, 0, vec![1, 2, 0]));
    }

    #[test]
    fn one_long_cell_is_the_longest_path_and_the_others_idle_meanwhile() {
        let all = schedule(&[10_000, 1_000, 1_000], 0, &places(2, 1), 0);
        assert_eq!((all.length, all.idle, all.path), (10_000, 8_000, vec![0]));
    }

    #[test]
    fn nothing_is_laid_out_where_there_is_no_place() {
        assert_eq!(schedule(&[1], 0, &[], 0), Schedule::default());
    }

    proptest! {
        #[test]
        fn every_cell_is_laid_out_once_and_no_host_has_more_than_its_turns(
            costs in prop::collection::vec(1_u64..50_000, 1..60),
            hosts in 1_usize..6,
            turns in 1_usize..4,
        ) {
            let all = schedule(&costs, 1, &places(hosts, turns), 700);
            let mut cells: Vec<_> = all.stays.iter().map(|stay| stay.cell).collect();
            cells.sort_unstable();
            prop_assert_eq!(cells, (0..costs.len()).collect::<Vec<_>>());
            for stay in &all.stays {
                let at_once = all.stays.iter().filter(|other| {
                    other.place == stay.place && other.began <= stay.began && stay.began < other.ended
                });
                prop_assert!(at_once.count() <= turns);
            }
            // No list schedule is longer than twice the best one, which is at least as long as either of these.
            let work: u64 = costs.iter().sum();
            let least = (work / (hosts * turns) as u64).max(*costs.iter().max().unwrap());
            prop_assert!(all.length <= 2 * least + 700 + 1);
        }
    }
}
