//! Networks that are no whole ones yet, or come yet, when who asked LXD for them is dead.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::{SweepError, Target, missing};
use crate::lxd::{Client, Network};
use crate::session::{Kind, Ledger, Process};
use crate::wait::{self, Pace, Poll, WaitError};

/// How long it is looked for what LXD was still asked for by somebody who died. In a cluster each member is told of a network, one after
/// the other.
const LATE: Pace = Pace::new(3, 200);
const LATE_IN_CLUSTER: Pace = Pace::new(15, 300);

/// Removes those of these networks that come yet: who asked LXD for them died before it had answered, and LXD goes on without a trace of
/// it until they are there.
///
/// # Errors
/// When LXD cannot be asked, or refuses.
pub async fn sweep_late(
    client: &Client,
    runner: &Process,
    names: &BTreeSet<String>,
) -> Result<BTreeSet<String>, SweepError> {
    let target = Target::Runner(runner.clone());
    let own =
        |it: &Network| names.contains(&it.name) && (is_undone(it) || target.matches(&it.config, Timestamp::now()));
    let swept = Mutex::new(BTreeSet::new());
    let pace = if client.is_clustered() { LATE_IN_CLUSTER } else { LATE };
    let come = wait::until("what LXD was still asked for", pace, async || {
        let networks = match client.list_networks().await {
            Ok(networks) => networks,
            Err(error) => return Poll::Failed(error),
        };
        for network in networks.into_iter().filter(own) {
            if let Err(error) = client.delete_network(&network.name).await {
                return Poll::NotYet(error.to_string());
            }
            drop(swept.lock().map(|mut swept| swept.insert(network.name)));
        }
        let come = swept.lock().map_or(0, |swept| swept.len());
        if come == names.len() { Poll::Ready(()) } else { Poll::NotYet(format!("{come} of {}", names.len())) }
    });
    match come.await {
        // What did not come was never asked for.
        Ok(()) | Err(WaitError::Deadline { .. }) => Ok(swept.into_inner().unwrap_or_else(PoisonError::into_inner)),
        Err(WaitError::Failed { source, .. }) => Err(SweepError::Lxd(source)),
    }
}

/// Removes the networks of an LXD cluster that are named in these ledgers and were only defined on members when their maker died:
/// LXD keeps no tags of such. Does nothing where LXD is no cluster, or a member is away.
///
/// # Errors
/// When LXD or a ledger cannot be read, or LXD refuses.
pub async fn sweep_undone(client: &Client, ledgers: &[Ledger]) -> Result<BTreeSet<String>, SweepError> {
    if !client.is_clustered() || missing(client, &[]).await.map_err(SweepError::Lxd)?.is_some() {
        return Ok(BTreeSet::new());
    }
    let mut named = BTreeSet::new();
    for ledger in ledgers {
        named.extend(ledger.read()?.into_iter().filter(|made| made.kind == Kind::Network).map(|made| made.name));
    }
    let mut networks = client.list_networks().await.map_err(SweepError::Lxd)?;
    networks.retain(|network| is_undone(network) && named.contains(&network.name));
    for network in &networks {
        client.delete_network(&network.name).await.map_err(SweepError::Lxd)?;
    }
    Ok(networks.into_iter().map(|network| network.name).collect())
}

/// Whether a network was defined on members and never made.
fn is_undone(network: &Network) -> bool {
    network.managed && network.status == "Pending" && network.config.is_empty()
}
