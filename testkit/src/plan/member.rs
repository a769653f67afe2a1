//! One member of a plan.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::network::host;
use super::{Database, ETHERNET_MTU, Network, Nic, Process, Segment, Segments, Service, names};
use crate::matrix::CellId;

/// Whether a member is in the cluster, and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It has not entered yet; its instance runs, and MicroOVN's daemon waits to be told.
    Outside,
    /// It is in the cluster and answers.
    #[default]
    Online,
    /// It is in the cluster, and nobody can reach it: stopped, frozen, cut off, or without its snap.
    Down,
    /// It was in the cluster and was removed. Its instance runs, and MicroOVN's daemon waits to be told.
    Left,
    /// It was removed while it was down, and does not know it. Its instance cannot be asked, but where it has no snap any more.
    Gone,
    /// It is a cluster of its own, with nothing but central, whose databases others may use. Nothing is looked at there.
    Elsewhere,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "outside",
            Self::Online => "online",
            Self::Down => "down",
            Self::Left => "left",
            Self::Gone => "gone",
            Self::Elsewhere => "elsewhere",
        })
    }
}

/// How an instance does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standstill {
    /// It does not run.
    Off,
    /// Its processes stand where they are.
    Frozen,
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Frozen => "frozen",
        })
    }
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

/// One member: an instance and its place in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Name in the cluster, in `cluster list` and in the Chassis table.
    pub name: String,
    /// Host name inside the instance.
    pub hostname: String,
    /// Its NICs.
    pub nics: Vec<Nic>,
    /// Addresses on its loopback device, besides those every host has.
    pub loopback: Vec<IpNet>,
    /// The address it listens on.
    pub address: IpAddr,
    /// Whether it is in the cluster, and answers.
    #[serde(default)]
    pub presence: Presence,
    /// The services it is expected to run, where it is in the cluster and up.
    pub services: BTreeSet<Service>,
    /// Services that it had before. What they left on disk may stay.
    #[serde(default)]
    pub had: BTreeSet<Service>,
    /// Services of the snap that were made to fail on purpose since it booted: that they ended, and were started again, is no
    /// trouble.
    #[serde(default)]
    pub upset: BTreeSet<String>,
    /// How its instance does nothing, where it does not.
    #[serde(default)]
    pub standstill: Option<Standstill>,
    /// The networks that it is cut off from.
    #[serde(default)]
    pub cut: BTreeSet<Network>,
    /// Daemons that were killed and that nobody starts again.
    #[serde(default)]
    pub dead: BTreeSet<Process>,
    /// The databases whose server on it talks with the others in the clear, because an operator made it join so: MicroOVN's own
    /// speak TLS.
    #[serde(default)]
    pub plain: BTreeSet<Database>,
    /// What its snap was told of the log of what concerns security; `None` where it was told nothing, which is as if it was
    /// told to keep one.
    #[serde(default)]
    pub security_log: Option<bool>,
    /// Whether its snap was removed, so that it is the host that it was before.
    #[serde(default)]
    pub bare: bool,
    /// Whether it has the newer of the state's two releases.
    #[serde(default)]
    pub refreshed: bool,
    /// The services that it is told when it enters. Else MicroOVN chooses: everything where fewer than three members have
    /// central, and no central where three have it.
    #[serde(default)]
    pub told: Option<BTreeSet<Service>>,
    /// Whether it was given endpoints on the logical networks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub talks: bool,
    /// The table of the kernel that has the routes of its router, where that speaks BGP: one of vrf on a member, the main one on an
    /// instance outside that is the peer of members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<u32>,
    /// The tunnel endpoint; meaningful where [`Service::Chassis`] runs.
    pub encap: Encap,
}

/// The number of the kernel's main table of routes.
pub const MAIN_TABLE: u32 = 254;

