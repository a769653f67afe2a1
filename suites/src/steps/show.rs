//! What MicroOVN and OVN show to a person of the cluster is what it is.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Need, Presence, Process, Service, State, planned_certificates};

use super::{find, name, no_quorum, not_online, numbers, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "show",
    about: "what MicroOVN and OVN show to a person of the cluster is what it is",
    possible: |state| {
        let all = [
            Shown::Chassis,
            Shown::Raft,
            Shown::Status,
            Shown::Members,
            Shown::Certificates,
            Shown::Encapsulation,
            Shown::Connections,
        ];
        StepKind::of(state, numbers(state).flat_map(|member| all.map(|what| Show { member, what })))
    },
};

/// Something is shown on a member.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// The member's number.
    pub member: usize,
    /// What is shown.
    pub what: Shown,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The chassis that are registered, by `ovn-sbctl show`.
    Chassis,
    /// What the database servers of a central say of their clusters.
    Raft,
    /// The members and what they run, by `microovn status`.
    Status,
    /// That every member is online, by `microovn cluster list`.
    Members,
    /// The certificates of the member, and which can be issued anew.
    Certificates,
    /// Where its tunnels end.
    Encapsulation,
    /// What the snap is connected to.
    Connections,
}

/// Where the control sockets of the database servers are. Recorded: the page on downscaling has `run/central`, where there are
/// none.
const RUN: &str = "/var/snap/microovn/common/run/ovn";

/// Where keys and certificates are.
const PKI: &str = "/var/snap/microovn/common/data/pki";

impl Shown {
    fn name(self) -> &'static str {
        match self {
            Self::Chassis => "chassis",
            Self::Raft => "raft",
            Self::Status => "status",
            Self::Members => "members",
            Self::Certificates => "certificates",
            Self::Encapsulation => "encapsulation",
            Self::Connections => "connections",
        }
    }
}

/// Every chassis that there is, and none of a member that there is no more.
fn chassis(state: &State, member: &str) -> Act {
    let shown = |name: &str| format!("Chassis {name}");
    let is = |it: &&Member| it.belongs() && it.runs(Service::Chassis);
    let act = Act::run(member, ["microovn.ovn-sbctl", "show"]);
    let act = state.members.iter().filter(is).fold(act, |act, it| act.says(shown(&it.name)));
    let left = state.members.iter().filter(|it| it.presence == Presence::Left);
    left.fold(act, |act, it| act.never_says(shown(&it.name)))
}

/// Both servers of a central are members of their clusters, at the member's address.
fn raft(state: &State, number: usize) -> Vec<Act> {
    let Some(member) = find(state, number) else { return Vec::new() };
    let host = match member.address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    };
    let clear = |port| member.plain.iter().any(|database| database.port() == port);
    let of = |socket: &str, database, port| {
        let socket = format!("{RUN}/{socket}");
        Act::run(&member.name, ["microovn.ovn-appctl", "-t", &socket, "cluster/status", database])
            .says(format!("Name: {database}"))
            .says(format!("Address: {}:{host}:{port}", if clear(port) { "tcp" } else { "ssl" }))
            .says("Status: cluster member")
    };
    vec![of("ovnsb_db.ctl", "OVN_Southbound", 6644), of("ovnnb_db.ctl", "OVN_Northbound", 6643)]
}

/// Every member with its address, and every choice of services that one has.
fn status(state: &State, member: &str) -> Act {
    let shown = |it: &Member| format!("- {} ({})", it.name, it.address);
    let act = Act::run(member, ["microovn", "status"]);
    let act = state.members().fold(act, |act, it| {
        let services: Vec<String> = it.services.iter().map(ToString::to_string).collect();
        act.says(shown(it)).says(format!("  Services: {}", services.join(", ")))
    });
    state.members.iter().filter(|it| !it.belongs()).fold(act, |act, it| act.never_says(shown(it)))
}

