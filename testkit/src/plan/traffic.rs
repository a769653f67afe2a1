//! Traffic: logical networks over the tunnels, an endpoint on each for every member, and which packets cross.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Datapath, ETHERNET_MTU, Member, Nic, Process, State};

/// The bridge that has a NIC for a port where the switch carries packets itself: it sends to tunnels by a bridge of its own, or not at
/// all (Open vSwitch, userspace-tunneling.rst).
pub const WIRE_BRIDGE: &str = "br-phy";
/// What is outside of logical networks: a network namespace on each member, each like the others, so that packets end with the one
/// whose router sends them.
pub const OUTSIDE: &str = "outside";
/// What is in front of an inner IP packet: the outer UDP, Geneve's header and OVN's option, and the inner Ethernet header.
const GENEVE: u16 = 8 + 8 + 8 + 14;
/// A packet as `ping` sends it where nobody says how large.
const SMALL: u16 = 56;
/// How many small packets a member sends in each family, on each network. Where one in a hundred is lost on the way from or to a member
/// of three, all of its three hundred and more come through in one look of twenty-five, and in three looks in a row never.
const MANY: u16 = 40;
/// How many of those that fill the MTU.
const SOME: u16 = 3;
/// How long an answer is waited for.
const PATIENCE_MS: u16 = 1000;
/// The same of what is not to be answered.
const IMPATIENCE_MS: u16 = 300;

/// A logical network that endpoints are on. Nothing leads from one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlay {
    /// The first.
    Red,
    /// The second.
    Blue,
}

/// A place on a network. Addresses are seen there only: of the block for interconnecting test devices (RFC 2544), and unique local
/// ones (RFC 4193).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    net: u8,
    host: u8,
}

/// A member's place on a logical network: a network namespace on it, bound to a logical port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The network, and the name of the namespace and of its device in the switch.
    pub overlay: Overlay,
    /// The logical port.
    pub port: String,
    /// Its addresses.
    pub place: Place,
}

/// What packets are to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trial {
    /// That peers are reached.
    Small,
    /// That a packet which fills the MTU crosses as it is.
    Filling,
    /// That one byte more does not.
    TooLarge,
    /// That nothing reaches the other network.
    Across,
    /// That what is outside is reached by the router.
    Outward,
}

/// Echo requests that are sent from an endpoint, all alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    /// What they are to show.
    pub trial: Trial,
    /// The network they are sent from.
    pub from: Overlay,
    /// How many bytes each carries behind the header of ICMP.
    pub payload: u16,
    /// How many are sent to each.
    pub count: u16,
    /// How long each is waited for, in milliseconds.
    pub patience_ms: u16,
    /// Whom they are sent to, all of one family, by the member's name.
    pub to: Vec<(String, IpAddr)>,
}

impl Burst {
    /// Whether it is of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.to.first().is_some_and(|(_, address)| address.is_ipv6())
    }

    /// How many bytes the IP packet has that carries one.
    pub fn size(&self) -> u16 {
        self.payload + if self.is_ipv6() { 48 } else { 28 }
    }
}

impl Overlay {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Red, Self::Blue];
    /// The one that the router is on.
    pub const ROUTED: Self = Self::Red;

    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::Red { Self::Blue } else { Self::Red }
    }

    /// Its number among networks.
    const fn net(self) -> u8 {
        self as u8 + 1
    }

    /// The endpoint of the member of this number, counted from 1.
    pub fn endpoint(self, number: u8, member: &str) -> Endpoint {
        Endpoint { overlay: self, port: format!("{self}-{member}"), place: Place::new(self.net(), number) }
    }

    /// Where the router is on it.
    pub const fn router(self) -> Place {
        Place::of_router(self.net())
    }

    /// The network that has this address, if one has.
    pub fn of(address: IpAddr) -> Option<Self> {
        let has = |it: &Self| it.router().nets().iter().any(|net| net.contains(&address));
        Self::ALL.into_iter().find(has)
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Red => "red",
            Self::Blue => "blue",
        })
    }
}

impl Place {
    pub(super) const fn new(net: u8, host: u8) -> Self {
        Self { net, host }
    }

    /// Its Ethernet address.
    pub fn mac(self) -> String {
        format!("0a:74:6b:00:{:02x}:{:02x}", self.net, self.host)
    }

    /// Its addresses of IPv4 and of IPv6, with the prefix of its network.
    pub fn nets(self) -> [IpNet; 2] {
        let Self { net, host } = self;
        let ipv6 = Ipv6Addr::new(0xfd42, 0x6f76, net.into(), 0, 0, 0, 0, host.into());
        [Ipv4Net::new_assert(Ipv4Addr::new(198, 19, net, host), 24).into(), Ipv6Net::new_assert(ipv6, 64).into()]
    }

