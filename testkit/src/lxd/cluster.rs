//! LXD's own cluster: its members, and what is made on each of them.
//!
//! Networks and pools of a cluster are defined on each member first, and then made on all of them by one more call, which asks
//! every member and fails while one is away (`networksPostCluster` and its like in LXD). So does the removal of a network.

use serde::Deserialize;

use super::client::{Client, found};
use super::envelope::null_as_default;
use super::error::Error;
use super::instance::Config;
use super::network::NetworkSpec;
use super::request::Request;
use super::resources::Resources;
use super::server::Server;
use super::storage::{StoragePoolResources, StoragePoolSpec};

/// The settings of a pool that each member has for itself: `NodeSpecificStorageConfig` of LXD's database.
const POOL_OF_MEMBER: [&str; 2] = ["size", "source"];

/// The settings of a network that each member has for itself: of those of `NodeSpecificNetworkConfig` in LXD's database, the ones
/// that name devices.
const NETWORK_OF_MEMBER: [&str; 2] = ["bridge.external_interfaces", "parent"];

/// The extension of [`Client::get_cluster_member_load`]; LXD 5.0 lacks it.
const MEMBER_STATE: &str = "cluster_member_state";

/// A member of an LXD cluster, as LXD shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ClusterMember {
    /// Its name.
    #[serde(rename = "server_name")]
    pub name: String,
    /// Where the others reach it.
    #[serde(default)]
    pub url: String,
    /// `Online`, `Offline`, `Evacuated`, `Blocked`.
    #[serde(default)]
    pub status: String,
    /// Why, in LXD's words.
    #[serde(default)]
    pub message: String,
    /// Such as `x86_64`.
    #[serde(default)]
    pub architecture: String,
    /// Its settings.
    #[serde(default, deserialize_with = "null_as_default")]
    pub config: Config,
}

impl ClusterMember {
    /// Whether something can be placed on it.
    pub fn is_online(&self) -> bool {
        self.status == "Online"
    }

    /// Whether it answers, so that LXD makes and removes networks on it: one that was evacuated has nothing placed on it, and is there.
    pub fn is_there(&self) -> bool {
        self.is_online() || self.status == "Evacuated"
    }

    /// What LXD says of it: `"c" is Offline (No heartbeat for 25s)`.
    pub fn told(&self) -> String {
        let why = if self.message.is_empty() { String::new() } else { format!(" ({})", self.message) };
        format!("{:?} is {}{why}", self.name, self.status)
    }
}

/// What a member says of its host.
#[derive(Debug, Deserialize)]
struct MemberState {
    sysinfo: SysInfo,
}

#[derive(Debug, Deserialize)]
struct SysInfo {
    /// Over one, five and fifteen minutes.
    #[serde(default, deserialize_with = "null_as_default")]
    load_averages: Vec<f64>,
}

impl Client {
    /// Whether the LXD of this client is a cluster.
    pub fn is_clustered(&self) -> bool {
        self.server().environment.server_clustered
    }

    /// Lists the members of the cluster by name.
    pub async fn list_cluster_members(&self) -> Result<Vec<ClusterMember>, Error> {
        let request = Request::get(&["cluster", "members"], "list the members of the LXD cluster");
        let request = request.query("recursion", "1").outside_projects();
        let mut members: Vec<ClusterMember> = self.sync::<Option<_>>(&request).await?.unwrap_or_default();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(members)
    }

    /// What a member of the cluster says of itself.
    pub async fn get_server_on(&self, member: &str) -> Result<Server, Error> {
        let request = Request::get(&[], format!("ask LXD member {member:?}"));
        self.sync(&request.query("target", member).outside_projects()).await
    }

    /// What the host of a member of the cluster has; see [`Client::get_resources`].
    pub async fn get_resources_on(&self, member: &str) -> Result<Resources, Error> {
        let request = Request::get(&["resources"], format!("get the resources of the host of LXD member {member:?}"));
        self.sync(&request.query("target", member).outside_projects()).await
    }

    /// How many processes want a processor on the host of a member, over the last minute. `None` where this LXD does not tell.
    pub async fn find_cluster_member_load(&self, member: &str) -> Result<Option<f64>, Error> {
        if !self.server().has_extension(MEMBER_STATE) {
            return Ok(None);
        }
        let attempt = format!("get the state of LXD member {member:?}");
        let request = Request::get(&["cluster", "members", member, "state"], attempt).outside_projects();
        let state: Option<MemberState> = found(self.sync(&request).await)?;
        Ok(state.and_then(|state| state.sysinfo.load_averages.first().copied()))
    }

    /// How full a storage pool is on a member of the cluster.
    pub async fn get_storage_pool_resources_on(&self, pool: &str, member: &str) -> Result<StoragePoolResources, Error> {
        let attempt = format!("get resources of storage pool {pool:?} on LXD member {member:?}");
        let request = Request::get(&["storage-pools", pool, "resources"], attempt);
        self.sync(&request.query("target", member).outside_projects()).await
    }

    /// Creates a network on these members, which must be all that the cluster has. Where there are none, LXD is no cluster.
    pub async fn create_network_on(&self, members: &[String], spec: &NetworkSpec) -> Result<(), Error> {
        let (own, common): (Config, Config) =
            spec.config.clone().into_iter().partition(|(key, _)| NETWORK_OF_MEMBER.contains(&key.as_str()));
        for member in members {
            let part = NetworkSpec { config: own.clone(), target: Some(member.clone()), ..spec.clone() };
            self.create_network(&part).await?;
        }
        let config = if members.is_empty() { spec.config.clone() } else { common };
        self.create_network(&NetworkSpec { config, ..spec.clone() }).await
    }

    /// Creates a storage pool on these members, which must be all that the cluster has. Where there are none, LXD is no
    /// cluster.
    pub async fn create_storage_pool_on(&self, members: &[String], spec: &StoragePoolSpec) -> Result<(), Error> {
        let (own, common): (Config, Config) =
            spec.config.clone().into_iter().partition(|(key, _)| POOL_OF_MEMBER.contains(&key.as_str()));
        for member in members {
            let part = StoragePoolSpec { config: own.clone(), target: Some(member.clone()), ..spec.clone() };
            self.create_storage_pool(&part).await?;
        }
        let config = if members.is_empty() { spec.config.clone() } else { common };
        self.create_storage_pool(&StoragePoolSpec { config, ..spec.clone() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_as_lxd_shows_it_and_told_in_its_words() {
        let shown = r#"{"server_name":"c","url":"https://198.51.100.3:8443","database":true,"status":"Offline",
            "message":"No heartbeat for 25.1s","architecture":"x86_64","roles":["database"],"config":null,
            "failure_domain":"default","description":"","groups":["default"]}"#;
        let member: ClusterMember = serde_json::from_str(shown).expect("read");
        assert!(!member.is_online());
        assert_eq!(member.told(), "\"c\" is Offline (No heartbeat for 25.1s)");
        let online = ClusterMember { status: "Online".to_owned(), message: String::new(), ..member };
        assert!(online.is_online());
        assert_eq!(online.told(), "\"c\" is Online");
    }

    #[test]
    fn the_load_of_a_member_is_that_of_the_last_minute() {
        let shown = r#"{"storage_pools":{},"sysinfo":{"load_averages":[1.5,0.7,0.2],"logical_cpus":8,"processes":300,
            "total_ram":1,"free_ram":1,"uptime":1}}"#;
        let state: MemberState = serde_json::from_str(shown).expect("read");
        assert_eq!(state.sysinfo.load_averages.first(), Some(&1.5));
    }
}
