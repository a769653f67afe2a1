//! The daemons that MicroOVN's services consist of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Service;

/// A daemon of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// MicroOVN's own.
    Daemon,
    /// The local switch's database server.
    SwitchDatabase,
    /// ovs-vswitchd
    Switch,
    /// ovn-controller
    Controller,
    /// The Northbound server.
    Northbound,
    /// The Southbound server.
    Southbound,
    /// ovn-northd
    Northd,
}

impl Process {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Daemon,
        Self::SwitchDatabase,
        Self::Switch,
        Self::Controller,
        Self::Northbound,
        Self::Southbound,
        Self::Northd,
    ];

    /// The service that it is part of; `None` for MicroOVN's own, which every instance runs.
    pub fn service(self) -> Option<Service> {
        match self {
            Self::Daemon => None,
            Self::SwitchDatabase | Self::Switch => Some(Service::Switch),
            Self::Controller => Some(Service::Chassis),
            Self::Northbound | Self::Southbound | Self::Northd => Some(Service::Central),
        }
    }

    /// The service of the snap that starts it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::SwitchDatabase | Self::Switch => "switch",
            Self::Controller => "chassis",
            Self::Northbound => "ovn-ovsdb-server-nb",
            Self::Southbound => "ovn-ovsdb-server-sb",
            Self::Northd => "ovn-northd",
        }
    }

    /// A word for it, as in the name of a station.
    pub fn word(self) -> &'static str {
        match self {
            Self::Daemon => "microovnd",
            Self::SwitchDatabase => "switch_database",
            Self::Switch => "vswitchd",
            Self::Controller => "controller",
            Self::Northbound => "northbound",
            Self::Southbound => "southbound",
            Self::Northd => "northd",
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daemon => "microovnd",
            Self::SwitchDatabase => "ovsdb-server of the switch",
            Self::Switch => "ovs-vswitchd",
            Self::Controller => "ovn-controller",
            Self::Northbound => "ovsdb-server of the Northbound",
            Self::Southbound => "ovsdb-server of the Southbound",
            Self::Northd => "ovn-northd",
        })
    }
}
