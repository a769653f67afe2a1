//! Table Chassis of the Southbound.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "sb_chassis",
    about: "the Southbound has one Chassis row for every member with a chassis, with its host name, and no other, as \
            seen from every member",
    reads: &[Subject::Southbound],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        let southbound = super::southbound(state, observation, member, "Chassis", &mut verdict);
        let Some(southbound) = southbound else { continue };
        let wanted = sorted(state.members_with(Service::Chassis).map(|chassis| &chassis.name));
        verdict.compare(
            &member.name,
            "Chassis",
            "name",
            wanted,
            sorted(southbound.chassis.iter().map(|row| &row.name)),
        );
        for chassis in state.members_with(Service::Chassis) {
            for row in southbound.chassis.iter().filter(|row| row.name == chassis.name) {
                let column = format!("{} hostname", chassis.name);
                verdict.compare(&member.name, "Chassis", &column, &chassis.hostname, &row.hostname);
            }
        }
    }
    verdict.finish()
}
