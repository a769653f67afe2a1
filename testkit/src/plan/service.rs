//! What a member does for OVN.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service as MicroOVN's users name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// bird
    Bgp,
    /// Northbound and Southbound databases and northd.
    Central,
    /// ovn-controller.
    Chassis,
    /// ovsdb-server and ovs-vswitchd.
    Switch,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bgp => "bgp",
            Self::Central => "central",
            Self::Chassis => "chassis",
            Self::Switch => "switch",
        })
    }
}
