//! Waiting until the cluster is as planned.
//!
//! OVN gets there by steps of its own, after the commands have returned: chassis register, databases elect, tunnels
//! appear. Meanwhile only what is not yet as planned is read again. The wait ends with a look at everything: with one
//! that every expectation holds in, or with the one at the deadline. The checks judge that look alone, so that each wrong
//! thing is reported by the check it concerns, and only by that one, and what was right at first and is wrong by then is
//! not missed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Settled;
use super::observe::{Members, observe};
use crate::expect::{self, Check, Known, Observation, Subject, Verdict};
use crate::lxd::Client;
use crate::plan::State;
use crate::report::{Doing, Progress};

/// Time between the first looks, and between the last ones. Each look costs the host processor time that the product
/// needs, and the longer something has not come, the less likely it is to come within the next moment.
const FIRST: Duration = Duration::from_millis(300);
const LAST: Duration = Duration::from_secs(3);

/// What was lost twice, where other packets came through, may be lost again: so many looks in a row must be without that. Once is how
/// a cluster looks whose networks are just coming up.
const CERTAIN: usize = 3;

/// How many looks without a loss are still wanted.
#[derive(Debug, Clone, Copy, Default)]
struct Doubt {
    lossy: usize,
    left: usize,
}

impl Doubt {
    /// After a look in which something was lost, or not.
    fn after(self, loses: bool) -> Self {
        let lossy = self.lossy + usize::from(loses);
        let left = if loses && lossy > 1 { CERTAIN } else { self.left.saturating_sub(1) };
        Self { lossy, left }
    }

    fn is_left(self) -> bool {
        self.left > 0
    }
}

/// The station before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// What was seen there.
    pub seen: &'a Observation,
    /// What is not as it must be since then, or earlier.
    pub known: &'a Known,
}

/// Observes until a look at everything finds every expectation of the state to hold, given the station before, or the
/// deadline has passed: then everything is looked at once more, whatever comes of it. What is known not to be
/// as it must be is not waited for.
pub async fn settle(
    client: &Client,
    state: &State,
    instances: &Members,
    before: Option<Before<'_>>,
    deadline: Duration,
    progress: &Progress,
) -> (Settled, Observation) {
    let started = Instant::now();
    let mut observation = Observation::default();
    let all = BTreeSet::from(Subject::ALL);
    let mut wanted = all.clone();
    let (mut count, mut doubt) = (0, Doubt::default());
    progress.tell(Doing::Settling, "reading every member");
    let (unsatisfied, last) = loop {
        let looked = tokio::time::Instant::now();
        count += 1;
        observe(client, state, instances, &wanted, &mut observation).await;
        let unsatisfied = expect::unsatisfied(state, &observation, before.map(|before| before.seen));
        let is_known = |verdict: &Verdict| before.is_some_and(|before| !before.known.is_news(verdict));
        let loses = unsatisfied.iter().any(|(check, verdict)| expect::is_of_packets(check.name) && !is_known(verdict));
        doubt = doubt.after(loses && observation.loses_packets());
        let late = started.elapsed() >= deadline;
        // A line of a journal does not go away, however long one waits.
        let lasts = |check: &Check| check.reads.iter().all(|subject| subject.lasts());
        let as_it_must_be =
            !doubt.is_left() && unsatisfied.iter().all(|(check, verdict)| lasts(check) || is_known(verdict));
        let ended = late || as_it_must_be;
        if ended && wanted == all {
            let names = unsatisfied.into_iter().map(|(check, _)| check.name.to_owned()).collect::<Vec<_>>();
            break (names, looked.elapsed());
        }
        if ended {
            // So far it is a mosaic of moments.
            progress.tell(Doing::Settling, "reading every member once more");
            wanted.clone_from(&all);
            continue;
        }
        wanted = unsatisfied.iter().flat_map(|(check, _)| check.reads.iter().copied()).collect();
        let mut waits: Vec<&str> = unsatisfied.iter().map(|(check, _)| check.name).collect();
        if wanted.is_empty() {
            waits.push("packets once more, as some were lost");
        }
        if doubt.is_left() {
            wanted.insert(Subject::Traffic);
        }
        progress.tell(Doing::Settling, format!("waiting for {}", waits.join(", ")));
        let seen: Vec<String> = unsatisfied.iter().map(|(_, verdict)| verdict.headline()).collect();
        tracing::debug!(waiting_for = ?waits, ?seen, "not settled");
        let pause = (started.elapsed() / 5).clamp(FIRST, LAST);
        tokio::time::sleep_until(looked + pause).await;
    };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (ms, last_ms) = (millis(started.elapsed()), millis(last));
    (Settled { ms, looks: count, last_ms, unsatisfied }, observation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_twice_is_looked_for_three_times_in_a_row_before_it_is_believed_to_be_over() {
        let left = |looks: &[bool]| looks.iter().fold(Doubt::default(), |doubt, loses| doubt.after(*loses)).is_left();
        assert!(!left(&[false]) && !left(&[true]) && !left(&[true, false]), "once is no reason to doubt");
        assert!(left(&[true, true]) && left(&[true, false, true]) && left(&[true, true, false, false]));
        assert!(!left(&[true, true, false, false, false]));
        assert!(left(&[true, true, false, false, true, false, false]), "they are to be in a row");
    }
}
