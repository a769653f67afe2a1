//! LXD on a member makes an OVN network over MicroOVN, and removes it.

use std::net::SocketAddr;

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Datapath, ETHERNET_MTU, HostFact, Member, Need, Process, State};

use super::{find, no_quorum, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "lxd_network",
    about: "LXD on a member makes an OVN network over MicroOVN, and removes it",
    possible: |state| StepKind::of(state, numbers(state).map(|member| LxdNetwork { member })),
};

/// LXD is brought to a member, told where the Northbound is, and makes a network as MicroCloud has it do. That must be in the
/// databases, on this member's chassis, and as large as the underlay lets it be.
#[derive(Debug, Clone, Copy)]
pub struct LxdNetwork {
    /// The member's number.
    pub member: usize,
}

/// Where clients find the Northbound.
const NORTHBOUND: u16 = 6641;
/// The bridge by which its network leaves the member: LXD takes one of Open vSwitch's as it is.
const BRIDGE: &str = "lxd-uplink";
/// What LXD has of its own.
const OWN: &str = "/var/lib/lxd";
/// What everything is called by that it makes in the Northbound: the second network of an LXD is the first of OVN.
const PREFIX: &str = "lxd-net2";

/// The MTU of LXD's OVN networks on a member: that of Ethernet where the device that has the address of its tunnels takes this with
/// what Geneve adds, else what is left of it on a device that is as Ethernet. Source: `getOptimalBridgeMTU` in LXD's
/// `lxd/network/driver_ovn.go`, from 5.0 to 6.
fn mtu(member: &Member) -> u16 {
    let geneve = if member.encap.ip.is_ipv6() { 78 } else { 58 };
    let device = member.nics.iter().find(|nic| nic.is_behind(&member.encap.device));
    // The loopback device takes anything.
    let takes = device.map_or(u16::MAX, |nic| nic.mtu);
    if takes >= ETHERNET_MTU + geneve { ETHERNET_MTU } else { ETHERNET_MTU - geneve }
}

/// Every server of the Northbound, as clients are told of them.
fn northbound(state: &State) -> String {
    let servers = state.databases().into_iter().map(|ip| format!("ssl:{}", SocketAddr::new(ip, NORTHBOUND)));
    servers.collect::<Vec<_>>().join(",")
}

impl LxdNetwork {
    fn make(state: &State, member: &Member) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let bridge = ["microovn.ovs-vsctl", "add-br", BRIDGE];
        let bridge = match state.datapath {
            Some(Datapath::Userspace) => {
                let kind = ["--", "set", "Bridge", BRIDGE, "datapath_type=netdev"];
                run(&[&bridge[..], &kind].concat())
            }
            _ => run(&bridge),
        };
        let connection = northbound(state);
        // Addresses of blocks that are set aside for documentation (RFC 5737): nobody is asked for them.
        let uplink = ["ipv4.gateway=192.0.2.1/24", "ipv4.ovn.ranges=192.0.2.100-192.0.2.150"];
        let parent = format!("parent={BRIDGE}");
        let uplink = [&["lxc", "network", "create", "UPLINK", "--type=physical", &parent], &uplink[..]].concat();
        let own = ["network=UPLINK", "ipv4.address=198.51.100.1/24", "ipv4.nat=true", "ipv6.address=none"];
        let own = [&["lxc", "network", "create", "default", "--type=ovn"], &own[..]].concat();
        vec![
            Act::of(&member.name, What::BringLxd),
            run(&["systemctl", "start", "lxd"]),
            bridge,
            run(&["lxc", "config", "set", "network.ovn.northbound_connection", &connection]),
            run(&uplink).says("Network UPLINK created"),
            run(&own).says("Network default created"),
        ]
    }

    fn look(member: &Member) -> Vec<Act> {
        let nbctl = |words: &[&str]| Act::run(&member.name, [&["microovn.ovn-nbctl"], words].concat());
        let mtu = mtu(member).to_string();
        let of_that_mtu = format!("options:gateway_mtu={mtu}");
        let ports = ["--bare", "--columns=name", "find", "Logical_Router_Port", &of_that_mtu];
        vec![
            Act::run(&member.name, ["lxc", "network", "get", "default", "bridge.mtu"]).says(&mtu),
            nbctl(&["ls-list"]).says(format!("… ({PREFIX}-ls-int)")).says(format!("… ({PREFIX}-ls-ext)")),
            nbctl(&["lr-list"]).says(format!("… ({PREFIX}-lr)")),
            nbctl(&ports).says(format!("{PREFIX}-lr-lrp-int")).says(format!("{PREFIX}-lr-lrp-ext")),
            nbctl(&["ha-chassis-group-list"]).says(format!("… ({PREFIX})")).says(format!("… ({})", member.name)),
            // LXD finds it in the Southbound.
            Act::wait(&member.name, ["lxc", "network", "info", "default"])
                .says(format!("  Chassis: {}", member.hostname)),
        ]
    }

    fn remove(member: &Member) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let gone = |what: &str| run(&["microovn.ovn-nbctl", what]).never_says(format!("…({PREFIX}…"));
        vec![
            run(&["lxc", "network", "delete", "default"]).says("Network default deleted"),
            run(&["lxc", "network", "delete", "UPLINK"]).says("Network UPLINK deleted"),
            gone("ls-list"),
            gone("lr-list"),
            gone("ha-chassis-group-list"),
            run(&["systemctl", "stop", "lxd"]),
            // Another time it begins with its first network again.
            run(&["rm", "-r", OWN]),
            run(&["microovn.ovs-vsctl", "del-br", BRIDGE]),
        ]
    }
}

