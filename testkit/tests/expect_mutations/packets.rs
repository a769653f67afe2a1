//! What packets show: each thing changed in what came back, or in what was captured, is found by exactly the checks named here.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::expect::{CHECKS, Read, Reading, is_of_packets};
use testkit::packets::{Flow, GeneveOption, Header, Ping, Wire};
use testkit::plan::{GATEWAY_PORT, Overlay, Place, State, Trial};

use crate::case::{Case, inner};
use crate::table::Mutation;
use crate::{common, found_by};

const MUTATIONS: &[Mutation] = &[
    ("a small packet is lost", &["east_west"], |c| c.ping(Trial::Small).received -= 1),
    ("all in one direction are lost", &["east_west"], |c| c.ping(Trial::Small).received = 0),
    ("what fills the MTU does not cross", &["east_west", "mtu"], |c| c.ping(Trial::Filling).received = 0),
    ("one of those is lost", &["east_west"], |c| c.ping(Trial::Filling).received -= 1),
    ("what is too large crosses", &["mtu"], |c| c.ping(Trial::TooLarge).received = 1),
    ("the other network answers", &["isolated"], |c| c.ping(Trial::Across).received = 1),
    ("nothing was sent to the other network", &["isolated"], |c| c.ping(Trial::Across).sent = 0),
    ("nothing was sent to a peer", &["east_west"], |c| c.ping(Trial::Small).sent = 0),
    ("packets on the other NIC", &["underlay_only"], |c| {
        let flow = c.carrier().flows[0].clone();
        c.other_wire().flows.push(flow);
    }),
    ("no packets to a peer on the planned NIC", &["underlay_only"], |c| {
        let to = c.carrier().flows[0].like.destination;
        c.carrier().flows.retain(|flow| flow.like.destination != to);
    }),
    ("packets to somebody else", &["underlay_only"], |c| {
        let mut flow = c.carrier().flows[0].clone();
        flow.like.destination = "192.0.2.99".parse().unwrap();
        c.carrier().flows.push(flow);
    }),
    ("the kernel did not hand over all", &["underlay_only"], |c| c.carrier().dropped = Some(3)),
    ("it is unknown whether it did", &["underlay_only"], |c| c.carrier().dropped = None),
    ("nobody looked at a NIC", &["geneve", "underlay_only"], |c| {
        let nics: Vec<String> = c.state.members[0].nics.iter().map(|nic| nic.device.clone()).collect();
        inner(&mut c.at(0).traffic).wires.retain(|wire| wire.device != nics[0]);
        // Of the planned one both miss what was on it.
        inner(&mut c.at(0).traffic).wires.clear();
    }),
    ("the key of the other network", &["geneve"], |c| {
        let (from, to) = (c.header(0).vni, c.header_of(Overlay::Blue).vni);
        assert_ne!(from, to);
        c.header(0).vni = to;
    }),
    ("another version", &["geneve"], |c| c.header(0).version = 1),
    ("no Ethernet inside", &["geneve"], |c| c.header(0).protocol = 0x0800),
    ("no option", &["geneve"], |c| c.header(0).options.clear()),
    ("an option of another type", &["geneve"], |c| c.header(0).options[0].kind = 0x01),
    ("an option more", &["geneve"], |c| c.header(0).options.push(GeneveOption::OVN)),
    ("no checksum", &["geneve"], |c| c.header(0).checksum = false),
    ("no header", &["geneve"], |c| c.carrier().flows[0].like.header = Err("4 bytes, and too few for a header".into())),
    ("what leaves has the key of the network that it left", &["geneve"], |c| {
        let (red, outside) = (c.header_of(Overlay::Red).vni, Place::OUTSIDE.address(false));
        let leaves = |flow: &&mut Flow| flow.like.inner.is_some_and(|(_, to)| to == outside);
        c.carrier_at(1).flows.iter_mut().find(leaves).unwrap().like.header.as_mut().unwrap().vni = red;
    }),
    ("one that was sent out is lost", &["failover"], |c| c.ping(Trial::Outward).received -= 1),
    ("nothing was sent out", &["failover"], |c| c.ping(Trial::Outward).sent = 0),
    ("the gateway is on the second", &["failover"], |c| c.bind_gateway(Some(1))),
    ("nobody has the gateway", &["failover"], |c| c.bind_gateway(None)),
    ("who has what was not read", &["failover", "geneve"], |c| c.at(0).bindings = Reading::NotRead),
    ("packets were not read", &["east_west", "failover", "geneve", "isolated", "mtu", "underlay_only"], |c| {
        c.at(0).traffic = Reading::Failed("exit 1".to_owned());
    }),
    ("large packets were not read", &["mtu"], |c| c.at(0).large_packets = Reading::NotRead),
];

