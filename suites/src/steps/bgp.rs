//! BGP is enabled on a member, with and without a network to speak it on, and disabled, after which nothing of it is left.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{HostFact, Member, Need, Process, Service, State, Turnover};

use super::{find, find_mut, no_quorum, northd_restarts, not_online, numbers, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "bgp",
    about: "BGP is enabled on a member, with and without a network to speak it on, disabled, or refused for want of vrf",
    possible: |state| {
        let ways = [Routing::On, Routing::Off, Routing::Automatic, Routing::ByHand, Routing::WithoutVrf];
        StepKind::of(state, numbers(state).flat_map(|member| ways.map(|what| Bgp { member, what })))
    },
};

/// BGP is enabled or disabled on a member.
#[derive(Debug, Clone, Copy)]
pub struct Bgp {
    /// The member's number.
    pub member: usize,
    /// How.
    pub what: Routing,
}

/// How BGP is enabled or disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// It is enabled, and its router told nothing.
    On,
    /// It is disabled.
    Off,
    /// It is enabled on the underlay, and MicroOVN configures the router.
    Automatic,
    /// It is enabled on the underlay, and the router is left to the operator.
    ByHand,
    /// It is not enabled on the underlay, because the kernel has no vrf.
    WithoutVrf,
}

/// What is said before anything is done, without a newline behind it. Recorded.
const NOTE: &str = "Please note, BGP functionality is currently experimental and likely to change.";
/// The service of MicroOVN's snap that is the router. Releases up to 24.03 have none.
const ROUTER: &str = "bird";
/// The router's configuration.
const CONFIGURATION: &str = "/var/snap/microovn/common/data/bird/bird.conf";

impl Bgp {
    fn enable(member: &Member, more: &[&str]) -> Act {
        let words = [&["microovn", "enable", "bgp"], more].concat();
        Act::run(&member.name, words)
    }

    /// MicroOVN made the table, the networks and, unless they are the operator's, the sessions. The words are those of MicroOVN's
    /// page and of its sources.
    fn connected(&self, member: &Member, automatic: bool) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let name = &member.name;
        let number = self.table();
        let (table, told) = (format!("ovnvrf{number}"), format!("vrf={number}"));
        let by_hand = ["--config", &told, "--manual-bgpd-config"];
        let more: &[&str] = if automatic { &[] } else { &by_hand };
        let more = &[&["--config", "ext_connection=eth1"], more].concat();
        let sessions = Act::wait(name, ["microovn.birdc", "show", "protocols"]);
        let configuration = run(&["cat", CONFIGURATION]);
        let mut acts = vec![
            Self::enable(member, more).says(format!("{NOTE}Service bgp enabled")),
            Act::wait(name, ["ip", "link", "show", "type", "vrf"]).says(format!("…: {table}: …")),
            run(&["microovn.ovn-nbctl", "lr-list"]).says(format!("… (lr-{name}-microovn)")),
            run(&["microovn.ovn-nbctl", "ls-list"]).says(format!("… (ls-{name}-eth1)")),
        ];
        acts.extend(match automatic {
            true => [
                configuration.says(format!("\tvrf \"{table}\";")).says("\tinterface \"veth1-bgp\";"),
                sessions.says("microovn_eth1 BGP …Passive"),
            ],
            false => [configuration.never_says("protocol bgp …"), sessions.says("device1 …Device …up…")],
        });
        acts
    }

    /// The table of routes: the first that is free, or what the operator says, who gives each member another.
    fn table(&self) -> u32 {
        match self.what {
            Routing::ByHand => 10 * u32::try_from(self.member).unwrap_or(1),
            _ => 10,
        }
    }

    /// Nothing that BGP needs is there: no bridge, no port, no mapping, and nothing in the Northbound.
    fn nothing_left(member: &Member) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let none = "ovs-vsctl: no key \"ovn-bridge-mappings\" in Open_vSwitch record \".\" column external_ids";
        let mappings = ["microovn.ovs-vsctl", "get", "Open_vSwitch", ".", "external-ids:ovn-bridge-mappings"];
        vec![
            run(&["microovn.ovs-vsctl", "find", "bridge", "name!=br-int"]).never_says("…"),
            run(&["microovn.ovs-vsctl", "find", "interface", "type!=geneve", "name!=br-int"]).never_says("…"),
            run(&mappings).refused(none),
            run(&["microovn.ovn-nbctl", "show"]).never_says("…"),
        ]
    }
}

