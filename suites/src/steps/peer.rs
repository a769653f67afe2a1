//! An instance outside is the peer of members by BGP: its router dials theirs, and each learns the routes of the other.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{HostFact, MAIN_TABLE, Member, Need, Presence, Process, Service, State};

use super::{find, find_mut, no_quorum, no_such, not_online, numbers, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "peer",
    about: "the router of an instance outside dials those of all members, and each learns the routes of the other",
    possible: |state| {
        let mut steps = StepKind::of(state, numbers(state).map(|peer| Peer { peer }));
        let meets = numbers(state).flat_map(|member| [false, true].map(|by_hand| MeetPeer { member, by_hand }));
        steps.extend(StepKind::of(state, meets));
        steps
    },
};

/// The router of an instance outside is started, and dials the routers of OVN on every member.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The number of the instance.
    pub peer: usize,
}

/// A member, on which BGP is enabled on the underlay, has a session with the peer, and each learns the routes of the other.
#[derive(Debug, Clone, Copy)]
pub struct MeetPeer {
    /// The member's number.
    pub member: usize,
    /// Whether the member's router is told by hand what MicroOVN would tell it.
    pub by_hand: bool,
}

/// Where the configuration of a router is.
const CONFIGURATION: &str = "/var/snap/microovn/common/data/bird/bird.conf";

/// Writes the configuration that is given to where the router reads it.
const WRITE: &str = r#"printf '%s' "$1" >"$2""#;

/// Prints the link-local address of a port of OVN's routers: MicroOVN gives it the MAC `02:` and the first five bytes of the MD5 sum of
/// its name (`generateLrpMac` in `microovn/bgp/redirect.go`), and OVN makes the address of that (RFC 4291, appendix A).
pub(super) const LINK_LOCAL: &str = r#"link_local() {
    local sum; sum=$(printf '%s' "$1" | md5sum)
    printf 'fe80::%s:%sff:fe%s:%s' "${sum:0:2}" "${sum:2:2}" "${sum:4:2}" "${sum:6:4}"
}
"#;

/// Adds to the configuration in the file that is named first a session with each of the ports behind it, and starts the router.
const DIAL: &str = r#"set -e
configuration=$1; shift
number=0
for port; do
    number=$((number + 1))
    printf 'protocol bgp member_%s from members { neighbor %s external; }\n' "$number" "$(link_local "$port")"
done >>"$configuration"
exec snap start --enable microovn.bird"#;

/// What the Southbound has as the next hops to a prefix that OVN learnt at a port.
const LEARNT: &str = r#"port=$(microovn.ovn-sbctl --bare --columns=_uuid find Port_Binding "logical_port=$1") || exit
exec microovn.ovn-sbctl --bare --columns=nexthop find Learned_Route "logical_port=$port" "ip_prefix=\"$2\"""#;

/// The AS numbers of the peer, and of the members from their numbers on, of those that are for private use (RFC 6996). MicroOVN takes its
/// own from the same on.
const PEER: u32 = 4_200_000_101;
const MEMBERS: u32 = 4_210_000_000;

/// The port of OVN's router that faces the underlay.
pub(super) fn port(member: &Member) -> String {
    format!("lrp-{}-eth1", member.name)
}

/// OVN's router on a member.
pub(super) fn router(member: &Member) -> String {
    format!("lr-{}-microovn", member.name)
}

/// The peer, where there is one.
pub(super) fn find_peer(state: &State) -> Option<&Member> {
    state.members.iter().find(|member| member.is_peer())
}

/// Why a member and a peer cannot have a session, if they cannot.
pub(super) fn apart(state: &State, number: usize) -> Option<String> {
    let of_member = || {
        let member = find(state, number)?;
        if member.routes.is_none() || !member.runs(Service::Bgp) {
            return Some(format!("BGP is not on the underlay of member {number}"));
        }
        let lives = [Process::Switch, Process::SwitchDatabase, Process::Controller].map(|it| member.lives(it));
        if lives.contains(&false) {
            return Some(format!("member {number} has no chassis or no switch"));
        }
        let cut = |it: &Member| it.nics.iter().any(|nic| nic.device == "eth1" && it.cut.contains(&nic.network));
        let apart = cut(member) || find_peer(state).is_some_and(cut);
        apart.then(|| format!("the underlay between member {number} and the peer is cut"))
    };
    let northd = || {
        let translated = state.members.iter().any(|member| member.lives(Process::Northd));
        (!translated).then(|| "nobody makes of the Northbound what chassis do".to_owned())
    };
    let elsewhere = || (!state.central_ips.is_empty()).then(|| "the databases are elsewhere".to_owned());
    not_online(state, number)
        .or_else(|| find_peer(state).is_none().then(|| "there is no peer".to_owned()))
        .or_else(of_member)
        .or_else(elsewhere)
        .or_else(|| without_leader(state))
        .or_else(|| no_quorum(state))
        .or_else(northd)
}

