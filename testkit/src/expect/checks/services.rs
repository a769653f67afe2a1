//! The snap's services.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::microovn::{Activity, planned_services};
use crate::plan::{Process, State};

pub(super) const CHECK: Check = Check {
    name: "services",
    about: "the snap services of the planned services are enabled and active on every member, the others are not, and \
            there are those that the snap declares",
    reads: &[Subject::Services],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "snap services";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.equipped() {
        let list = match observation.get(&member.name, |seen| &seen.services) {
            Ok(list) => list,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        let mut planned = planned_services(state.release_of(member), member.running());
        // Recorded: its unit ends with it. Those of the others that stay down go on.
        if let Some((_, current)) = planned.get_mut("ovn-northd").filter(|_| member.dead.contains(&Process::Northd)) {
            *current = Activity::Inactive;
        }
        for (&name, (startup, current)) in &planned {
            let seen = list.iter().find(|service| service.name == name);
            let seen = seen
                .map_or_else(|| "not listed".to_owned(), |service| format!("{} {}", service.startup, service.current));
            verdict.compare(&member.name, TABLE, name, format!("{startup} {current}"), seen);
        }
        // What a service does that this framework has never heard of is the release's affair, but it must be there.
        let names = |names: &mut dyn Iterator<Item = &str>| sorted(names.filter(|name| !planned.contains_key(name)));
        let declared = names(&mut state.release_of(member).services.iter().map(String::as_str));
        let listed = names(&mut list.iter().map(|service| service.name.as_str()));
        verdict.compare(&member.name, TABLE, "other services of the snap", declared, listed);
    }
    verdict.finish()
}
