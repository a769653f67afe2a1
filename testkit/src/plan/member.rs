//! One member of a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::network::host;
use super::{Answer, Network, Nic, Segment, Segments, names};
use crate::matrix::CellId;

/// A service as MicroOVN's users name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
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
            Self::Central => "central",
            Self::Chassis => "chassis",
            Self::Switch => "switch",
        })
    }
}

/// How a member enters the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes the cluster and hands out join tokens.
    Bootstrap,
    /// Joins with a token.
    Join,
}

/// Where a member's tunnels are expected to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encap {
    /// The tunnel endpoint's address.
    pub ip: IpAddr,
    /// The device that must have it.
    pub device: String,
    /// The device by which the peers' endpoints are reached.
    pub via: String,
    /// Whether it is given at init, or MicroOVN's default, the member's cluster address.
    pub custom: bool,
}

/// A file that is put on a member before it is formed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where, absolute.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// This text.
    Text(String),
    /// The certificate of the plan's own authority, as PEM.
    CaCertificate,
    /// Its private key, as PEM; in no plan, manifest or evidence.
    CaKey,
}

/// One member: an instance and its place in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Name in the cluster, in `cluster list` and in the Chassis table.
    pub name: String,
    /// Host name inside the instance.
    pub hostname: String,
    /// Bootstrap or join.
    pub role: Role,
    /// Its NICs.
    pub nics: Vec<Nic>,
    /// Addresses on its loopback device, besides those every host has.
    pub loopback: Vec<IpNet>,
    /// The address it listens on.
    pub address: IpAddr,
    /// The services it is expected to run.
    pub services: BTreeSet<Service>,
    /// The tunnel endpoint; meaningful where [`Service::Chassis`] runs.
    pub encap: Encap,
    /// Files it is given before it is formed.
    pub files: Vec<File>,
    /// What it is told in the dialog, by question.
    pub answers: Vec<Answer>,
    /// What it is told on the command line of `cluster bootstrap` or `cluster join`.
    pub arguments: Vec<String>,
    /// What it is told as `config` over REST.
    pub config: BTreeMap<String, String>,
}

impl Member {
    /// The n-th member, counted from 1: host 10+n of each range, central on the first three, tunnels on its IPv4
    /// cluster address.
    pub(super) fn nth(cell: &CellId, segments: &Segments, n: usize) -> Self {
        let nic = |device: &str, network, segment: &Segment| Nic {
            device: device.to_owned(),
            network,
            addresses: vec![host(IpNet::V4(segment.ipv4), n), host(IpNet::V6(segment.ipv6), n)],
            routes: Vec::new(),
        };
        let nics = vec![
            nic("eth0", Network::Management, &segments.management),
            nic("eth1", Network::Underlay, &segments.underlay),
        ];
        let address = nics[0].addresses[0].addr();
        let mut services = BTreeSet::from([Service::Chassis, Service::Switch]);
        if n <= 3 {
            services.insert(Service::Central);
        }
        let device = nics[0].device.clone();
        Self {
            name: names::hostname(cell, n),
            hostname: names::hostname(cell, n),
            role: if n == 1 { Role::Bootstrap } else { Role::Join },
            encap: Encap { ip: address, via: device.clone(), device, custom: false },
            nics,
            loopback: Vec::new(),
            address,
            services,
            files: Vec::new(),
            answers: Vec::new(),
            arguments: Vec::new(),
            config: BTreeMap::new(),
        }
    }

    /// Whether this member runs `service`.
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// Its NIC on `network`, if it has one.
    pub fn find_nic(&self, network: Network) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.network == network)
    }
}
