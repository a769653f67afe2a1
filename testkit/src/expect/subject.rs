//! What checks read, on which members, and by which commands.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::microovn::commands::{self, Argv};
use crate::packets;
use crate::plan::{Member, Process, Service, State, Trial};

/// Something checks read. What a check needs is read together and again together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The local Open_vSwitch database.
    Switch,
    /// The Southbound database, as a client.
    Southbound,
    /// The member's Northbound server in its cluster.
    NbRaft,
    /// The member's Southbound server in its cluster.
    SbRaft,
    /// The cluster's list of members.
    Members,
    /// The snap's services.
    Services,
    /// The snap's plugs.
    Plugs,
    /// The snap's version.
    Version,
    /// The schemas of the databases, and what MicroOVN says of them.
    Schemas,
    /// `ovn.env`, and ovn-northd's arguments where it runs.
    Environment,
    /// Network devices and their addresses.
    Addresses,
    /// The ways to the peers' tunnel endpoints.
    Routes,
    /// The keys and certificates of OVN's services and of their authority, and what MicroOVN says of them.
    Certificates,
    /// What the database servers and MicroOVN's daemon show, and what the former answer a client without a certificate.
    Listeners,
    /// The daemons and their arguments.
    Daemons,
    /// How the services have fared since the member booted.
    Health,
    /// What is left of a snap that was removed.
    Remains,
    /// What MicroOVN was told by who formed the cluster.
    Told,
    /// What came of sending packets to the others, what went over which device meanwhile, and the keys of the networks.
    Traffic,
}

/// One command whose output is one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// Open_vSwitch and Interface.
    Switch,
    /// Chassis and Encap.
    Southbound,
    /// Chassis and Encap where nobody should answer, which is not waited for as long.
    LostSouthbound,
    /// `cluster/status` of the Northbound server.
    NbRaft,
    /// `cluster/status` of the Southbound server.
    SbRaft,
    /// `cluster list`
    Members,
    /// `snap services`, and the services' units.
    Services,
    /// `snap connections`
    Plugs,
    /// `snap list`
    Version,
    /// `microovn status`
    Status,
    /// The schema of the Northbound server.
    NbSchema,
    /// The schema of the Southbound server.
    SbSchema,
    /// `ovn.env`
    OvnEnv,
    /// `ip address`
    Devices,
    /// `ip route get` to this peer.
    Route(IpAddr),
    /// The folder of keys and certificates.
    Pki,
    /// `certificates list`
    CertificateList,
    /// The same as text.
    CertificateText,
    /// What the database servers at this address show and answer.
    Listeners(IpAddr),
    /// What MicroOVN's daemon shows at its address.
    Api(SocketAddr),
    /// The daemons' argv.
    Daemons,
    /// The journal of the services.
    Health,
    /// Devices, mounts, processes and files.
    Remains,
    /// What a tap on the control socket noted.
    Told,
    /// The keys of the logical networks.
    Bindings,
    /// Packets that are sent from the member's endpoints.
    Packets,
    /// Such as are too large.
    LargePackets,
}

impl Subject {
    /// Every subject.
    pub const ALL: [Self; 19] = [
        Self::Switch,
        Self::Southbound,
        Self::NbRaft,
        Self::SbRaft,
        Self::Members,
        Self::Services,
        Self::Plugs,
        Self::Version,
        Self::Schemas,
        Self::Environment,
        Self::Addresses,
        Self::Routes,
        Self::Certificates,
        Self::Listeners,
        Self::Daemons,
        Self::Health,
        Self::Remains,
        Self::Told,
        Self::Traffic,
    ];

    /// Whether there is anything to read on `member`. The Southbound is a client's view, which every member has. One that is
    /// not in the cluster has only its services, none of which may run, and one without the snap what is left of it.
    pub fn applies_to(self, member: &Member) -> bool {
        if member.bare {
            return self == Self::Remains;
        }
        if !member.belongs() {
            return matches!(self, Self::Services | Self::Daemons);
        }
        match self {
            // A chassis without a switch cannot work; a plan that says so must fail, not go unread.
            Self::Switch => member.runs(Service::Switch) || member.runs(Service::Chassis),
            Self::NbRaft | Self::SbRaft => member.runs(Service::Central),
            Self::Addresses | Self::Routes => member.runs(Service::Chassis),
            Self::Remains => false,
            Self::Traffic => member.talks,
            Self::Southbound
            | Self::Members
            | Self::Services
            | Self::Plugs
            | Self::Version
            | Self::Schemas
            | Self::Environment
            | Self::Certificates
            | Self::Listeners
            | Self::Daemons
            | Self::Health
            | Self::Told => true,
        }
    }

    /// Whether what was seen once stays: then there is nothing to wait for.
    pub fn lasts(self) -> bool {
        matches!(self, Self::Health | Self::Told)
    }

