//! Keeping in touch: the first member that answers tells the others that it is there, and notes who is.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper::Method;

use crate::error::Result;
use crate::faults;

use super::cluster::{Change, Cluster};
use super::node::{Membership, Node, Phase};

/// How often members hear of each other.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long nothing is heard before another member takes over.
const SILENCE: Duration = Duration::from_secs(12);

/// Beats for as long as this server is a member.
pub(crate) async fn run(node: Arc<Node>, membership: Arc<Membership>) {
    // A member that comes back may have missed changes, even that it is none any more.
    let mut is_known = false;
    loop {
        if !is_known {
            match catch_up(&node, &membership).await {
                Ok(Standing::Removed) => {
                    complain!("the other members do not know this one any more");
                    node.set_phase(Phase::Removed);
                    return;
                }
                Ok(standing) => is_known = standing == Standing::Member,
                Err(error) => complain!("failed to learn what happened meanwhile: {error}"),
            }
        }
        let own = membership.cluster().find(&membership.name).map(|own| own.address.ip().to_string());
        faults::links::pause(&node.paths, &own.unwrap_or_default(), INTERVAL).await;
        if let Err(error) = beat(&node, &membership).await {
            complain!("heartbeat failed: {error}");
        }
    }
}

/// What the others take this server for.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// One of them.
    Member,
    /// A stranger, all who answered.
    Removed,
    /// Nobody answered.
    Unknown,
}

/// Takes over the newest record any member has.
async fn catch_up(node: &Node, membership: &Membership) -> Result<Standing> {
    let cluster = membership.cluster();
    let others = cluster.members.iter().filter(|member| member.name != membership.name);
    let records =
        join_all(others.map(async |member| node.ask_briefly(member, Method::GET, "/core/internal/state", None).await));
    let records = records.await;
    let are_alone = cluster.members.len() == 1;
    let refused = records.iter().any(|record| record.as_ref().is_err_and(|error| error.code == 403));
    let records = records.into_iter().flatten();
    let newest = records.filter_map(|record| serde_json::from_value::<Cluster>(record).ok()).max_by_key(|c| c.version);
    match newest {
        Some(newest) => node.adopt(newest).await.map(|()| Standing::Member),
        None if refused => Ok(Standing::Removed),
        None if are_alone => Ok(Standing::Member),
        None => Ok(Standing::Unknown),
    }
}

async fn beat(node: &Node, membership: &Membership) -> Result<()> {
    let heard = *membership.leader_heard.lock().unwrap_or_else(PoisonError::into_inner);
    if heard.is_some_and(|heard: Instant| heard.elapsed() < SILENCE) {
        return Ok(());
    }
    let cluster = membership.cluster();
    for earlier in cluster.members.iter().take_while(|member| member.name != membership.name) {
        // Who is first among those that answer leads.
        if node.ask_briefly(earlier, Method::GET, "/core/1.0/ready", None).await.is_ok() {
            return Ok(());
        }
    }
    let others = cluster.members.iter().filter(|member| member.name != membership.name);
    let answers = join_all(others.map(async |member| {
        let version = node.ask_briefly(member, Method::POST, "/core/internal/heartbeat", None).await.ok()?;
        Some((member.name.clone(), version.as_u64().unwrap_or_default()))
    }));
    let answers: Vec<(String, u64)> = answers.await.into_iter().flatten().collect();
    if answers.iter().any(|(_, version)| *version > cluster.version) {
        catch_up(node, membership).await?;
    }
    let mut answered: Vec<String> = answers.into_iter().map(|(name, _)| name).collect();
    answered.push(membership.name.clone());
    if !cluster.has_quorum(&answered) {
        return Ok(());
    }
    node.lead(Change::Heartbeat { answered }).await.map(drop)
}