/// Every member that can be asked is online, which takes a while after it was not.
fn members(state: &State, member: &str) -> Act {
    let act = Act::wait(member, ["microovn", "cluster", "list", "-f", "compact"]);
    state.online().fold(act, |act, it| act.says(format!("… {} …  ONLINE", it.name)))
}

/// Every certificate of the member is there, and a person is told which can be issued anew.
fn certificates(member: &Member) -> Vec<Act> {
    let present = |file: &str| format!("{PKI}/{file} (OK: Present)");
    let list =
        Act::run(&member.name, ["microovn", "certificates", "list"]).says("[OVN CA]").says(present("cacert.pem"));
    let list = planned_certificates(&member.services).into_iter().fold(list, |act, stem| {
        act.says(present(&format!("{stem}-cert.pem"))).says(present(&format!("{stem}-privkey.pem")))
    });
    let help = Act::run(&member.name, ["microovn", "certificates", "reissue", "--help"]);
    vec![list, help.says("…(Valid service names: client, ovnnb, ovnsb, ovn-controller, ovn-northd, all)")]
}

/// The address of its tunnels, in the quotes of the database.
fn encapsulation(member: &Member) -> Act {
    let get = ["microovn.ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:ovn-encap-ip"];
    Act::run(&member.name, get).says(format!("\"{}\"", member.encap.ip))
}

/// Every plug that can be is connected to the system.
fn connections(state: &State, member: &Member) -> Act {
    let plugs =
        state.release_of(member).plugs.iter().filter(|(_, plug)| plug.refused.is_none() && plug.interface != "content");
    plugs.fold(Act::run(&member.name, ["snap", "connections", "microovn"]), |act, (name, plug)| {
        let interface = &plug.interface;
        act.says(format!("{interface} …microovn:{name} …:{interface} …"))
    })
}

impl Step for Show {
    fn words(&self) -> String {
        format!("show_{}_{}", self.what.name(), self.member)
    }

    fn about(&self) -> String {
        let member = self.member;
        match self.what {
            Shown::Chassis => format!("member {member} shows every chassis"),
            Shown::Raft => format!("the database servers of member {member} show that they are in their clusters"),
            Shown::Status => format!("member {member} shows the members and what they run"),
            Shown::Members => format!("member {member} shows that every member is online"),
            Shown::Certificates => format!("member {member} shows its certificates, and which can be issued anew"),
            Shown::Encapsulation => format!("member {member} shows where its tunnels end"),
            Shown::Connections => format!("member {member} shows what the snap is connected to"),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let member = self.member;
        let runs = || find(state, member).is_some_and(|it| it.runs(Service::Central) && it.dead.is_empty());
        let more = || match self.what {
            Shown::Raft if !runs() => Some(format!("member {member} has no database server")),
            Shown::Chassis if state.databases().is_empty() => Some("there is no Southbound".to_owned()),
            Shown::Chassis | Shown::Raft => no_quorum(state),
            Shown::Status if state.members().any(|it| it.services.is_empty()) => {
                Some("a member runs nothing, of which there is no line".to_owned())
            }
            Shown::Encapsulation if !find(state, member).is_some_and(|it| it.runs(Service::Chassis)) => {
                Some(format!("member {member} has no tunnels"))
            }
            Shown::Encapsulation if !find(state, member).is_some_and(|it| it.lives(Process::SwitchDatabase)) => {
                Some(format!("member {member} has no switch that could be asked"))
            }
            Shown::Status | Shown::Members | Shown::Certificates => without_leader(state),
            Shown::Encapsulation | Shown::Connections => None,
        };
        not_online(state, member).or_else(more)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        let name = name(state, self.member);
        match self.what {
            Shown::Members => vec![members(state, &name)],
            Shown::Certificates => certificates(member),
            Shown::Encapsulation => vec![encapsulation(member)],
            Shown::Connections => vec![connections(state, member)],
            Shown::Chassis => vec![chassis(state, &name)],
            Shown::Raft => raft(state, self.member),
            Shown::Status => vec![status(state, &name)],
        }
    }

    fn effect(&self, _state: &mut State) {}
}