impl Step for LxdNetwork {
    fn words(&self) -> String {
        format!("lxd_network_{}", self.member)
    }

    fn about(&self) -> String {
        format!("LXD on member {} makes an OVN network over MicroOVN, and removes it", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let number = self.member;
        let databases = || {
            if !state.central_ips.is_empty() {
                return Some("the databases are elsewhere, and trust others".to_owned());
            }
            let northd = state.members.iter().any(|member| member.lives(Process::Northd));
            (state.databases().is_empty() || !northd)
                .then(|| "nobody makes of the Northbound what chassis do".to_owned())
                .or_else(|| no_quorum(state))
        };
        let chassis = || {
            let lives = [Process::Switch, Process::SwitchDatabase, Process::Controller];
            let broken = !lives.into_iter().all(|process| find(state, number).is_some_and(|it| it.lives(process)));
            broken.then(|| format!("member {number} has no chassis or no switch"))
        };
        not_online(state, number).or_else(databases).or_else(chassis)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Host(HostFact::Lxd)]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        [Self::make(state, member), Self::look(member), Self::remove(member)].concat()
    }

    // What LXD makes it removes again, and MicroOVN is told nothing.
    fn effect(&self, _state: &mut State) {}

    fn leaves_tap(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use testkit::plan::{Plan, Segments};

    use super::*;
    use crate::options;

    /// The state of a cell.
    fn state(cell: &[(&str, &str)]) -> State {
        let cell = options::matrix().expect("a matrix").cell(cell).expect("a cell");
        Plan::draw(&cell, options::OPTIONS, Segments::documentation()).state
    }

    #[test]
    fn the_mtu_is_what_the_underlay_and_its_family_leave_and_never_more_than_ethernets() {
        for (cell, wanted) in [
            (&[][..], 1442),
            (&[("encap", "ipv4")], 1442),
            (&[("encap", "ipv6")], 1422),
            (&[("encap", "ipv4"), ("underlay_mtu", "9000")], 1500),
            (&[("encap", "ipv6"), ("underlay_mtu", "9000")], 1500),
            // It looks at nothing below what Ethernet has.
            (&[("encap", "ipv4"), ("underlay_mtu", "1442")], 1442),
        ] {
            assert_eq!(mtu(&state(cell).members[1]), wanted, "{cell:?}");
        }
        let mut member = state(&[("encap", "ipv4"), ("underlay_mtu", "9000")]).members.remove(0);
        for (underlay, wanted) in [(1557, 1442), (1558, 1500)] {
            member.nics.iter_mut().for_each(|nic| nic.mtu = underlay);
            assert_eq!(mtu(&member), wanted, "on {underlay}");
        }
    }

    #[test]
    fn lxd_is_told_of_every_server_and_addresses_have_brackets_where_they_need_them() {
        let documentation = |cell: &[(&str, &str)]| northbound(&state(cell));
        assert_eq!(documentation(&[]), "ssl:192.0.2.11:6641,ssl:192.0.2.12:6641,ssl:192.0.2.13:6641");
        assert!(documentation(&[("address_family", "ipv6")]).starts_with("ssl:[2001:db8::b]:6641,ssl:["));
    }

    #[test]
    fn everything_that_it_makes_is_looked_for_and_removed() {
        let mut state = state(&[("encap", "ipv6")]);
        state.datapath = Some(Datapath::Userspace);
        let acts: Vec<String> = LxdNetwork { member: 2 }.acts(&state).iter().map(|act| act.to_string()).collect();
        let all = acts.join("\n");
        for words in
            ["add-br lxd-uplink -- set Bridge lxd-uplink datapath_type=netdev", "gateway_mtu=1422", "del-br lxd-uplink"]
        {
            assert!(all.contains(words), "no {words} in {all}");
        }
        assert!(acts.iter().all(|act| act.contains("-2: ")), "{all}");
        state.datapath = Some(Datapath::Kernel);
        let kernel = LxdNetwork { member: 2 }.acts(&state);
        assert!(kernel.iter().all(|act| !act.to_string().contains("netdev")));
    }
}