/// What a session by BGP takes of the host: vrf, and a kernel whose switch the bridge of the underlay can be joined to.
pub(super) fn needs() -> Vec<Need> {
    vec![Need::CoreApi, Need::Host(HostFact::Vrf), Need::Host(HostFact::KernelDatapath)]
}

/// What every router of this framework begins with: routes of BGP are the kernel's, too.
fn begins(table: u32) -> String {
    let kernel = |family: &str| {
        format!(
            "protocol kernel kernel_{family} {{\n  {family} {{ export where source = RTS_BGP; }};\n  learn;\n  \
             kernel table {table};\n  merge paths yes;\n}}\n"
        )
    };
    format!("log syslog all;\nprotocol device {{}}\n{}{}", kernel("ipv4"), kernel("ipv6"))
}

/// The peer's configuration, without the sessions. It tells of nothing but a way to everywhere, as a router at the top of a rack does. BIRD
/// finds no neighbours, so it is told of them.
fn of_the_peer(number: usize) -> String {
    let everywhere = |family: &str, prefix: &str| {
        format!("protocol static everywhere_{family} {{ {family}; route {prefix} unreachable; }}\n")
    };
    let channel = |family: &str, more: &str| {
        format!("  {family} {{ import all; export where proto = \"everywhere_{family}\";{more} }};\n")
    };
    format!(
        "{}router id 203.0.113.{number};\n{}{}template bgp members {{\n  local as {PEER};\n  interface \"eth1\";\n  \
         connect delay time 1;\n  connect retry time 2;\n  error wait time 1, 2;\n{}{}}}\n",
        begins(MAIN_TABLE),
        everywhere("ipv4", "0.0.0.0/0"),
        everywhere("ipv6", "::/0"),
        channel("ipv4", " next hop self; extended next hop on;"),
        channel("ipv6", " next hop self;"),
    )
}

/// What an operator tells the router of a member: what MicroOVN would, in his own words.
fn of_an_operator(number: usize, table: u32) -> String {
    let own = MEMBERS + u32::try_from(number).unwrap_or_default();
    format!(
        "{}protocol bgp microovn_eth1 {{\n  router id 203.0.113.{};\n  interface \"veth1-bgp\";\n  vrf \"ovnvrf{table}\";\n  \
         local as {own};\n  neighbor range fe80::/10 external;\n  dynamic name \"dyn_microovn_eth1_\";\n  \
         ipv4 {{ import all; export where net != 0.0.0.0/0; next hop self; extended next hop on; }};\n  \
         ipv6 {{ import all; export where net != ::/0; next hop self; }};\n}}\n",
        begins(table),
        100 + number,
    )
}

impl Step for Peer {
    fn words(&self) -> String {
        format!("peer_{}", self.peer)
    }

    fn about(&self) -> String {
        format!("the router of instance {} is started, and dials the routers of all members", self.peer)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let number = self.peer;
        no_such(state, number).or_else(|| {
            let it = find(state, number)?;
            if it.presence != Presence::Outside || it.bare {
                return Some(format!("member {number} is {}, or has no snap", it.presence));
            }
            if !state.release_of(it).services.contains("bird") {
                return Some(format!("the release of member {number} has no BGP"));
            }
            find_peer(state).map(|peer| format!("{} is a peer already", peer.name))
        })
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(it) = find(state, self.peer) else { return Vec::new() };
        let configuration = of_the_peer(self.peer);
        let ports: Vec<String> = state.members().map(port).collect();
        let dial = format!("{LINK_LOCAL}{DIAL}");
        let words = ["bash", "-c", dial.as_str(), "dial", CONFIGURATION];
        let sessions = Act::wait(&it.name, ["microovn.birdc", "show", "protocols"]);
        vec![
            Act::run(&it.name, ["sh", "-c", WRITE, "write", configuration.as_str(), CONFIGURATION]),
            Act::run(&it.name, words.into_iter().chain(ports.iter().map(String::as_str))),
            (1..=ports.len()).fold(sessions, |act, number| act.says(format!("member_{number} …BGP …"))),
        ]
    }

    fn effect(&self, state: &mut State) {
        if let Some(it) = find_mut(state, self.peer) {
            it.routes = Some(MAIN_TABLE);
        }
    }
}

impl MeetPeer {
    /// An operator configures the router.
    fn configure(&self, member: &Member, table: u32) -> Vec<Act> {
        let configuration = of_an_operator(self.member, table);
        vec![
            Act::run(&member.name, ["sh", "-c", WRITE, "write", configuration.as_str(), CONFIGURATION]),
            Act::run(&member.name, ["microovn.birdc", "configure"]).says("Reconfigured"),
        ]
    }

