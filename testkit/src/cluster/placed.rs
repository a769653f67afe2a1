//! Where the cluster of a cell is, where LXD is a cluster of hosts, and what becomes of it when that host goes away.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ClusterError, Site};
use crate::folder::{CellDocument, CellFolder, OfCell};
use crate::lxd::Client;

/// Where a cluster is made; left in its folder before anything of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The member of the LXD cluster.
    pub member: String,
    /// What its bridges are named after, once it has some.
    #[serde(default)]
    pub lane: Option<String>,
}

impl OfCell for Placed {
    const DOCUMENT: CellDocument = CellDocument::Placed;
}

/// The error of a cluster whose host has gone away, with what was seen of that; `None` where its host is there, or LXD is no
/// cluster. `dir` is the folder of its cell.
pub async fn lost(site: &Site, dir: &Path, seen: &str) -> Option<ClusterError> {
    let placed: Placed = CellFolder::new(dir).read().ok().flatten()?;
    lost_on(site, &placed.member, seen).await
}

/// The same of a cluster that is, or was to be, on this member.
pub(super) async fn lost_on(site: &Site, member: &str, seen: &str) -> Option<ClusterError> {
    let why = away(&site.client, &site.config.pool, member).await?;
    Some(ClusterError::MemberAway { member: member.to_owned(), why, seen: seen.to_owned() })
}

/// Why a member of the LXD cluster cannot be used; `None` where it can. LXD notices after twenty seconds only that one is
/// away, so it is asked something that only it can answer, too.
async fn away(client: &Client, pool: &str, member: &str) -> Option<String> {
    match client.list_cluster_members().await {
        Ok(members) => {
            let found = members.iter().find(|it| it.name == member);
            let told = found.map_or_else(|| format!("{member:?} is no member any more"), |found| found.told());
            if found.is_none_or(|found| !found.is_online()) {
                return Some(told);
            }
        }
        // Then it is LXD that is away, which is said without this.
        Err(_) => return None,
    }
    client.get_storage_pool_resources_on(pool, member).await.err().map(|error| format!("it does not answer ({error})"))
}
