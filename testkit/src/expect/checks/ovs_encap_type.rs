//! The tunnel protocol that MicroOVN wrote into the local switch.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "ovs_encap_type",
    about: "external_ids:ovn-encap-type is geneve on every member with a chassis",
    reads: &[Subject::Switch],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        let Some(switch) = super::switch(observation, member, "Open_vSwitch", &mut verdict) else { continue };
        let seen = switch.open_vswitch.external_ids.get("ovn-encap-type").map_or("nothing", String::as_str);
        verdict.compare(&member.name, "Open_vSwitch", "external_ids:ovn-encap-type", "geneve", seen);
    }
    verdict.finish()
}
