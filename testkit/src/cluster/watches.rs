//! Watching a cluster for as long as a step lasts.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::{Batch, Members};
use crate::journey::{Watch, Watched};
use crate::lxd::Client;
use crate::plan::Programs;

/// Between two looks. Each is a process on the member.
const PACE: Duration = Duration::from_millis(500);
/// One look; a database that does not answer by then is gone.
const LOOK: Duration = Duration::from_secs(10);

/// What `stepping` comes to, and what was seen meanwhile.
pub(super) async fn watching<T>(
    client: &Client,
    instances: &Members,
    watches: &[Watch],
    stepping: impl Future<Output = T>,
) -> (T, Vec<Watched>) {
    let (end, ended) = watch::channel(false);
    let looking = join_all(watches.iter().map(|watch| look(client, instances, watch, ended.clone())));
    let stepping = async {
        let done = stepping.await;
        // Nobody listens where there is nothing to watch.
        let _ = end.send(true);
        done
    };
    tokio::join!(stepping, looking)
}

/// Looks until the end, and once more.
async fn look(client: &Client, instances: &Members, watch: &Watch, mut ended: watch::Receiver<bool>) -> Watched {
    let Watch::Southbound { on, .. } = watch;
    let argv = ["microovn.ovn-sbctl", "--timeout=8", "--columns=name", "list", "Chassis"].map(str::to_owned).to_vec();
    let instance = instances.get(on).map(String::as_str).unwrap_or_default();
    let batch = Batch { client, instance, programs: &Programs::default(), deadline: LOOK };
    let mut seen = Watched { watch: watch.clone(), looks: 0, gap_ms: 0, said: None };
    let mut last = Instant::now();
    loop {
        let over = *ended.borrow();
        let answered = batch.in_turn(std::slice::from_ref(&argv)).await;
        seen.looks += 1;
        match answered.into_iter().next() {
            Some(Ok(_)) => {
                seen.gap_ms = seen.gap_ms.max(u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX));
                last = Instant::now();
            }
            Some(Err(said)) => seen.said = Some(said),
            None => {}
        }
        if over {
            seen.gap_ms = seen.gap_ms.max(u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX));
            return seen;
        }
        // Ends early when the step has ended, for the last look.
        let _ = tokio::time::timeout(PACE, ended.wait_for(|over| *over)).await;
    }
}
