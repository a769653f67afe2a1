//! Traffic between members takes the planned way and no other.

use std::net::IpAddr;

use crate::expect::explain::explain_address;
use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::packets::Wire;
use crate::plan::{Member, State};

pub(super) const CHECK: Check = Check {
    name: "underlay_only",
    about: "what members send each other over logical networks goes over the planned NIC of each, from and to the planned tunnel \
            endpoints, and none of it over another",
    reads: &[Subject::Traffic],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    super::wires(state, observation, &mut verdict, |member, planned, wire, verdict| {
        if planned {
            on_the_planned(state, member, wire, verdict);
        } else {
            on_another(wire, &member.name, verdict);
        }
    });
    verdict.finish()
}

/// Packets to and from every peer, and nothing between other addresses.
fn on_the_planned(state: &State, member: &Member, wire: &Wire, verdict: &mut VerdictBuilder) {
    let (table, own) = (format!("geneve on {}", wire.device), member.encap.ip);
    let lost = wire.dropped.map_or_else(|| "unknown".to_owned(), |dropped| dropped.to_string());
    verdict.compare(&member.name, &table, "packets not handed over by the kernel", 0, lost);
    for peer in super::others(state, member) {
        let (name, theirs) = (&peer.name, peer.encap.ip);
        for (column, from, to) in [(format!("to {name}"), own, theirs), (format!("from {name}"), theirs, own)] {
            let any = wire.flows.iter().any(|flow| (flow.like.source, flow.like.destination) == (from, to));
            let wanted = format!("packets {from} > {to}");
            let seen = if any { wanted.clone() } else { "none".to_owned() };
            verdict.compare(&member.name, &table, &column, wanted, seen);
        }
    }
    let planned = |address: IpAddr| state.members().find(|it| it.encap.ip == address);
    for flow in &wire.flows {
        let (from, to) = (flow.like.source, flow.like.destination);
        let stranger = [from, to].into_iter().find(|end| planned(*end).is_none());
        let ends = [from, to].contains(&own);
        if !ends && stranger.is_none() {
            // A bridge hands to everybody what is for one that it has not heard for a while, and a switch has its ports listen.
            continue;
        }
        let note = stranger.and_then(|it| explain_address(state, member, own, &it.to_string()));
        let seen = format!("{} packets {from} > {to}", flow.packets);
        let wanted = format!("packets between {own} and the endpoint of a member");
        verdict.judge(stranger.is_none(), &member.name, &table, "tunnel endpoints", wanted, seen, note);
    }
}

fn on_another(wire: &Wire, member: &str, verdict: &mut VerdictBuilder) {
    let table = format!("geneve on {}", wire.device);
    let packets: u64 = wire.flows.iter().map(|flow| flow.packets).sum();
    let between = wire.flows.first().map(|flow| format!("such as {} > {}", flow.like.source, flow.like.destination));
    verdict.judge(packets == 0, member, &table, "packets", "0", packets.to_string(), between);
}
