//! A plan: everything about a cell that is decided before anything is touched.
//!
//! [`Plan::draw`] turns a cell into instances, NICs, addresses, roles, dialog answers and so into every expectation.
//! It is pure: the same cell and the same [`Segments`] give the same plan.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::matrix::{Cell, CellId, Declaration};

/// The port of a member's API; MicroOVN proposes it and so does every plan.
pub const MEMBER_PORT: u16 = 6686;

/// What one init option contributes. One file under `suites/src/options/` implements it.
pub trait InitOption: Sync {
    /// Name and values.
    fn declaration(&self) -> Declaration;

    /// What `value` changes in the plan: addresses, NICs, services, names. Runs before any answer is asked for.
    fn shape(&self, value: &str, plan: &mut Plan) {
        let _ = (value, plan);
    }

    /// The prompts this option answers for `member`, and with what.
    fn answers(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Answer>;
}

/// An address range on one layer-2 network, in both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The IPv4 network, with its prefix.
    pub ipv4: Ipv4Net,
    /// The IPv6 network, with its prefix.
    pub ipv6: Ipv6Net,
}

/// The two networks of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// Where members talk to each other: eth0.
    pub management: Segment,
    /// Where custom encapsulation goes: eth1.
    pub underlay: Segment,
}

/// Which of the two networks a NIC is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Members' API and OVN databases.
    Management,
    /// The dedicated tunnel network.
    Underlay,
}

/// One NIC of a member with its static addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Device name inside the instance: `eth0`.
    pub device: String,
    /// The network it is attached to.
    pub network: Network,
    /// Its addresses, each with the on-link prefix.
    pub addresses: Vec<IpNet>,
}

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
    /// The device that must carry it.
    pub device: String,
    /// Whether it is given at init, or MicroOVN's default, the member's cluster address.
    pub custom: bool,
}

/// A prompt of `microovn init` and what is typed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The option that answers.
    pub option: String,
    /// How the prompt starts. The rest of the prompt (choices, default) is not compared.
    pub prompt: String,
    /// What is typed, one entry each time the prompt is shown. Being asked more often than this is an error.
    pub replies: Vec<Reply>,
}

/// One line typed into the dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// This text; empty accepts the default.
    Text(String),
    /// The join token that the bootstrap member issued for this member. Never shown.
    JoinToken,
    /// This member's name; the dialog prints a join token for it next.
    IssueToken(String),
}

impl Answer {
    /// An answer of one line.
    pub fn text(option: &str, prompt: &str, text: impl Into<String>) -> Self {
        Self { option: option.into(), prompt: prompt.into(), replies: vec![Reply::Text(text.into())] }
    }
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
    /// The address it listens on.
    pub address: IpAddr,
    /// The services it is expected to run.
    pub services: BTreeSet<Service>,
    /// The tunnel endpoint; meaningful where [`Service::Chassis`] runs.
    pub encap: Encap,
    /// The dialog, by question.
    pub answers: Vec<Answer>,
}

impl Member {
    /// Whether this member runs `service`.
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// Its NIC on `network`, if it has one.
    pub fn find_nic(&self, network: Network) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.network == network)
    }
}

/// The plan of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The cell it is for.
    pub cell: CellId,
    /// The address ranges its instances live in.
    pub segments: Segments,
    /// The members in the order they enter; the first bootstraps.
    pub members: Vec<Member>,
}

impl Plan {
    /// Draws the plan of `cell`: a default cluster of three, shaped by every option in order, then the dialog.
    pub fn draw(cell: &Cell, options: &[&dyn InitOption], segments: Segments) -> Self {
        let mut plan = Self { cell: cell.id().clone(), segments, members: Vec::new() };
        plan.set_members(3);
        for option in options {
            option.shape(cell.value(option.declaration().name), &mut plan);
        }
        let answers: Vec<Vec<Answer>> = plan
            .members
            .iter()
            .map(|member| {
                options
                    .iter()
                    .flat_map(|option| option.answers(cell.value(option.declaration().name), &plan, member))
                    .collect()
            })
            .collect();
        for (member, answers) in plan.members.iter_mut().zip(answers) {
            member.answers = answers;
        }
        plan
    }

    /// Gives the plan `count` members with default names, addresses, services and encapsulation.
    pub fn set_members(&mut self, count: usize) {
        self.members = (1..=count).map(|n| default_member(&self.cell, &self.segments, n)).collect();
    }

    /// The member that bootstraps; `None` only for a plan without members.
    pub fn bootstrap(&self) -> Option<&Member> {
        self.members.first()
    }

    /// The members that join, in order.
    pub fn joiners(&self) -> &[Member] {
        self.members.get(1..).unwrap_or_default()
    }

    /// The members that run `service`, in order.
    pub fn members_with(&self, service: Service) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.runs(service))
    }
}

/// The n-th member, counted from 1: host 10+n of each range, central on the first three, tunnels on its IPv4
/// cluster address.
fn default_member(cell: &CellId, segments: &Segments, n: usize) -> Member {
    let name = format!("microovn-{}-{n}", cell.hyphenated());
    let nic = |device: &str, network, segment: &Segment| Nic {
        device: device.to_owned(),
        network,
        addresses: vec![host(IpNet::V4(segment.ipv4), n), host(IpNet::V6(segment.ipv6), n)],
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
    Member {
        hostname: name.clone(),
        name,
        role: if n == 1 { Role::Bootstrap } else { Role::Join },
        encap: Encap { ip: address, device: nics[0].device.clone(), custom: false },
        nics,
        address,
        services,
        answers: Vec::new(),
    }
}

/// Host 10+n of a network, with the network's prefix length.
fn host(net: IpNet, n: usize) -> IpNet {
    let offset = 10 + n;
    let address = match net.network() {
        IpAddr::V4(base) => IpAddr::from((u32::from(base) + offset as u32).to_be_bytes()),
        IpAddr::V6(base) => IpAddr::from((u128::from(base) + offset as u128).to_be_bytes()),
    };
    // The prefix length comes from a network of the same family, so it always fits.
    IpNet::new_assert(address, net.prefix_len())
}
