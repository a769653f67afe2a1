//! The members of an LXD cluster as places that cells can go to.

use super::ClusterError;
use crate::config::Config;
use crate::host::{self, Capacity, Surveyed};
use crate::lxd::Client;
use crate::placement::Place;
use crate::wait;

/// Memory a forming cluster of three takes at its peak, in bytes, with room to spare.
pub const CLUSTER_MEMORY: u64 = 768 << 20;
/// Clusters formed per processor: forming one is mostly waiting for timers of others.
const CLUSTERS_PER_PROCESSOR: u64 = 2;

/// How many clusters a host has memory and processors for.
pub(super) fn turns_of(Capacity { memory, processors }: Capacity) -> usize {
    // Members of several clusters would take from each other the time that the product allows itself.
    if wait::is_slow() {
        return 1;
    }
    let turns = (memory / CLUSTER_MEMORY).min(processors.max(1) * CLUSTERS_PER_PROCESSOR);
    usize::try_from(turns).unwrap_or(1).max(1)
}

/// The members of the LXD cluster as places for cells; none where LXD is no cluster.
///
/// # Errors
/// When LXD does not list its members.
pub async fn all_places(config: &Config, client: &Client) -> Result<Vec<Place>, ClusterError> {
    if !client.is_clustered() {
        return Ok(Vec::new());
    }
    let now = host::survey(&config.lxd, client).await?;
    Ok(places(&now, &now, config.parallel).into_iter().filter_map(Result::ok).collect())
}

/// The places that members are now, and why the others are none. How many turns each has, and how busy it is with what is
/// none of ours, was seen when the run began: cells that form would make it fewer. `parallel` is how many turns each has,
/// where somebody chose that.
pub(super) fn places(first: &[Surveyed], now: &[Surveyed], parallel: Option<usize>) -> Vec<Result<Place, String>> {
    // Told of some and not of others, it would say nothing.
    let loads: Option<Vec<f64>> = first.iter().filter(|it| it.capacity.is_some()).map(|it| it.load).collect();
    let place = |now: &Surveyed| {
        let capacity = now.capacity.ok_or_else(|| now.problem.clone())?;
        let began = first.iter().find(|it| it.name == now.name);
        let at_first = began.and_then(|it| it.capacity).unwrap_or(capacity);
        let load = loads.as_ref().and_then(|_| began?.load).unwrap_or_default();
        Ok(Place {
            name: now.name.clone(),
            turns: parallel.unwrap_or_else(|| turns_of(at_first)),
            memory: capacity.memory,
            processors: capacity.processors,
            load,
            ..Place::default()
        })
    };
    now.iter().map(place).collect()
}

/// Those that are places.
///
/// # Errors
/// Where none is, with what is wrong with each.
pub(super) fn require_some(places: Vec<Result<Place, String>>) -> Result<Vec<Place>, ClusterError> {
    let (found, problems): (Vec<_>, Vec<_>) = places.into_iter().partition(Result::is_ok);
    if found.is_empty() {
        let problems: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
        return Err(ClusterError::NoMember(problems.join("; ")));
    }
    Ok(found.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, load: Option<f64>) -> Surveyed {
        let capacity = Some(Capacity { memory: 64 << 30, processors: 4 });
        Surveyed { name: name.to_owned(), architecture: "x86_64".to_owned(), capacity, load, problem: String::new() }
    }

    fn away(name: &str) -> Surveyed {
        Surveyed { capacity: None, problem: format!("{name:?} is Offline"), ..member(name, None) }
    }

    #[test]
    fn turns_are_those_of_the_beginning_and_memory_that_of_now() {
        let first = [member("a", None), member("b", None)];
        let mut now = first.clone();
        now[0].capacity = Some(Capacity { memory: 1 << 30, processors: 4 });
        let places: Vec<Place> = places(&first, &now, None).into_iter().flatten().collect();
        // One where this host is slow meanwhile, whatever a member has.
        let wanted = turns_of(Capacity { memory: 64 << 30, processors: 4 });
        assert_eq!((places[0].turns, places[0].memory), (wanted, 1 << 30));
        assert_eq!(places[1].turns, wanted);
    }

    #[test]
    fn whoever_chooses_how_many_at_once_chooses_it_for_each_member() {
        let all = [member("a", None), member("b", None)];
        assert!(places(&all, &all, Some(3)).iter().flatten().all(|place| place.turns == 3));
    }

    #[test]
    fn load_counts_where_all_members_tell_it() {
        let load =
            |first: &[Surveyed]| places(first, first, None).iter().flatten().map(|it| it.load).collect::<Vec<_>>();
        assert_eq!(load(&[member("a", Some(2.0)), member("b", Some(0.5)), away("c")]), [2.0, 0.5]);
        assert_eq!(load(&[member("a", Some(2.0)), member("b", None)]), [0.0, 0.0]);
    }

    #[test]
    fn a_member_that_is_away_is_no_place_and_without_any_it_is_said_why() {
        let now = [away("a"), member("b", None)];
        let names = |places: Vec<Place>| places.into_iter().map(|place| place.name).collect::<Vec<_>>();
        assert_eq!(names(require_some(places(&now, &now, None)).expect("b")), ["b"]);
        let none = [away("a"), away("b")];
        let error = require_some(places(&none, &none, None)).expect_err("there is none");
        assert!(error.is_usage());
        assert!(error.to_string().contains("\"a\" is Offline; \"b\" is Offline"), "{error}");
    }
}