    /// The session is there, and with it the way that the peer tells of: in the table of vrf, and in OVN.
    fn learns(member: &Member, peer: &Member, number: usize, table: u32) -> Vec<Act> {
        let wait = |words: &[&str]| Act::wait(&member.name, words.iter().copied());
        let (port, vrf) = (port(member), format!("ovnvrf{table}"));
        let sessions = |on: &str| Act::wait(on, ["microovn.birdc", "show", "protocols"]);
        let learnt = |prefix: &str| wait(&["sh", "-c", LEARNT, "learnt", &port, prefix]).says("fe80::…");
        vec![
            sessions(&member.name).says("dyn_microovn_eth1_… BGP …up …Established"),
            sessions(&peer.name).says(format!("member_{number} …BGP …up …Established")),
            wait(&["ip", "-4", "route", "show", "vrf", &vrf])
                .says("default via inet6 fe80::… dev veth1-bgp proto bird…"),
            wait(&["ip", "-6", "route", "show", "vrf", &vrf]).says("default via fe80::… dev veth1-bgp proto bird…"),
            learnt("0.0.0.0/0"),
            learnt("::/0"),
        ]
    }

    /// The peer learns the addresses of a load balancer and of a translation, and that they are gone.
    fn tells(member: &Member, peer: &Member, number: usize) -> Vec<Act> {
        let nbctl = |words: &[&str]| Act::run(&member.name, [&["microovn.ovn-nbctl"], words].concat());
        let (router, balancer) = (router(member), format!("balancer-{number}"));
        let (virtual_ip, backend) = (format!("2001:db8:413::{number}:10"), format!("2001:db8:612::{number}:10"));
        let (outer, inner) = (format!("203.0.113.{}", 200 + number), format!("192.168.{number}.10"));
        let on_peer = |family: &str, to: &str| Act::wait(&peer.name, ["ip", family, "route", "show", to]);
        let add = ["lb-add", &balancer, &virtual_ip, &backend, "--", "lr-lb-add", &router, &balancer];
        vec![
            nbctl(&add),
            on_peer("-6", &virtual_ip).says(format!("{virtual_ip} via fe80::… dev eth1 proto bird…")),
            nbctl(&["lr-nat-add", &router, "dnat", &outer, &inner]),
            on_peer("-4", &outer).says(format!("{outer} via inet6 fe80::… dev eth1 proto bird…")),
            nbctl(&["lr-nat-del", &router]),
            nbctl(&["lb-del", &balancer]),
            on_peer("-6", &virtual_ip).never_says("…"),
            on_peer("-4", &outer).never_says("…"),
        ]
    }
}

/// How many of the members are before this one, and it: the number of its session on the peer.
fn session(state: &State, member: &Member) -> usize {
    state.members().take_while(|it| it.name != member.name).count() + 1
}

impl Step for MeetPeer {
    fn words(&self) -> String {
        let how = if self.by_hand { "_by_hand" } else { "" };
        format!("meet_peer{how}_{}", self.member)
    }

    fn about(&self) -> String {
        let how = if self.by_hand { ", by an operator's configuration," } else { "" };
        format!("member {} has a session with the peer{how} and each learns the routes of the other", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        apart(state, self.member)
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let (Some(member), Some(peer)) = (find(state, self.member), find_peer(state)) else { return Vec::new() };
        let (number, table) = (session(state, member), member.routes.unwrap_or_default());
        let configured = if self.by_hand { self.configure(member, table) } else { Vec::new() };
        [configured, Self::learns(member, peer, number, table), Self::tells(member, peer, number)].concat()
    }

    // What is added to the Northbound is removed again.
    fn effect(&self, _state: &mut State) {}

    fn leaves_tap(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_address_of_a_port_is_what_microovn_and_ovn_make_of_its_name() {
        let script = format!("{LINK_LOCAL}link_local \"$1\"");
        let output = Command::new("bash").args(["-c", &script, "x", "lrp-microovn-bgp-data-plane-1-eth1"]).output();
        // Of MicroOVN's own tests.
        assert_eq!(String::from_utf8_lossy(&output.expect("it runs").stdout), "fe80::90:b1ff:fea2:e628");
    }

    #[test]
    fn the_router_s_configuration_gets_a_session_with_every_port() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bird.conf");
        std::fs::write(&file, "router id 203.0.113.4;\n").expect("written");
        let script = format!("snap() {{ echo \"$@\"; }}; {LINK_LOCAL}{}", DIAL.replace("exec snap", "snap"));
        let output = Command::new("bash").args(["-c", &script, "x"]).arg(&file).args(["one", "other"]).output();
        assert_eq!(String::from_utf8_lossy(&output.expect("it runs").stdout), "start --enable microovn.bird\n");
        let written = std::fs::read_to_string(&file).expect("it is there");
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(lines.len(), 3, "{written}");
        assert!(lines[2].starts_with("protocol bgp member_2 from members { neighbor fe80::"), "{written}");
    }

    #[test]
    fn an_operator_tells_the_router_of_the_table_and_of_the_port_that_microovn_made() {
        let told = of_an_operator(2, 20);
        for line in ["vrf \"ovnvrf20\";", "kernel table 20;", "local as 4210000002;", "interface \"veth1-bgp\";"] {
            assert!(told.contains(line), "no {line} in {told}");
        }
        let peer = of_the_peer(4);
        assert!(peer.contains("local as 4200000101;") && peer.contains("kernel table 254;"), "{peer}");
    }
}
