//! A host behind the peer reaches what is in a network of OVN, by the routes that the peer learnt by BGP.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, Need, State};

use super::peer::{LINK_LOCAL, apart, find_peer, needs, port, router};
use super::{find, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "reach",
    about: "a host behind the peer reaches an address of a translation and one of a load balancer, by routes of BGP",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Reach { member })),
};

/// A network is joined to OVN's router on a member, with a guest, who is reached from behind the peer by IPv4 at an address that is
/// translated, and by IPv6 at one of a load balancer.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// The member's number.
    pub member: usize,
}

/// Makes a network namespace behind this host, for which it is the router.
const BEHIND: &str = r#"set -e
ip netns add behind
ip link add behind type veth peer name eth0 netns behind
ip address add 10.42.0.1/24 dev behind
ip address add 2001:db8:412::1/64 dev behind nodad
ip link set behind up
ip -n behind address add 10.42.0.10/24 dev eth0
ip -n behind address add 2001:db8:412::10/64 dev eth0 nodad
ip -n behind link set lo up
ip -n behind link set eth0 up
ip -n behind route add default via 10.42.0.1
ip -n behind -6 route add default via 2001:db8:412::1
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"#;

/// Makes a network namespace whose device is a port of the switch.
const GUEST: &str = r#"set -e
ip netns add guest
microovn.ovs-vsctl add-port br-int guest -- set Interface guest type=internal external_ids:iface-id=guest
ip link set guest netns guest
ip -n guest link set guest address 02:00:00:00:0a:0a
ip -n guest link set lo up
ip -n guest link set guest up
ip -n guest address add 192.168.10.10/24 dev guest
ip -n guest address add fd00:10::10/64 dev guest nodad
ip -n guest route add default via 192.168.10.1
ip -n guest -6 route add default via fd00:10::1"#;

/// MicroOVN's own test has the router hear of the peer before it has anything to send it. Whether it answers is not what is tried.
const CALL: &str = r#"ping -c 3 -W 1 "$(link_local "$1")%eth1"; exit 0"#;

/// The addresses that are reached.
const TRANSLATED: &str = "203.0.113.2";
const BALANCED: &str = "2001:db8:612::3";

impl Reach {
    fn make(member: &Member, peer: &Member) -> Vec<Act> {
        let nbctl = |words: &[&str]| Act::run(&member.name, [&["microovn.ovn-nbctl"], words].concat());
        let script = |on: &str, script: &str| Act::run(on, ["bash", "-c", script]);
        let router = router(member);
        let port = ["lrp-add", &router, "lrp-guests", "02:00:00:00:0a:01", "192.168.10.1/24", "fd00:10::1/64"];
        let switch = ["--", "ls-add", "guests", "--", "lsp-add", "guests", "guests-router"];
        let joint =
            ["--", "lsp-set-type", "guests-router", "router", "--", "lsp-set-addresses", "guests-router", "router"];
        let joint = [&joint[..], &["--", "lsp-set-options", "guests-router", "router-port=lrp-guests"]].concat();
        let addresses = "02:00:00:00:0a:0a 192.168.10.10 fd00:10::10";
        let guest = ["--", "lsp-add", "guests", "guest", "--", "lsp-set-addresses", "guest", addresses];
        let balancer = ["lb-add", "balancer", BALANCED, "fd00:10::10", "--", "lr-lb-add", &router, "balancer"];
        vec![
            script(&peer.name, BEHIND),
            nbctl(&[&port[..], &switch, &joint, &guest].concat()),
            script(&member.name, GUEST),
            nbctl(&["lr-nat-add", &router, "dnat_and_snat", TRANSLATED, "192.168.10.10"]),
            nbctl(&balancer),
        ]
    }

    fn reach(member: &Member, peer: &Member) -> Vec<Act> {
        let wait = |words: &[&str]| Act::wait(&peer.name, words.iter().copied());
        let call = format!("{LINK_LOCAL}{CALL}");
        let ping = |address: &str| {
            let from_behind = ["ip", "netns", "exec", "behind", "ping", "-c", "1", "-W", "1", address];
            wait(&from_behind).says("1 packets transmitted, 1 received, 0% packet loss, …")
        };
        vec![
            wait(&["ip", "-4", "route", "show", TRANSLATED])
                .says(format!("{TRANSLATED} via inet6 fe80::… dev eth1 proto bird…")),
            wait(&["ip", "-6", "route", "show", BALANCED]).says(format!("{BALANCED} via fe80::… dev eth1 proto bird…")),
            Act::run(&peer.name, ["bash", "-c", call.as_str(), "call", port(member).as_str()]),
            ping(TRANSLATED),
            ping(BALANCED),
        ]
    }

    fn remove(member: &Member, peer: &Member) -> Vec<Act> {
        let run = |words: &[&str]| Act::run(&member.name, words.iter().copied());
        let router = router(member);
        let names = ["lb-del", "balancer", "--", "ls-del", "guests", "--", "lrp-del", "lrp-guests"];
        vec![
            run(&["microovn.ovs-vsctl", "del-port", "br-int", "guest"]),
            run(&["ip", "netns", "delete", "guest"]),
            run(&["microovn.ovn-nbctl", "lr-nat-del", &router]),
            run(&[&["microovn.ovn-nbctl"], &names[..]].concat()),
            Act::run(&peer.name, ["ip", "link", "delete", "behind"]),
            Act::run(&peer.name, ["ip", "netns", "delete", "behind"]),
        ]
    }
}

impl Step for Reach {
    fn words(&self) -> String {
        format!("reach_{}", self.member)
    }

    fn about(&self) -> String {
        format!("a host behind the peer reaches a guest on member {}, by IPv4 and by IPv6", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        apart(state, self.member)
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let (Some(member), Some(peer)) = (find(state, self.member), find_peer(state)) else { return Vec::new() };
        [Self::make(member, peer), Self::reach(member, peer), Self::remove(member, peer)].concat()
    }

    // What is made is removed again.
    fn effect(&self, _state: &mut State) {}

    fn leaves_tap(&self) -> bool {
        true
    }
}
