//! Where the cluster of a cell is, where LXD is a cluster of hosts, and what becomes of it when that host goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ClusterError, Site};
use crate::folder::{CellDocument, CellFolder, OfCell};
use crate::lxd::Client;

/// Where a cluster is made; left in its folder before anything of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The member of the LXD cluster; where it is on several, the one that it has its turn on, and its first member.
    pub member: String,
    /// What its networks are named after, once it has some of its own.
    #[serde(default)]
    pub lane: Option<String>,
    /// The network that its underlay is, where that is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Which member of the LXD cluster each of its members is on, where it is on several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seats: BTreeMap<String, String>,
}

impl Placed {
    /// All members of the LXD cluster that something of it is on.
    pub fn hosts(&self) -> BTreeSet<&str> {
        self.seats.values().chain([&self.member]).map(String::as_str).collect()
    }
}

impl OfCell for Placed {
    const DOCUMENT: CellDocument = CellDocument::Placed;
}

/// The error of a cluster whose host has gone away, with what was seen of that; `None` where its host is there, or LXD is no
/// cluster. `dir` is the folder of its cell.
pub async fn lost(site: &Site, dir: &Path, seen: &str) -> Option<ClusterError> {
    let placed: Placed = CellFolder::new(dir).read().ok().flatten()?;
    lost_of(site, &placed, seen).await
}

/// The same of a cluster that is, or was to be, placed so. Where several of its hosts are away, the first of them is told.
pub(super) async fn lost_of(site: &Site, placed: &Placed, seen: &str) -> Option<ClusterError> {
    for member in placed.hosts() {
        if let Some(why) = away(&site.client, &site.config.pool, member).await {
            return Some(ClusterError::MemberAway { member: member.to_owned(), why, seen: seen.to_owned() });
        }
    }
    None
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
