//! The tunnel endpoint that MicroOVN wrote into the local switch.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "ovs_encap_ip",
    about: "external_ids:ovn-encap-ip is the planned address on every member that has or had a chassis, and absent on the others",
    reads: &[Subject::Switch],
    applies: |state| state.online().any(|member| Subject::Switch.applies_to(member)),
    judge: Judge::Now(judge),
};

const COLUMN: &str = "external_ids:ovn-encap-ip";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online().filter(|member| Subject::Switch.applies_to(member)) {
        let Some(switch) = super::switch(observation, member, "Open_vSwitch", &mut verdict) else { continue };
        let seen = switch.open_vswitch.external_ids.get("ovn-encap-ip").map(String::as_str);
        // Recorded: what was told of a chassis stays when it is off.
        if member.runs(Service::Chassis) || member.had.contains(&Service::Chassis) {
            verdict.compare_address(state, member, "Open_vSwitch", COLUMN, member.encap.ip, seen);
        } else {
            let note = Some("this member has no chassis".to_owned());
            let shown = seen.unwrap_or("nothing");
            verdict.judge(seen.is_none(), &member.name, "Open_vSwitch", COLUMN, "nothing", shown, note);
        }
    }
    verdict.finish()
}
