//! What one source of settings may set.

use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::Error as _;

use super::bounded::UpTo;
use super::filled::{EMPTY, all_filled, filled};
use super::remotes::REMOTE;
use super::{Datapath, Faults, Product, StandIn, UpgradeFrom};
use crate::daemon::Daemon;

/// How many clusters are formed at once. Each has a file that all look at, so a slip of the keyboard would cost more than it gives.
pub(super) type Parallel = UpTo<1000>;

/// Seconds that a cluster may take: up to a day, so that no deadline is beyond what a clock can tell.
pub(super) type Settle = UpTo<86_400>;

/// One source of settings. Every field is optional; an earlier source wins over a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// LXD's folder.
    #[serde(deserialize_with = "filled")]
    pub lxd_dir: Option<PathBuf>,
    /// Unix socket of LXD.
    #[serde(deserialize_with = "filled")]
    pub lxd_socket: Option<PathBuf>,
    /// Incus's folder.
    #[serde(deserialize_with = "filled")]
    pub incus_dir: Option<PathBuf>,
    /// Unix socket of Incus.
    #[serde(deserialize_with = "filled")]
    pub incus_socket: Option<PathBuf>,
    /// `https://host:port` of a remote LXD.
    #[serde(deserialize_with = "filled")]
    pub lxd_remote: Option<String>,
    /// A remote of the `lxc` or the `incus` client, by its name there, instead of an address and certificates.
    #[serde(deserialize_with = "filled")]
    pub remote: Option<String>,
    /// Client certificate for the remote LXD, PEM.
    #[serde(deserialize_with = "filled")]
    pub lxd_client_cert: Option<PathBuf>,
    /// Its key, PEM.
    #[serde(deserialize_with = "filled")]
    pub lxd_client_key: Option<PathBuf>,
    /// The certificate the remote LXD must present, PEM.
    #[serde(deserialize_with = "filled")]
    pub lxd_server_cert: Option<PathBuf>,
    /// The MicroOVN snap to test; without it the stand-in is built.
    #[serde(deserialize_with = "filled")]
    pub snap: Option<PathBuf>,
    /// Several snaps to test, one at a time, instead of one.
    #[serde(deserialize_with = "products")]
    pub product: Option<Vec<Product>>,
    /// The older MicroOVN snap that upgrades start from: a file, or a channel of the store.
    #[serde(deserialize_with = "filled")]
    pub upgrade_from: Option<UpgradeFrom>,
    /// The MicroCloud snap that forms clusters where a cell says so; without it its stand-in is built.
    #[serde(deserialize_with = "filled")]
    pub microcloud_snap: Option<PathBuf>,
    /// The LXD snap that it needs on members.
    #[serde(deserialize_with = "filled")]
    pub lxd_snap: Option<PathBuf>,
    /// Snaps to install first, in order.
    #[serde(deserialize_with = "all_filled")]
    pub extra_snaps: Option<Vec<PathBuf>>,
    /// An LXD image to use as node image, instead of building one.
    #[serde(deserialize_with = "filled")]
    pub node_image: Option<String>,
    /// The LXD project that holds the instances.
    #[serde(deserialize_with = "filled")]
    pub project: Option<String>,
    /// The storage pool that holds them.
    #[serde(deserialize_with = "filled")]
    pub pool: Option<String>,
    /// Where built images and snaps are cached.
    #[serde(deserialize_with = "filled")]
    pub cache_dir: Option<PathBuf>,
    /// Where runs keep their records and evidence.
    #[serde(deserialize_with = "filled")]
    pub out_dir: Option<PathBuf>,
    /// Where the host setup remembers what it changed.
    #[serde(deserialize_with = "filled")]
    pub state_dir: Option<PathBuf>,
    /// Whether clusters outlive their run.
    pub keep: Option<Keep>,
    /// Whether what MicroOVN counts of its own code is taken from members before they go.
    pub coverage: Option<bool>,
    /// Where to.
    #[serde(deserialize_with = "filled")]
    pub coverage_dir: Option<PathBuf>,
    /// Whether a kept cluster is used instead of a new one.
    pub reuse: Option<bool>,
    /// Whether packets are sent between members, too.
    pub traffic: Option<bool>,
    /// Whether the members of a cell are on different hosts of an LXD cluster.
    pub spread: Option<bool>,
    /// The NIC of the hosts, or the network of LXD, that joins them then.
    #[serde(deserialize_with = "filled")]
    pub underlay_parent: Option<String>,
    /// How many clusters may be formed at the same time.
    pub parallel: Option<Parallel>,
    /// The IPv4 range of the bridge on which images are prepared.
    #[serde(deserialize_with = "subnet")]
    pub subnet: Option<ipnet::Ipv4Net>,
    /// Faults the stand-in is told to have, one a line.
    #[serde(deserialize_with = "faults")]
    pub faults: Option<Faults>,
    /// The release of the stand-in.
    pub stand_in: Option<StandIn>,
    /// What carries packets on members.
    pub datapath: Option<Datapath>,
    /// Seconds that a formed cluster gets to become as planned.
    pub settle: Option<Settle>,
}

impl Layer {
    /// The variable of the first setting in it that says where this daemon is, if there is one.
    pub(super) fn names(&self, daemon: Daemon) -> Option<&'static str> {
        let set = match daemon {
            Daemon::Lxd => vec![
                ("LXD_REMOTE", self.lxd_remote.is_some()),
                (daemon.socket_variable(), self.lxd_socket.is_some()),
                (daemon.folder_variable(), self.lxd_dir.is_some()),
            ],
            Daemon::Incus => vec![
                (daemon.socket_variable(), self.incus_socket.is_some()),
                (daemon.folder_variable(), self.incus_dir.is_some()),
            ],
        };
        set.into_iter().find_map(|(name, is_set)| is_set.then_some(name))
    }

    /// The variables of the settings in it that say which LXD or Incus, the first of each kind.
    pub(super) fn targets(&self) -> Vec<&'static str> {
        let remote = self.remote.is_some().then_some(REMOTE);
        [remote, self.names(Daemon::Lxd), self.names(Daemon::Incus)].into_iter().flatten().collect()
    }
}

/// Whether a cluster outlives the run that made it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Keep {
    /// Removed when the run ends.
    #[default]
    Never,
    /// Kept when one of its checks failed.
    OnFailure,
    /// Kept always.
    Always,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            "on-failure" => Ok(Self::OnFailure),
            "always" => Ok(Self::Always),
            _ => Err("one of never, on-failure, always".to_owned()),
        }
    }
}

impl TryFrom<String> for Keep {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|known| format!("{text:?} is not {known}"))
    }
}

/// Products, of which there is one at least.
fn products<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Product>>, D::Error> {
    let products = Vec::<Product>::deserialize(deserializer)?;
    if products.is_empty() { Err(D::Error::custom(EMPTY)) } else { Ok(Some(products)) }
}

/// Faults, of which there is one at least.
fn faults<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Faults>, D::Error> {
    let text: Option<String> = filled(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// What a subnet looks like.
pub(super) const SUBNET: &str = "an IPv4 range such as 10.213.0.0/24";

fn subnet<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<ipnet::Ipv4Net>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is not {SUBNET}")))
}