    /// Its address of one family.
    pub fn address(self, ipv6: bool) -> IpAddr {
        self.nets()[usize::from(ipv6)].addr()
    }
}

impl Member {
    /// Gives the NIC to the tunnels' endpoints its addresses back, where a bridge has them.
    pub(super) fn unbridge(&mut self) {
        if let Some(nic) = self.nics.iter_mut().find(|nic| nic.is_behind(WIRE_BRIDGE)) {
            nic.bridge = None;
            let looped = self.loopback.iter().any(|net| net.addr() == self.encap.ip);
            self.encap.device = if looped { "lo".to_owned() } else { nic.device.clone() };
            self.encap.via.clone_from(&nic.device);
        }
    }

    /// The NIC by which packets leave for the endpoints of tunnels.
    pub fn wire(&self) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.is_behind(&self.encap.via))
    }
}

impl State {
    /// Why no traffic can be laid here, if that is so.
    pub fn without_traffic(&self) -> Option<String> {
        if !self.central_ips.is_empty() || !self.has_quorum() {
            return Some("there is no Northbound to make logical networks in".to_owned());
        }
        let able = self.online().filter(|member| member.can_talk()).count();
        (able < 2).then(|| format!("{able} members have a chassis and a switch, and packets cross between two"))
    }

    /// Lays traffic: every member that can has its endpoints from now on, also one that came later than others. Where the switch
    /// carries packets itself, the addresses of the NIC to the tunnels' endpoints are on a bridge that has the NIC for a port.
    pub fn lay_traffic(&mut self) {
        let bridged = self.datapath == Some(Datapath::Userspace);
        for member in self.members.iter_mut().filter(|member| member.can_talk()) {
            member.talks = true;
            if bridged {
                let via = std::mem::replace(&mut member.encap.via, WIRE_BRIDGE.to_owned());
                WIRE_BRIDGE.clone_into(&mut member.encap.device);
                if let Some(nic) = member.nics.iter_mut().find(|nic| nic.device == via) {
                    nic.bridge = Some(WIRE_BRIDGE.to_owned());
                }
            }
        }
        for member in self.members.iter().filter(|member| member.talks) {
            if !self.gateways.contains(&member.name) {
                self.gateways.push(member.name.clone());
            }
        }
    }

    /// The members whose endpoints send and hear each other now, in order.
    pub fn talkers(&self) -> impl Iterator<Item = &Member> {
        let laid = |member: &&Member| {
            let lives = member.lives(Process::Controller) && member.lives(Process::Switch);
            member.talks && member.can_talk() && lives && !member.tunnels_are_cut()
        };
        self.online().filter(laid)
    }

    /// Whether there are any that could hear each other.
    pub fn has_traffic(&self) -> bool {
        self.talkers().count() > 1
    }

    /// The endpoints of a member.
    pub fn endpoints(&self, member: &Member) -> [Endpoint; 2] {
        let number = self.members.iter().position(|it| it.name == member.name).unwrap_or_default() + 1;
        Overlay::ALL.map(|overlay| overlay.endpoint(u8::try_from(number).unwrap_or(u8::MAX), &member.name))
    }

    /// The largest IP packet that crosses from a member's endpoint, in bytes.
    pub fn inner_mtu(member: &Member) -> u16 {
        let wire = member.wire().map_or(ETHERNET_MTU, |nic| nic.mtu);
        wire - GENEVE - if member.encap.ip.is_ipv6() { 40 } else { 20 }
    }

