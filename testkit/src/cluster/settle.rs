//! Waiting until the cluster is as planned.
//!
//! OVN gets there by steps of its own, after the commands have returned: chassis register, databases elect, tunnels
//! appear. The wait ends as soon as every expectation holds, or at a deadline; then the checks judge what was seen
//! last, so that each wrong thing is reported by the check it concerns, and only by that one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Settled;
use super::observe::{Members, observe};
use crate::expect::{self, Observation, Subject};
use crate::lxd::Client;
use crate::plan::Plan;
use crate::report::{Doing, Progress};

/// Time between the first looks, and between the last ones. Each look costs the host processor time that the product
/// needs, and the longer something has not come, the less likely it is to come within the next moment.
const FIRST: Duration = Duration::from_millis(300);
const LAST: Duration = Duration::from_secs(3);

/// Observes until every expectation of the plan holds or the deadline has passed, and reads again only what is not yet
/// as planned. The look that is running at the deadline is the last.
pub async fn settle(
    client: &Client,
    plan: &Plan,
    instances: &Members,
    deadline: Duration,
    progress: &Progress,
) -> (Settled, Observation) {
    let started = Instant::now();
    let mut observation = Observation::default();
    let mut wanted: BTreeSet<Subject> = Subject::ALL.iter().copied().collect();
    let mut count = 0;
    progress.tell(Doing::Settling, "reading every member");
    let unsatisfied = loop {
        let looked = tokio::time::Instant::now();
        count += 1;
        observe(client, plan, instances, &wanted, &mut observation).await;
        let unsatisfied = expect::unsatisfied(plan, &observation);
        if unsatisfied.is_empty() || started.elapsed() >= deadline {
            break unsatisfied.into_iter().map(|(check, _)| check.name.to_owned()).collect::<Vec<_>>();
        }
        wanted = unsatisfied.iter().flat_map(|(check, _)| check.reads.iter().copied()).collect();
        let waits: Vec<&str> = unsatisfied.iter().map(|(check, _)| check.name).collect();
        progress.tell(Doing::Settling, format!("waiting for {}", waits.join(", ")));
        tracing::debug!(waiting_for = ?waits, "not settled");
        let pause = (started.elapsed() / 5).clamp(FIRST, LAST);
        tokio::time::sleep_until(looked + pause).await;
    };
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    (Settled { ms, looks: count, unsatisfied }, observation)
}
