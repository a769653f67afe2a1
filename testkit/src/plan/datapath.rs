//! What carries packets on members.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What carries packets between the ports of a member's switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datapath {
    /// The kernel's module `openvswitch`.
    Kernel,
    /// ovs-vswitchd itself.
    Userspace,
}

impl Datapath {
    /// What Open vSwitch calls it: a bridge's `datapath_type`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Kernel => "system",
            Self::Userspace => "netdev",
        }
    }
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "the kernel's datapath",
            Self::Userspace => "the userspace datapath",
        })
    }
}