    /// What a member's endpoints send.
    pub fn bursts(&self, member: &Member) -> Vec<Burst> {
        let peers: Vec<&Member> = self.talkers().filter(|peer| peer.name != member.name).collect();
        if peers.is_empty() || self.talkers().all(|it| it.name != member.name) {
            return Vec::new();
        }
        // What is outside comes last: of all that packets go by, the gateway comes up last.
        let (mut bursts, mut outward) = (Vec::new(), Vec::new());
        for (from, ipv6) in Overlay::ALL.into_iter().flat_map(|from| [(from, false), (from, true)]) {
            let fills = Self::inner_mtu(member) - if ipv6 { 48 } else { 28 };
            let to = |overlay: Overlay| -> Vec<_> {
                let of =
                    |peer: &&Member| (peer.name.clone(), self.endpoints(peer)[overlay as usize].place.address(ipv6));
                peers.iter().map(of).collect()
            };
            let many = (MANY / peers.len() as u16).clamp(2, MANY / 2);
            let burst = |trial, payload, count, patience_ms, to| Burst { trial, from, payload, count, patience_ms, to };
            bursts.push(burst(Trial::Small, SMALL, many, PATIENCE_MS, to(from)));
            bursts.push(burst(Trial::Filling, fills, SOME, PATIENCE_MS, to(from)));
            bursts.push(burst(Trial::Across, SMALL, 1, IMPATIENCE_MS, to(from.other())));
            if from != Overlay::ROUTED {
                // Of that one packets are watched, which would be dropped together with those that are too large.
                bursts.push(burst(Trial::TooLarge, fills + 1, 1, IMPATIENCE_MS, to(from)));
            } else if self.gateway().is_some_and(|gateway| gateway.talks) {
                let outside = vec![(OUTSIDE.to_owned(), Place::OUTSIDE.address(ipv6))];
                outward.push(burst(Trial::Outward, SMALL, SOME, PATIENCE_MS, outside));
            }
        }
        bursts.append(&mut outward);
        bursts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Network, Outline, Plan, Presence, Segments, Service};

    fn state(datapath: Datapath) -> State {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline::default(), Segments::documentation());
        State { datapath: Some(datapath), ..plan.state }
    }

    #[test]
    fn who_carries_packets_itself_has_the_address_of_the_tunnel_on_a_bridge() {
        let mut state = state(Datapath::Userspace);
        assert!(!state.has_traffic() && state.without_traffic().is_none());
        state.lay_traffic();
        let first = &state.members[0];
        assert_eq!((first.encap.device.as_str(), first.encap.via.as_str()), ("br-phy", "br-phy"));
        assert_eq!(first.wire().map(|nic| nic.device.as_str()), Some("eth0"));
        assert_eq!(first.nics.iter().filter(|nic| nic.bridge.is_some()).count(), 1);
        let mut again = state.clone();
        again.lay_traffic();
        assert_eq!(again, state, "who has endpoints keeps them");
        let (laid, mut left) = (state.clone(), state);
        left.members[0].unbridge();
        assert_eq!(left.members[0].encap, super::tests::state(Datapath::Userspace).members[0].encap);
        assert_eq!((&left.members[1], left.members[0].wire().is_some()), (&laid.members[1], true));
        let mut kernel = super::tests::state(Datapath::Kernel);
        kernel.lay_traffic();
        assert_eq!(kernel.members[0].encap.device, "eth0");
        assert_eq!(kernel.members[0].wire().map(|nic| nic.device.as_str()), Some("eth0"));
    }

    #[test]
    fn all_who_talk_send_to_all_others_in_both_families_and_to_nobody_else() {
        let mut state = state(Datapath::Kernel);
        state.lay_traffic();
        state.members[2].presence = Presence::Down;
        let bursts = state.bursts(&state.members[0]);
        assert_eq!(bursts.len(), 16, "{bursts:?}");
        assert!(bursts.iter().all(|burst| burst.to.len() == 1), "{bursts:?}");
        let payloads =
            |trial| -> Vec<u16> { bursts.iter().filter(|it| it.trial == trial).map(|it| it.payload).collect() };
        // 1500 less 58 is 1442.
        assert_eq!(payloads(Trial::Filling), [1414, 1394, 1414, 1394]);
        assert_eq!(payloads(Trial::TooLarge), [1415, 1395]);
        for burst in &bursts {
            let crosses = Overlay::of(burst.to[0].1) != Some(burst.from);
            assert_eq!(crosses, matches!(burst.trial, Trial::Across | Trial::Outward), "{burst:?}");
        }
        state.members[1].cut.insert(Network::Management);
        assert!(!state.has_traffic() && state.bursts(&state.members[0]).is_empty());
    }

    #[test]
    fn ipv6_in_front_leaves_less() {
        let mut state = state(Datapath::Kernel);
        state.members[0].encap.ip = "fd42::1".parse().expect("an address");
        assert_eq!((State::inner_mtu(&state.members[0]), State::inner_mtu(&state.members[1])), (1422, 1442));
    }

    #[test]
    fn where_nothing_can_be_laid_it_is_said() {
        let mut state = state(Datapath::Kernel);
        for member in &mut state.members[1..] {
            member.services.remove(&Service::Chassis);
        }
        assert!(state.without_traffic().is_some_and(|why| why.starts_with("1 members")));
        for member in &mut state.members {
            member.services.remove(&Service::Central);
        }
        assert!(state.without_traffic().is_some_and(|why| why.contains("Northbound")));
    }
}
