//! The snap's services.

use crate::expect::{Check, Observation, Subject, Verdict};
use crate::microovn::planned_services;
use crate::plan::Plan;

pub(super) const CHECK: Check = Check {
    name: "services",
    about: "the snap services of the planned services are enabled and active on every member, and the others are not",
    reads: &[Subject::Services],
    applies: super::everywhere,
    judge,
};

const TABLE: &str = "snap services";

fn judge(plan: &Plan, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in &plan.members {
        let list = match observation.get(&member.name, |seen| &seen.services) {
            Ok(list) => list,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        let planned = planned_services(&member.services);
        for (name, (startup, current)) in &planned {
            let seen = list.iter().find(|service| service.name == *name);
            let seen = seen
                .map_or_else(|| "not listed".to_owned(), |service| format!("{} {}", service.startup, service.current));
            verdict.compare(&member.name, TABLE, name, format!("{startup} {current}"), seen);
        }
        // A service this framework has never heard of may exist, but no init option starts it.
        for service in list.iter().filter(|service| !planned.contains_key(service.name.as_str())) {
            let note = Some("a service this framework does not know".to_owned());
            let holds = service.current == crate::microovn::Activity::Inactive;
            let seen = service.current.to_string();
            verdict.judge(holds, &member.name, TABLE, &service.name, "inactive", seen, note);
        }
    }
    verdict.finish()
}
