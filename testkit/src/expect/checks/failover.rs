//! The router's gateway is where it must be, and forwards.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{GATEWAY_PORT, State, Trial};

pub(super) const CHECK: Check = Check {
    name: "failover",
    about: "the router's gateway is on the first chassis of those that may have it and are heard, and what is sent out by it is \
            answered",
    reads: &[Subject::Traffic, Subject::Southbound],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let wanted = state.gateway().map_or("none", |gateway| gateway.name.as_str());
    for member in state.talkers() {
        let Some(southbound) = super::southbound(state, observation, member, "Chassis", &mut verdict) else { continue };
        match observation.get(&member.name, |seen| &seen.bindings) {
            Ok(bindings) => {
                let bound = bindings.find_gateway(GATEWAY_PORT);
                let named = |uuid: &str| southbound.chassis.iter().find(|chassis| chassis.uuid == uuid);
                let seen = bound.map_or("none", |uuid| named(uuid).map_or(uuid, |chassis| chassis.name.as_str()));
                verdict.compare(&member.name, "Port_Binding", &format!("chassis of {GATEWAY_PORT}"), wanted, seen);
            }
            Err(reason) => drop(verdict.unread(&member.name, "Port_Binding", reason)),
        }
    }
    super::pings(state, observation, &[Trial::Outward], &mut verdict, |burst, ping| {
        (format!("{0} of {0}", burst.count), format!("{} of {}", ping.received, ping.sent))
    });
    verdict.finish()
}
