//! By which name a member's switch goes, which is the name of its chassis.
//!
//! MicroOVN has been seen to rename a switch to the host when it starts again. Then nothing of the member reaches the
//! Southbound any more, while all that was written there before stays as it was.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "system_id",
    about: "external_ids:system-id is the member's name on every member with a chassis, and so its Chassis row is called",
    reads: &[Subject::Switch, Subject::Southbound],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

const COLUMN: &str = "external_ids:system-id";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        let Some(switch) = super::switch(observation, member, "Open_vSwitch", &mut verdict) else { continue };
        let id = switch.open_vswitch.external_ids.get("system-id").map_or("nothing", String::as_str);
        let note = (id == member.hostname && id != member.name).then(|| "the name of its host".to_owned());
        verdict.judge(id == member.name, &member.name, "Open_vSwitch", COLUMN, &member.name, id, note);
        // Whether there is such a row at all is the matter of another check, as is a Southbound that cannot be read.
        let Ok(southbound) = observation.get(&member.name, |seen| &seen.southbound) else { continue };
        let own = southbound.chassis.iter().filter(|row| row.name == member.name || row.hostname == member.hostname);
        let names: Vec<&str> = own.map(|row| row.name.as_str()).collect();
        if !names.is_empty() {
            verdict.compare(&member.name, "Chassis", "name of this member's row", id, sorted(names));
        }
    }
    verdict.finish()
}
