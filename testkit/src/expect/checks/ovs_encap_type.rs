//! The tunnel protocol that MicroOVN wrote into the local switch.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "ovs_encap_type",
    about: "external_ids:ovn-encap-type is geneve on every member with a chassis",
    reads: &[Subject::Switch],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        match observation.get(&member.name, |seen| &seen.switch) {
            Ok(switch) => {
                let seen = switch.open_vswitch.external_ids.get("ovn-encap-type").map_or("nothing", String::as_str);
                verdict.compare(&member.name, "Open_vSwitch", "external_ids:ovn-encap-type", "geneve", seen);
            }
            Err(reason) => drop(verdict.unread(&member.name, "Open_vSwitch", reason)),
        }
    }
    verdict.finish()
}
