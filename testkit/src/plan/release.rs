//! What a plan takes from the release under test: expectations that are the product's own, and no init option's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The release under test, as far as expectations depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The snap's services, from its `meta/snap.yaml`.
    pub services: BTreeSet<String>,
    /// The snap's plugs by name, from its `meta/snap.yaml`.
    pub plugs: BTreeMap<String, Plug>,
}

/// A plug that the snap declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plug {
    /// The interface it is of.
    pub interface: String,
    /// snapd's word on why it could not be connected when the members' image was made; `None` where it was connected.
    pub refused: Option<String>,
}

impl Plug {
    /// Whether nothing on a member provides what it is for: content comes from another snap, which need not be there.
    pub fn lacks_provider(&self) -> bool {
        self.interface == "content" && self.refused.is_some()
    }
}

/// That of a plan which is drawn without a product at hand. Recorded: `snap services` and `snap connections` of MicroOVN
/// main in the middle of 2026.
impl Default for Release {
    fn default() -> Self {
        let services = [
            "bird",
            "chassis",
            "daemon",
            "ovn-northd",
            "ovn-ovsdb-server-nb",
            "ovn-ovsdb-server-sb",
            "refresh-expiring-certs",
            "switch",
        ];
        let plugs = [
            "firewall-control",
            "hardware-observe",
            "hugepages-control",
            "kernel-module-observe",
            "network",
            "network-bind",
            "network-control",
            "network-setup-control",
            "openvswitch-support",
            "process-control",
            "system-trace",
        ];
        let plug = |name: &str| (name.to_owned(), Plug { interface: name.to_owned(), refused: None });
        Self { services: services.map(str::to_owned).into(), plugs: plugs.map(plug).into() }
    }
}