impl Step for Bgp {
    fn words(&self) -> String {
        let member = self.member;
        match self.what {
            Routing::On => format!("enable_bgp_{member}"),
            Routing::Off => format!("disable_bgp_{member}"),
            Routing::Automatic => format!("enable_bgp_on_the_underlay_{member}"),
            Routing::ByHand => format!("enable_bgp_by_hand_{member}"),
            Routing::WithoutVrf => format!("refuse_bgp_without_vrf_{member}"),
        }
    }

    fn about(&self) -> String {
        let member = self.member;
        match self.what {
            Routing::On => format!("BGP is enabled on member {member}, and its router told nothing"),
            Routing::Off => format!("BGP is disabled on member {member}, and nothing of it is left"),
            Routing::Automatic => {
                format!("BGP is enabled on the underlay of member {member}, and MicroOVN configures it")
            }
            Routing::ByHand => format!("BGP is enabled on the underlay of member {member}, and configured by nobody"),
            Routing::WithoutVrf => {
                format!(
                    "BGP is not enabled on the underlay of member {member} for want of vrf, and nothing of it is left"
                )
            }
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let member = self.member;
        let of_member = || {
            let it = find(state, member)?;
            let (on, off) = (it.runs(Service::Bgp), self.what == Routing::Off);
            if on != off {
                return Some(format!("BGP is {} on member {member}", if on { "on" } else { "off" }));
            }
            if !state.release_of(it).services.contains(ROUTER) {
                return Some(format!("the release of member {member} has no BGP"));
            }
            if !it.lives(Process::SwitchDatabase) || !it.lives(Process::Controller) {
                return Some(format!("member {member} has no chassis or no switch"));
            }
            // Recorded: it dials an address without brackets, and gives up after half a minute.
            let dials = !matches!(self.what, Routing::On);
            (dials && it.address.is_ipv6()).then(|| "BGP does not reach databases at IPv6 addresses".to_owned())
        };
        not_online(state, member).or_else(of_member).or_else(|| without_leader(state)).or_else(|| no_quorum(state))
    }

    fn needs(&self) -> Vec<Need> {
        let host: &[HostFact] = match self.what {
            Routing::On | Routing::Off => &[],
            Routing::Automatic | Routing::ByHand => &[HostFact::Vrf, HostFact::Netplan],
            Routing::WithoutVrf => &[HostFact::NoVrf],
        };
        let host = host.iter().copied().map(Need::Host);
        [Need::CoreApi, Need::Service(ROUTER.to_owned())].into_iter().chain(host).collect()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        match self.what {
            Routing::On => {
                vec![Self::enable(member, &[]).says(format!("{NOTE}Service bgp enabled"))]
            }
            Routing::Automatic | Routing::ByHand => self.connected(member, self.what == Routing::Automatic),
            Routing::Off => {
                let disable = Act::run(&member.name, ["microovn", "disable", "bgp"]).says("Service bgp disabled");
                [disable].into_iter().chain(Self::nothing_left(member)).collect()
            }
            Routing::WithoutVrf => {
                let told = ["ext_connection=eth1", "vrf=10", "asn=4210000000"];
                let told: Vec<&str> = told.into_iter().flat_map(|one| ["--config", one]).collect();
                let why = format!(
                    "failed to create vrf for LR 'lr-{}-microovn': vrf kernel module missing or not loaded",
                    member.name
                );
                let refused = Self::enable(member, &told)
                    .refused(format!("{NOTE}Error: failed to enable service 'bgp': '{why}'"));
                [refused].into_iter().chain(Self::nothing_left(member)).collect()
            }
        }
    }

    fn effect(&self, state: &mut State) {
        if self.what == Routing::WithoutVrf {
            return;
        }
        if let Some(member) = find_mut(state, self.member) {
            if self.what == Routing::Off {
                member.services.remove(&Service::Bgp);
            } else {
                member.services.insert(Service::Bgp);
            }
            let connected = matches!(self.what, Routing::Automatic | Routing::ByHand);
            member.routes = connected.then(|| self.table());
        }
        northd_restarts(state, Turnover::Any);
    }
}
