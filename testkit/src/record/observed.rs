//! Tunnel endpoints and tunnels as they were seen, and what went over NICs, beside the plan.
//!
//! The checks judge; this only pairs what was planned with what was seen, for the picture of a cell.

use std::net::IpAddr;

use super::schema::{Carried, Endpoint, Network, Tunnel, TunnelState};
use crate::expect::Observation;
use crate::ovn::Switch;
use crate::plan::{Member, Plan, Service, network_between};

/// Every chassis, and every tunnel that is planned or was seen.
pub(super) fn network(plan: &Plan, observation: &Observation) -> Network {
    let mut network = Network::default();
    for member in plan.state.members_with(Service::Chassis) {
        let switch = observation.find(&member.name).and_then(|seen| seen.switch.get().ok());
        let seen = switch.and_then(|switch| switch.open_vswitch.external_ids.get("ovn-encap-ip")).cloned();
        network.endpoints.push(Endpoint {
            member: member.name.clone(),
            wanted: member.encap.ip.to_string(),
            as_planned: seen.as_ref().is_some_and(|text| text.parse() == Ok(member.encap.ip)),
            seen,
        });
        network.tunnels.extend(tunnels(plan, member, switch));
    }
    network.carried = plan.state.talkers().flat_map(|member| carried(plan, member, observation)).collect();
    network
}

/// What went over the NICs of a member, by who is at the other end and by the network that it is of.
fn carried(plan: &Plan, member: &Member, observation: &Observation) -> Vec<Carried> {
    let traffic = observation.find(&member.name).and_then(|seen| seen.traffic.get().ok());
    let carrier = member.wire().map(|nic| nic.device.as_str());
    let mut all: Vec<Carried> = Vec::new();
    for wire in traffic.iter().flat_map(|traffic| &traffic.wires) {
        for flow in &wire.flows {
            let own = |end: IpAddr| has(member, end) || end == member.encap.ip;
            let (source, destination) = (flow.like.source, flow.like.destination);
            if !own(source) && !own(destination) {
                // What a bridge hands to everybody.
                continue;
            }
            let other = if own(source) { destination } else { source };
            let peer = plan
                .state
                .members()
                .find(|peer| peer.name != member.name && (peer.encap.ip == other || has(peer, other)));
            let ends =
                peer.is_some_and(|peer| peer.encap.ip == other) && [source, destination].contains(&member.encap.ip);
            let planned = carrier == Some(wire.device.as_str()) && ends;
            let peer = peer.map(|peer| peer.name.clone());
            let overlay = flow.like.inner.and_then(network_between);
            let alike = |it: &&mut Carried| {
                it.device == wire.device && it.planned == planned && it.peer == peer && it.overlay == overlay
            };
            match all.iter_mut().find(alike) {
                Some(known) => (known.packets, known.bytes) = (known.packets + flow.packets, known.bytes + flow.bytes),
                None => all.push(Carried {
                    member: member.name.clone(),
                    device: wire.device.clone(),
                    peer,
                    overlay,
                    packets: flow.packets,
                    bytes: flow.bytes,
                    planned,
                }),
            }
        }
    }
    all.sort_by(|one, other| (&one.device, &one.peer, &one.overlay).cmp(&(&other.device, &other.peer, &other.overlay)));
    all
}

/// The tunnels of one member: first those that are planned, then the others.
fn tunnels(plan: &Plan, member: &Member, switch: Option<&Switch>) -> Vec<Tunnel> {
    let interfaces = switch.into_iter().flat_map(|switch| &switch.interfaces).filter(|it| it.kind == "geneve");
    let mut remotes: Vec<String> = interfaces.filter_map(|it| it.options.get("remote_ip").cloned()).collect();
    let peers: Vec<&Member> =
        plan.state.members_with(Service::Chassis).filter(|peer| peer.name != member.name).collect();
    let planned = |peer: &Member, seen: Option<String>, state| Tunnel {
        from: member.name.clone(),
        to: Some(peer.name.clone()),
        wanted: Some(peer.encap.ip.to_string()),
        seen,
        state,
    };
    if switch.is_none() {
        return peers.iter().map(|peer| planned(peer, None, TunnelState::Unread)).collect();
    }
    // What is as planned is paired first, so that a wrong tunnel is not taken for the one of a peer that has its own.
    let exact: Vec<Option<String>> = peers.iter().map(|peer| take(&mut remotes, |ip| ip == peer.encap.ip)).collect();
    let mut tunnels = Vec::new();
    for (peer, exact) in peers.iter().zip(exact) {
        tunnels.push(match exact {
            Some(seen) => planned(peer, Some(seen), TunnelState::Right),
            None => match take(&mut remotes, |ip| has(peer, ip)) {
                Some(seen) => planned(peer, Some(seen), TunnelState::Wrong),
                None => planned(peer, None, TunnelState::Missing),
            },
        });
    }
    tunnels.extend(remotes.into_iter().map(|seen| Tunnel {
        from: member.name.clone(),
        to: None,
        wanted: None,
        seen: Some(seen),
        state: TunnelState::Extra,
    }));
    tunnels
}

/// Takes the first remote end that is an address like this.
fn take(remotes: &mut Vec<String>, wanted: impl Fn(IpAddr) -> bool) -> Option<String> {
    let at = remotes.iter().position(|text| text.parse().is_ok_and(&wanted))?;
    Some(remotes.remove(at))
}

/// Whether an address is one of the member's.
fn has(member: &Member, ip: IpAddr) -> bool {
    let nics = member.nics.iter().flat_map(|nic| &nic.addresses);
    nics.chain(&member.loopback).any(|net| net.addr() == ip)
}
