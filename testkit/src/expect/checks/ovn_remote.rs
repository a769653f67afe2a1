//! The Southbound that a member's ovn-controller connects to.

use super::SOUTHBOUND_PORT;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::ovn::{Connection, Connections};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "ovn_remote",
    about: "external_ids:ovn-remote names the Southbound of every central and nothing else, on every chassis",
    reads: &[Subject::Switch],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let wanted: Connections =
        state.databases().into_iter().map(|address| Connection::ssl(address, SOUTHBOUND_PORT)).collect();
    for member in state.online_with(Service::Chassis) {
        let Some(switch) = super::switch(observation, member, "Open_vSwitch", &mut verdict) else { continue };
        let seen = switch.open_vswitch.external_ids.get("ovn-remote").map(String::as_str);
        super::connection_strings::compare(
            &mut verdict,
            &member.name,
            ("Open_vSwitch", "external_ids:ovn-remote"),
            &wanted,
            seen,
        );
    }
    verdict.finish()
}
