//! What carries packets.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::ovn::Switch;
use crate::plan::{Datapath, Service, State};

pub(super) const CHECK: Check = Check {
    name: "datapath",
    about: "the integration bridge of every chassis has the datapath that was decided for the members",
    reads: &[Subject::Switch],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

/// The integration bridge, as ovn-controller calls it by default.
const BRIDGE: &str = "br-int";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        let Some(switch) = super::switch(observation, member, "Bridge", &mut verdict) else { continue };
        let bridge = switch.bridges.iter().find(|bridge| bridge.name == BRIDGE);
        let seen: &str = match bridge.map(|bridge| bridge.datapath_type.as_str()) {
            // What is not set is the kernel's.
            Some("") => Datapath::Kernel.kind(),
            Some(kind) => kind,
            None => "no such bridge",
        };
        // A plan that was only drawn leaves it to the host.
        let wanted = state.datapath.map_or(seen, |datapath| datapath.kind());
        verdict.compare(&member.name, "Bridge", "br-int datapath_type", wanted, seen);
        let has = !is_without(switch);
        let seen = if has { "one" } else { "none" };
        verdict.judge(has, &member.name, "Bridge", "br-int datapath_id", "one", seen, lacks(state.datapath));
    }
    verdict.finish()
}

/// Whether Open vSwitch could not give the integration bridge a datapath.
pub(super) fn is_without(switch: &Switch) -> bool {
    switch.bridges.iter().any(|bridge| bridge.name == BRIDGE && bridge.datapath_id.is_none())
}

/// What a datapath needs that is not there.
fn lacks(datapath: Option<Datapath>) -> Option<String> {
    let what = match datapath? {
        Datapath::Kernel => "the kernel's datapath needs the module openvswitch on the LXD host",
        Datapath::Userspace => "the userspace datapath needs /dev/net/tun in members",
    };
    Some(what.to_owned())
}
