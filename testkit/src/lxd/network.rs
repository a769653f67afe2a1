//! Networks that LXD manages.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::client::{Client, Tagged, found};
use super::envelope::null_as_default;
use super::error::Error;
use super::instance::Config;
use super::request::Request;

/// A network as LXD shows it. LXD also shows the host's interfaces that it does not manage.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Network {
    /// The name of the network and, for a bridge, of the host's interface.
    pub name: String,
    /// `bridge`, `macvlan`, `physical`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether LXD manages it.
    pub managed: bool,
    /// Its configuration.
    #[serde(default, deserialize_with = "null_as_default")]
    pub config: Config,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// `Created`, `Pending`, `Errored`, …; empty for what LXD does not manage.
    #[serde(default)]
    pub status: String,
    /// The URLs of what uses it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub used_by: Vec<String>,
}

impl Network {
    /// Whether it is made, on every member where LXD is a cluster.
    pub fn is_made(&self) -> bool {
        self.status == "Created"
    }

    /// The address ranges of a bridge; none for one without addresses.
    pub fn ranges(&self) -> impl Iterator<Item = IpNet> {
        ["ipv4.address", "ipv6.address"].into_iter().filter_map(|key| self.config.get(key)?.parse().ok())
    }
}

/// How a network, or a device of the host, is on one host.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct NetworkState {
    /// The largest packet in bytes.
    #[serde(default)]
    pub mtu: u32,
    /// `up` or `down`.
    #[serde(default)]
    pub state: String,
    /// `broadcast`, `loopback`, …
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A network to create.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkSpec {
    /// The name: at most 15 characters, for it becomes an interface.
    pub name: String,
    /// Such as `bridge`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Free text.
    pub description: String,
    /// Its configuration. Without `ipv4.address` and `ipv6.address` LXD chooses subnets, which can fail.
    pub config: Config,
    /// The cluster member that this part of a network's creation is for.
    #[serde(skip)]
    pub target: Option<String>,
}

/// What an update of a network replaces.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkPut {
    /// Its configuration, whole.
    pub config: Config,
    /// Free text.
    pub description: String,
}

impl NetworkSpec {
    /// A bridge.
    pub fn bridge(name: impl Into<String>, config: Config) -> NetworkSpec {
        NetworkSpec { name: name.into(), kind: "bridge".to_owned(), description: String::new(), config, target: None }
    }
}

impl Client {
    /// Creates a network.
    pub async fn create_network(&self, spec: &NetworkSpec) -> Result<(), Error> {
        let mut request = Request::post(&["networks"], format!("create network {:?}", spec.name)).json(spec);
        if let Some(target) = &spec.target {
            request = request.query("target", target.as_str());
        }
        self.done(&request).await
    }

    /// Reads a network.
    pub async fn get_network(&self, name: &str) -> Result<Tagged<Network>, Error> {
        self.tagged(&Request::get(&["networks", name], format!("get network {name:?}"))).await
    }

    /// Reads a network; `None` when there is none.
    pub async fn find_network(&self, name: &str) -> Result<Option<Tagged<Network>>, Error> {
        found(self.get_network(name).await)
    }

    /// Reads a network with the settings that a member of the cluster has for itself.
    pub async fn get_network_on(&self, name: &str, member: &str) -> Result<Network, Error> {
        let request = Request::get(&["networks", name], format!("get network {name:?} on LXD member {member:?}"));
        self.sync(&request.query("target", member)).await
    }

    /// How a network, or a device that LXD does not manage, is on a member of the cluster. Asked outside of projects: one that
    /// is restricted shows none of the host's devices.
    pub async fn get_network_state_on(&self, name: &str, member: &str) -> Result<NetworkState, Error> {
        let attempt = format!("get the state of network {name:?} on LXD member {member:?}");
        let request = Request::get(&["networks", name, "state"], attempt);
        self.sync(&request.query("target", member).outside_projects()).await
    }

    /// Lists the networks, among them the host's interfaces that LXD does not manage.
    pub async fn list_networks(&self) -> Result<Vec<Network>, Error> {
        let request = Request::get(&["networks"], "list networks").query("recursion", "1");
        Ok(self.sync::<Option<_>>(&request).await?.unwrap_or_default())
    }

    /// Replaces a network's configuration. With an ETag, `EtagConflict` if it changed since it was read.
    pub async fn update_network(&self, name: &str, put: &NetworkPut, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::put(&["networks", name], format!("update network {name:?}"));
        self.done(&request.json(put).if_match(etag)).await
    }

    /// Changes some keys of a network's configuration and leaves the others.
    pub async fn patch_network(&self, name: &str, config: Config) -> Result<(), Error> {
        let request = Request::patch(&["networks", name], format!("update network {name:?}"));
        self.done(&request.json(&serde_json::json!({ "config": config }))).await
    }

    /// Deletes a network that nothing uses; success when there is none.
    pub async fn delete_network(&self, name: &str) -> Result<(), Error> {
        let request = Request::delete(&["networks", name], format!("delete network {name:?}"));
        self.done_or_gone(&request.repeatable()).await
    }
}