/// What these do is done on the first member.
impl Case<'_> {
    fn ping(&mut self, trial: Trial) -> &mut Ping {
        let burst = self.state.bursts(&self.state.members[0]).into_iter().find(|burst| burst.trial == trial).unwrap();
        let (from, to, payload) = (burst.from.to_string(), burst.to[0].1, burst.payload);
        let seen = self.at(0);
        let reading = if trial == Trial::TooLarge { &mut seen.large_packets } else { &mut seen.traffic };
        let mut all = inner(reading).pings.iter_mut();
        all.find(|ping| ping.from == from && ping.to == to && ping.payload == payload).unwrap()
    }
    /// What was captured on the NIC to the tunnels' endpoints.
    fn carrier(&mut self) -> &mut Wire {
        self.carrier_at(0)
    }
    /// The same on another member.
    fn carrier_at(&mut self, at: usize) -> &mut Wire {
        let device = self.state.members[at].wire().unwrap().device.clone();
        inner(&mut self.at(at).traffic).wires.iter_mut().find(|wire| wire.device == device).unwrap()
    }
    /// Binds the gateway to the chassis of a member, or to none.
    fn bind_gateway(&mut self, to: Option<usize>) {
        let chassis = to.map(|to| {
            let name = &self.state.members[to].name;
            inner(&mut self.at(0).southbound).chassis.iter().find(|row| row.name == *name).unwrap().uuid.clone()
        });
        let chassis = chassis.map_or(json!(["set", []]), |uuid| json!(["uuid", uuid]));
        let networks = json!({"data": [[["map", [["name", "red"]]], 7], [["map", [["name", "blue"]]], 8],
                                       [["map", [["name", "edge"]]], 9]], "headings": ["external_ids", "tunnel_key"]});
        let ports = json!({"data": [[GATEWAY_PORT, chassis]], "headings": ["logical_port", "chassis"]});
        self.at(0).record(Read::Bindings, Ok(&format!("{networks}{ports}")));
    }
    fn other_wire(&mut self) -> &mut Wire {
        let device = self.state.members[0].wire().unwrap().device.clone();
        inner(&mut self.at(0).traffic).wires.iter_mut().find(|wire| wire.device != device).unwrap()
    }
    fn header(&mut self, at: usize) -> &mut Header {
        self.carrier().flows[at].like.header.as_mut().unwrap()
    }
    fn header_of(&mut self, overlay: Overlay) -> Header {
        let is = |flow: &&Flow| flow.like.inner.is_some_and(|(from, _)| Overlay::of(from) == Some(overlay));
        self.carrier().flows.iter().find(is).unwrap().like.header.clone().unwrap()
    }
}

#[test]
fn that_some_packets_of_many_are_lost_is_known() {
    for (name, state) in states() {
        let mut seen = common::observe(&state);
        assert!(!seen.loses_packets(), "{name}");
        let mut case = Case { state: &state, seen: &mut seen };
        case.ping(Trial::Small).received = 0;
        assert!(!case.seen.loses_packets(), "{name}: nothing comes through");
        case.ping(Trial::Small).received = 1;
        assert!(case.seen.loses_packets(), "{name}");
    }
}

#[test]
fn what_two_others_send_each_other_is_none_of_a_members() {
    for (name, state) in states().into_iter().filter(|(_, state)| state.talkers().count() > 2) {
        let mut seen = common::observe(&state);
        let mut case = Case { state: &state, seen: &mut seen };
        let mut flow = case.carrier().flows[0].clone();
        (flow.like.source, flow.like.destination) = (state.members[1].encap.ip, state.members[2].encap.ip);
        case.carrier().flows.push(flow);
        assert_eq!(found_by(&state, &seen), BTreeSet::new(), "{name}");
    }
}

/// The clusters of all states, with members that send each other packets.
fn states() -> Vec<(&'static str, State)> {
    let lay = |(name, mut state): (&'static str, State)| {
        state.lay_traffic();
        (name, state)
    };
    common::states().into_iter().map(lay).collect()
}

#[test]
fn a_cluster_whose_packets_cross_as_planned_passes() {
    for (name, state) in states() {
        let seen = common::observe(&state);
        assert_eq!(found_by(&state, &seen), BTreeSet::new(), "{name}");
        for check in CHECKS.iter().filter(|check| is_of_packets(check.name)) {
            assert!(check.judge(&state, &seen, None).passed(), "{name}: {}", check.name);
        }
    }
}

#[test]
fn what_is_wrong_with_packets_is_found_by_exactly_its_checks() {
    for (name, state) in states() {
        let planned = common::observe(&state);
        for (mutation, checks, mutate) in MUTATIONS {
            let mut seen = planned.clone();
            mutate(&mut Case { state: &state, seen: &mut seen });
            assert_ne!(seen, planned, "{name}: {mutation}: nothing was changed");
            let wanted: BTreeSet<&str> = checks.iter().copied().collect();
            assert_eq!(found_by(&state, &seen), wanted, "{name}: {mutation}");
        }
    }
    let used: BTreeSet<&str> = MUTATIONS.iter().flat_map(|(_, checks, _)| checks.iter().copied()).collect();
    let known: BTreeSet<&str> =
        CHECKS.iter().filter(|check| is_of_packets(check.name)).map(|check| check.name).collect();
    assert_eq!(used, known);
}

#[test]
fn without_packets_nothing_judges_them() {
    let state = common::state(false, true);
    assert!(testkit::expect::applicable(&state).all(|check| !is_of_packets(check.name)));
}