    /// The reads that take this subject on `member`; none where it does not apply.
    pub fn reads(self, state: &State, member: &Member) -> Vec<Read> {
        if !self.applies_to(member) {
            return Vec::new();
        }
        match self {
            Self::Switch => vec![Read::Switch],
            Self::Southbound if state.has_quorum() => vec![Read::Southbound],
            Self::Southbound => vec![Read::LostSouthbound],
            Self::NbRaft => vec![Read::NbRaft],
            Self::SbRaft => vec![Read::SbRaft],
            Self::Members => vec![Read::Members],
            Self::Services => vec![Read::Services],
            Self::Plugs => vec![Read::Plugs],
            // Of interest only where there are two.
            Self::Version | Self::Schemas if state.newer.is_none() => Vec::new(),
            Self::Version => vec![Read::Version],
            Self::Schemas if member.runs(Service::Central) => vec![Read::Status, Read::NbSchema, Read::SbSchema],
            Self::Schemas => vec![Read::Status],
            Self::Environment if member.lives(Process::Northd) => vec![Read::OvnEnv, Read::Daemons],
            Self::Environment => vec![Read::OvnEnv],
            Self::Addresses => vec![Read::Devices],
            Self::Routes => peers(state, member).map(|peer| Read::Route(peer.encap.ip)).collect(),
            // What it lists is in MicroOVN's own database.
            Self::Certificates if state.has_majority() => vec![Read::Pki, Read::CertificateList, Read::CertificateText],
            Self::Certificates => vec![Read::Pki],
            Self::Listeners => {
                let servers = member.runs(Service::Central).then_some(Read::Listeners(member.address));
                let api = Read::Api(SocketAddr::new(member.address, state.member_port()));
                servers.into_iter().chain([api]).collect()
            }
            Self::Daemons => vec![Read::Daemons],
            Self::Health => vec![Read::Services, Read::Health],
            Self::Remains => vec![Read::Remains],
            Self::Told if state.is_microclouds() => vec![Read::Told],
            Self::Told => Vec::new(),
            Self::Traffic if state.bursts(member).is_empty() => Vec::new(),
            Self::Traffic => vec![Read::Bindings, Read::Packets, Read::LargePackets],
        }
    }
}

impl Read {
    /// Whether it is taken by itself, when all others have been: Open vSwitch drops with a packet that is too large what it was to
    /// send together with it (`netdev_linux_send`).
    pub fn is_taken_last(self) -> bool {
        matches!(self, Self::LargePackets)
    }

    /// The command to run on this member of a cluster that is in this state.
    pub fn argv(self, state: &State, member: &Member) -> Argv {
        match self {
            Self::Switch => commands::switch(),
            Self::Southbound => commands::southbound(),
            Self::LostSouthbound => commands::lost_southbound(),
            Self::NbRaft => commands::northbound_raft(),
            Self::SbRaft => commands::southbound_raft(),
            Self::Members => commands::members(),
            Self::Services => commands::services_table(),
            Self::Plugs => commands::plugs(),
            Self::Version => commands::snap_version(),
            Self::Status => commands::status(),
            Self::NbSchema => commands::northbound_schema(),
            Self::SbSchema => commands::southbound_schema(),
            Self::OvnEnv => commands::ovn_env(),
            Self::Devices => commands::addresses(),
            Self::Route(peer) => commands::route(peer),
            Self::Pki => commands::pki(),
            Self::CertificateList => commands::certificate_list(),
            Self::CertificateText => commands::certificate_text(),
            Self::Api(end) => commands::api(end),
            Self::Listeners(address) => commands::listeners(address),
            Self::Daemons => commands::daemons(),
            Self::Health => commands::health(),
            Self::Remains => commands::remains(),
            Self::Told => commands::told(),
            Self::Bindings => commands::bindings(),
            Self::Packets => packets(state, member, false),
            Self::LargePackets => packets(state, member, true),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switch => "the local switch",
            Self::Southbound => "the Southbound",
            Self::NbRaft => "the Northbound server",
            Self::SbRaft => "the Southbound server",
            Self::Members => "the cluster's members",
            Self::Services => "the snap's services",
            Self::Plugs => "the snap's plugs",
            Self::Version => "the snap's version",
            Self::Schemas => "the schemas of the databases",
            Self::Environment => "the services' environment",
            Self::Addresses => "the network devices",
            Self::Routes => "the routes to the peers",
            Self::Certificates => "the certificates of the services",
            Self::Listeners => "what the database servers and MicroOVN's daemon show",
            Self::Daemons => "the daemons' arguments",
            Self::Health => "the units and the journal of the services",
            Self::Remains => "what is left of the snap",
            Self::Told => "what MicroOVN was told",
            Self::Traffic => "packets to the others",
        })
    }
}

/// The other members with a chassis.
pub(super) fn peers<'a>(state: &'a State, member: &'a Member) -> impl Iterator<Item = &'a Member> {
    state.members_with(Service::Chassis).filter(|peer| peer.name != member.name)
}

/// What a member's endpoints send, and on which devices that is looked for: `large` is what is too large to cross, and on none.
fn packets(state: &State, member: &Member, large: bool) -> Argv {
    let devices: Vec<&str> = member.nics.iter().filter(|_| !large).map(|nic| nic.device.as_str()).collect();
    let mut argv: Argv = ["bash", "-c", packets::PROBE, "probe", &devices.join(" ")].map(str::to_owned).into();
    // Of both families where all else is alike: each is a process on the member.
    let mut alike: Vec<(String, Vec<String>)> = Vec::new();
    for burst in state.bursts(member).into_iter().filter(|burst| (burst.trial == Trial::TooLarge) == large) {
        let how = format!("{} {} {} {}", burst.from, burst.payload, burst.count, burst.patience_ms);
        let to = burst.to.iter().map(|(_, address)| address.to_string());
        match alike.iter_mut().find(|(known, _)| *known == how) {
            Some((_, all)) => all.extend(to),
            None => alike.push((how, to.collect())),
        }
    }
    argv.extend(alike.into_iter().map(|(how, to)| format!("{how} {}", to.join(" "))));
    argv
}
