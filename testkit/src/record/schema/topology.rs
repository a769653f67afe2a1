//! Members, their devices and addresses, and tunnels: as planned, and as seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plan of a cell, as far as a reader needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// How the cluster is formed.
    pub formation: String,
    /// The two networks: management, underlay.
    pub networks: Vec<Segment>,
    /// What the product must be able to do.
    pub needs: Vec<String>,
    /// The kind of certificate authority that is given; absent where MicroOVN makes one.
    pub user_ca: Option<String>,
    /// The members, in the order they enter; the first bootstraps.
    pub members: Vec<Member>,
}

/// A network of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// `management` or `underlay`.
    pub name: String,
    /// The device of every member that is on it.
    pub device: String,
    /// Its ranges, IPv4 first.
    pub ranges: Vec<String>,
}

/// A planned member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its name in the cluster.
    pub name: String,
    /// The host's name.
    pub hostname: String,
    /// The LXD instance.
    pub instance: Option<String>,
    /// Whether it makes the cluster; the others join.
    pub bootstrap: bool,
    /// The address it listens on.
    pub address: String,
    /// Its services.
    pub services: Vec<String>,
    /// Its devices, with their addresses.
    pub devices: Vec<Device>,
    /// Where its tunnels should end; absent where it is no chassis.
    pub encap: Option<Encap>,
}

/// A network device of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its name inside the instance.
    pub name: String,
    /// Its addresses, with prefix lengths.
    pub addresses: Vec<String>,
}

/// A planned tunnel endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Encap {
    /// The address.
    pub ip: String,
    /// The device that has it.
    pub device: String,
    /// Whether it is given at init.
    pub custom: bool,
}

/// Tunnel endpoints and tunnels as they were seen, beside the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Every chassis, in the order of the plan.
    pub endpoints: Vec<Endpoint>,
    /// Every tunnel that is planned or was seen.
    pub tunnels: Vec<Tunnel>,
    /// What of Geneve was captured on NICs while members sent each other packets; empty where they sent none.
    #[serde(default)]
    pub carried: Vec<Carried>,
}

/// What was captured on a NIC of a member to and from one other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Carried {
    /// The member.
    pub member: String,
    /// Its device.
    pub device: String,
    /// The member at the other end; absent where that is of none.
    pub peer: Option<String>,
    /// The logical network or router; absent for what members ask each other to know whether they are there.
    pub overlay: Option<String>,
    /// How many packets.
    pub packets: u64,
    /// How many bytes they have together, with the outer Ethernet header.
    pub bytes: u64,
    /// Whether they were to be there.
    pub planned: bool,
}

/// The tunnel endpoint of one chassis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// The member.
    pub member: String,
    /// The planned address.
    pub wanted: String,
    /// `ovn-encap-ip` in its Open_vSwitch; absent where it could not be read or is not set.
    pub seen: Option<String>,
    /// Whether it is the planned address.
    pub as_planned: bool,
}

/// One direction of a tunnel between two members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tunnel {
    /// The member that has the interface.
    pub from: String,
    /// The member at the other end; absent where the tunnel leads to none.
    pub to: Option<String>,
    /// The planned endpoint; absent for a tunnel that is not planned.
    pub wanted: Option<String>,
    /// The endpoint that was seen; absent where there is none.
    pub seen: Option<String>,
    /// How the two compare.
    pub state: TunnelState,
}

/// A tunnel beside its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TunnelState {
    /// As planned.
    Right,
    /// The member's switch could not be read.
    Unread,
    /// To the right member, and not to its planned endpoint.
    Wrong,
    /// Planned, and not there.
    Missing,
    /// There, and not planned.
    Extra,
}
