//! The tunnels that ovn-controller made in the local switch.

use super::{datapath, sorted};
use crate::expect::explain::explain_address;
use crate::expect::subject::peers;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::ovn::AddressText;
use crate::plan::{Member, Service, State};

pub(super) const CHECK: Check = Check {
    name: "tunnels",
    about: "every chassis has exactly one geneve interface to the tunnel endpoint of every other chassis, and none to \
            anything else, nor has a member whose chassis is off; where there never was a central nobody has any",
    reads: &[Subject::Switch],
    // A lone chassis that was never another's peer has nothing to compare.
    applies: |state| {
        state.members_with(Service::Chassis).count() > 1 || state.since.is_some() && super::with_chassis(state)
    },
    judge: Judge::Now(judge),
};

const COLUMN: &str = "options:remote_ip";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let was_chassis = |member: &&Member| member.runs(Service::Switch) && member.had.contains(&Service::Chassis);
    for member in state.online().filter(|member| member.runs(Service::Chassis) || was_chassis(member)) {
        let Some(switch) = super::switch(observation, member, "Interface", &mut verdict) else { continue };
        let tunnels: Vec<_> = switch.interfaces.iter().filter(|interface| interface.kind == "geneve").collect();
        let remotes: Vec<_> =
            tunnels.iter().map(|tunnel| tunnel.options.get("remote_ip").map(AddressText::new)).collect();
        let told = member.runs(Service::Chassis) && state.has_had_centrals();
        let peers: Vec<&Member> = peers(state, member).filter(|_| told).collect();
        let wanted: Vec<_> = peers.iter().map(|peer| peer.encap.ip).collect();

        // Counted even where there are no peers, so that a cluster of one is compared with something.
        let listed = sorted(tunnels.iter().map(|tunnel| &tunnel.name));
        // From 24.03.2 on ovn-controller makes no tunnel before the bridge has its datapath.
        let cause = if datapath::is_without(switch) && tunnels.len() < wanted.len() {
            "; br-int has no datapath, and without one there are no tunnels"
        } else {
            ""
        };
        let note = Some(format!("geneve interfaces: {listed}{cause}"));
        let (count, planned) = (tunnels.len(), wanted.len());
        verdict.judge(
            count == planned,
            &member.name,
            "Interface",
            "geneve rows",
            planned.to_string(),
            count.to_string(),
            note,
        );
        for peer in peers {
            let reach = remotes.iter().flatten().filter(|remote| remote.parsed() == Some(peer.encap.ip)).count();
            let wanted = format!("one tunnel to {}", peer.encap.ip);
            verdict.judge(
                reach == 1,
                &member.name,
                "Interface",
                COLUMN,
                wanted,
                reach.to_string(),
                Some(format!("the endpoint of {}", peer.name)),
            );
        }
        for (tunnel, remote) in tunnels.iter().zip(&remotes) {
            let planned = remote.as_ref().and_then(AddressText::parsed).is_some_and(|ip| wanted.contains(&ip));
            let shown = remote.as_ref().map_or("nothing", AddressText::as_str);
            let note = remote.as_ref().and_then(|text| explain_address(state, member, member.encap.ip, text.as_str()));
            verdict.judge(
                planned,
                &member.name,
                "Interface",
                &format!("{} {COLUMN}", tunnel.name),
                "the endpoint of a peer",
                shown,
                note,
            );
        }
    }
    verdict.finish()
}
