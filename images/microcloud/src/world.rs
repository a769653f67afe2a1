//! Where this program is: the host, its MicroOVN, and its own folder.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Result, interfaces};

/// Names a file with a [`World`] for a test, which has many on one host.
const TOLD: &str = "MICROCLOUD_STAND_IN_WORLD";

/// MicroOVN's control socket.
const CONTROL_SOCKET: &str = "/var/snap/microovn/common/state/control.socket";

/// Where the first member listens for the others.
const PORT: u16 = 9443;

/// A host and what is on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) interfaces: Vec<Interface>,
    /// MicroOVN's control socket.
    pub(crate) socket: PathBuf,
    /// The snap's folder that stays.
    pub(crate) common: PathBuf,
    /// The port at which members find each other.
    pub(crate) port: u16,
}

/// A network interface that is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) name: String,
    /// As LXD calls it: physical, vlan, bond, bridge, or unknown.
    pub(crate) kind: String,
    /// Its global addresses, each with its mask.
    pub(crate) addresses: Vec<IpNet>,
}

/// What members tell each other of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct System {
    pub(crate) name: String,
    /// Where it is reached.
    pub(crate) address: IpAddr,
    pub(crate) fingerprint: String,
    pub(crate) interfaces: Vec<Interface>,
}

impl World {
    /// This host.
    pub(crate) fn find() -> Result<Self> {
        if let Some(path) = std::env::var_os(TOLD) {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            return serde_json::from_str(&text).map_err(|error| error.to_string());
        }
        let common = std::env::var_os("SNAP_COMMON").unwrap_or_else(|| "/var/snap/microcloud/common".into());
        Ok(Self {
            name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            interfaces: interfaces::all()?,
            socket: CONTROL_SOCKET.into(),
            common: common.into(),
            port: PORT,
        })
    }

    /// This host as a system at this address.
    pub(crate) fn system(&self, address: IpAddr) -> System {
        let digest = Sha256::digest(format!("{} at {address}", self.name));
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        System { name: self.name.clone(), address, fingerprint, interfaces: self.interfaces.clone() }
    }

    /// A file in its own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.common).join(name)
    }
}

impl System {
    /// What is shown of its fingerprint.
    pub(crate) fn short_fingerprint(&self) -> &str {
        self.fingerprint.get(..12).unwrap_or(&self.fingerprint)
    }

    /// The interfaces by which OVN can reach the outside. As read in MicroCloud since 2.1.1: those of a kind that Open vSwitch takes and
    /// without an address, and bridges, which LXD gets into by a veth.
    pub(crate) fn uplinks(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|interface| match interface.kind.as_str() {
            "physical" | "bond" | "vlan" => interface.addresses.is_empty(),
            kind => kind == "bridge",
        })
    }

    /// The interfaces on which OVN can have an underlay, each with an address of it. Recorded: all that have one, also that by which
    /// the system is reached. Of which kind they are plays no part since 2.1.1, as read there; before they were of those of uplinks.
    pub(crate) fn underlays(&self) -> impl Iterator<Item = (&Interface, IpNet)> {
        self.interfaces
            .iter()
            .flat_map(|interface| interface.addresses.iter().map(move |address| (interface, *address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nic_of_a_container_can_have_an_underlay_and_is_no_uplink() {
        let interface = |name: &str, kind: &str, addresses: &[&str]| Interface {
            name: name.to_owned(),
            kind: kind.to_owned(),
            addresses: addresses.iter().map(|address| address.parse().expect("an address")).collect(),
        };
        let interfaces = vec![
            interface("eth1", "unknown", &["10.1.1.11/24"]),
            interface("eth2", "unknown", &[]),
            interface("eth2.7", "vlan", &[]),
            interface("eth3.7", "vlan", &["10.3.3.11/24"]),
            interface("br-uplink", "bridge", &[]),
            interface("br0", "bridge", &["10.2.2.11/24"]),
        ];
        let address = "10.11.0.11".parse().expect("an address");
        let system = System { name: "mc1".into(), address, fingerprint: String::new(), interfaces };
        let uplinks: Vec<&str> = system.uplinks().map(|it| it.name.as_str()).collect();
        assert_eq!(uplinks, ["eth2.7", "br-uplink", "br0"]);
        let underlays: Vec<&str> = system.underlays().map(|(it, _)| it.name.as_str()).collect();
        assert_eq!(underlays, ["eth1", "eth3.7", "br0"]);
    }
}