impl Member {
    /// The n-th member, counted from 1: host 10+n of each range, central on the first three, tunnels on its IPv4
    /// cluster address.
    pub(super) fn nth(cell: &CellId, segments: &Segments, n: usize) -> Self {
        let nic = |device: &str, network, segment: &Segment| Nic {
            device: device.to_owned(),
            network,
            mtu: ETHERNET_MTU,
            addresses: vec![host(IpNet::V4(segment.ipv4), n), host(IpNet::V6(segment.ipv6), n)],
            routes: Vec::new(),
            bridge: None,
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
            encap: Encap { ip: address, via: device.clone(), device, custom: false },
            nics,
            loopback: Vec::new(),
            address,
            presence: Presence::Online,
            services,
            had: BTreeSet::new(),
            upset: BTreeSet::new(),
            standstill: None,
            cut: BTreeSet::new(),
            dead: BTreeSet::new(),
            plain: BTreeSet::new(),
            security_log: None,
            bare: false,
            refreshed: false,
            told: None,
            talks: false,
            routes: None,
        }
    }

    /// Whether it is in the cluster, up or down.
    pub fn belongs(&self) -> bool {
        matches!(self.presence, Presence::Online | Presence::Down)
    }

    /// The services that run on it now.
    pub fn running(&self) -> &BTreeSet<Service> {
        static NONE: BTreeSet<Service> = BTreeSet::new();
        static ROUTER: LazyLock<BTreeSet<Service>> = LazyLock::new(|| BTreeSet::from([Service::Bgp]));
        match self.presence {
            Presence::Online => &self.services,
            _ if self.is_peer() => &ROUTER,
            _ => &NONE,
        }
    }

    /// Whether it is outside, and its router speaks BGP with members.
    pub fn is_peer(&self) -> bool {
        self.presence == Presence::Outside && self.routes.is_some()
    }

    /// Whether this member runs `service`, or would if it were up.
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// Whether an endpoint on it could send anything.
    pub(super) fn can_talk(&self) -> bool {
        self.presence == Presence::Online && self.runs(Service::Chassis) && self.runs(Service::Switch)
    }

    /// Whether MicroOVN's daemon keeps a log of what concerns security.
    pub fn logs_security(&self) -> bool {
        self.security_log != Some(false)
    }

    /// Whether this daemon of it runs: it can be asked, has the service, and nobody killed it.
    pub fn lives(&self, process: Process) -> bool {
        let has = process.service().is_none_or(|service| self.runs(service));
        self.presence == Presence::Online && has && !self.dead.contains(&process)
    }

    /// Whether the link by which it reaches the tunnel endpoints of the others is cut.
    pub fn tunnels_are_cut(&self) -> bool {
        let cut = |nic: &&Nic| self.cut.contains(&nic.network);
        self.nics.iter().filter(cut).any(|nic| nic.is_behind(&self.encap.device) || nic.is_behind(&self.encap.via))
    }

    /// Notes that its instance booted: whatever was done to what ran before is past.
    pub fn booted(&mut self) {
        self.standstill = None;
        self.cut.clear();
        self.dead.clear();
        self.upset.clear();
        self.reckon();
    }

    /// Makes of a member of the cluster one that is online or down, by what was done to its instance, its networks and its snap.
    pub fn reckon(&mut self) {
        let cut =
            |nic: &Nic| self.cut.contains(&nic.network) && nic.addresses.iter().any(|it| it.addr() == self.address);
        if self.belongs() {
            let down = self.standstill.is_some() || self.bare || self.nics.iter().any(cut);
            self.presence = if down { Presence::Down } else { Presence::Online };
        }
    }

    /// Its NIC on `network` that has its addresses there, if it has one: the first.
    pub fn find_nic(&self, network: Network) -> Option<&Nic> {
        self.nics_on(network).next()
    }

    /// All of its NICs on `network`.
    pub fn nics_on(&self, network: Network) -> impl Iterator<Item = &Nic> {
        self.nics.iter().filter(move |nic| nic.network == network)
    }
}
