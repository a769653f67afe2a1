//! Table Encap of the Southbound: the tunnel endpoints as the whole cluster sees them.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::ovn::Southbound;
use crate::plan::{Member, Service, State};

pub(super) const CHECK: Check = Check {
    name: "sb_encap",
    about: "the Southbound has exactly one Encap row for every chassis, geneve to the planned address with checksums, \
            which its Chassis row refers to, and no other, as seen from every member",
    reads: &[Subject::Southbound],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for observer in state.online() {
        if let Some(southbound) = super::southbound(state, observation, observer, "Encap", &mut verdict) {
            rows(state, &observer.name, southbound, &mut verdict);
        }
    }
    verdict.finish()
}

fn rows(state: &State, observer: &str, southbound: &Southbound, verdict: &mut VerdictBuilder) {
    // One name for every row, so duplicates, orphans and gaps all show in this one comparison.
    let wanted = sorted(state.members_with(Service::Chassis).map(|chassis| &chassis.name));
    let seen = sorted(southbound.encaps.iter().map(|row| &row.chassis_name));
    verdict.compare(observer, "Encap", "chassis_name", wanted, seen);
    for chassis in state.members_with(Service::Chassis) {
        row(state, observer, chassis, southbound, verdict);
    }
    // A reference that nobody planned: the chassis itself is the business of `sb_chassis`.
    for row in &southbound.encaps {
        let owners = southbound.chassis.iter().filter(|chassis| chassis.encaps.contains(&row.uuid));
        let column = format!("row of {}", row.chassis_name);
        verdict.compare(observer, "Encap", &column, format!("in encaps of {}", row.chassis_name), {
            let owners = sorted(owners.map(|chassis| &chassis.name));
            format!("in encaps of {owners}")
        });
    }
}

fn row(state: &State, observer: &str, chassis: &Member, southbound: &Southbound, verdict: &mut VerdictBuilder) {
    let column = |name: &str| format!("{} {name}", chassis.name);
    let rows = || southbound.encaps.iter().filter(|row| row.chassis_name == chassis.name);
    for row in rows() {
        verdict.compare(observer, "Encap", &column("type"), "geneve", &row.kind);
        let csum = row.options.get("csum").map_or("nothing", String::as_str);
        verdict.compare(observer, "Encap", &column("options:csum"), "true", csum);
        let note = crate::expect::explain::explain_address(state, chassis, chassis.encap.ip, row.ip.as_str());
        let holds = row.ip.parsed() == Some(chassis.encap.ip);
        let wanted = chassis.encap.ip.to_string();
        verdict.judge(holds, observer, "Encap", &column("ip"), wanted, row.ip.as_str(), note);
    }
    for row in southbound.chassis.iter().filter(|row| row.name == chassis.name) {
        let wanted = sorted(rows().map(|row| &row.uuid));
        verdict.compare(observer, "Chassis", &column("encaps"), wanted, sorted(&row.encaps));
    }
}
