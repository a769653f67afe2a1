//! What is on the wire is Geneve as OVN promises it.

use std::collections::BTreeSet;

use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::ovn::{Bindings, Southbound};
use crate::packets::{ETHERNET, GeneveOption, Header, Like, Wire};
use crate::plan::{Member, State, network_between};

pub(super) const CHECK: Check = Check {
    name: "geneve",
    about: "packets on the planned NIC are Geneve of version 0 with Ethernet in it (RFC 8926), the key of their network, OVN's option, \
            and a checksum where the Encap row of whom they go to promises one",
    reads: &[Subject::Traffic, Subject::Southbound],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    super::wires(state, observation, &mut verdict, |member, planned, wire, verdict| {
        if !planned {
            return;
        }
        let Some(southbound) = super::southbound(state, observation, member, "Encap", verdict) else { return };
        match observation.get(&member.name, |seen| &seen.bindings) {
            Ok(bindings) => on_the_wire(member, wire, southbound, bindings, verdict),
            Err(reason) => drop(verdict.unread(&member.name, "Datapath_Binding", reason)),
        }
    });
    verdict.finish()
}

fn on_the_wire(
    member: &Member,
    wire: &Wire,
    southbound: &Southbound,
    bindings: &Bindings,
    verdict: &mut VerdictBuilder,
) {
    let table = format!("geneve on {}", wire.device);
    // What is alike in all that is compared is compared once.
    let mut all: BTreeSet<(String, String, String)> = BTreeSet::new();
    for flow in &wire.flows {
        let ends = format!("{} > {}", flow.like.source, flow.like.destination);
        let mut compare = |column: &str, wanted: String, seen: String| {
            all.insert((format!("{ends}: {column}"), wanted, seen));
        };
        match &flow.like.header {
            Ok(header) => of_packet(&flow.like, header, southbound, bindings, &mut compare),
            Err(problem) => compare("header", "Geneve".to_owned(), problem.clone()),
        }
    }
    for (column, wanted, seen) in all {
        verdict.compare(&member.name, &table, &column, wanted, seen);
    }
}

fn of_packet(
    like: &Like,
    header: &Header,
    southbound: &Southbound,
    bindings: &Bindings,
    compare: &mut impl FnMut(&str, String, String),
) {
    compare("version", "0".to_owned(), header.version.to_string());
    compare("protocol", format!("{ETHERNET:#06x}"), format!("{:#06x}", header.protocol));
    // Whether anybody is there is for another check.
    if let Some(encap) = southbound.encaps.iter().find(|encap| encap.ip.parsed() == Some(like.destination)) {
        let promised = encap.options.get("csum").is_some_and(|csum| csum == "true");
        let has = |it: bool| if it { "one" } else { "none" }.to_owned();
        compare("UDP checksum", has(promised), has(header.checksum));
    }
    // What members ask each other to know whether they are there is of no network.
    let Some(network) = like.inner.and_then(network_between) else { return };
    let key = bindings.find_key(&network);
    let key = key.map_or_else(|| "a key that the Southbound does not have".to_owned(), |key| key.to_string());
    compare(&format!("VNI of {network}"), key, header.vni.to_string());
    let seen: Vec<String> = header.options.iter().map(ToString::to_string).collect();
    let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
    compare("options", GeneveOption::OVN.to_string(), seen);
}
