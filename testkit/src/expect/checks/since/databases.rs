//! Whether the databases are those that they were.

use super::{after_a_step, compare};
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Changes, Service, State};

pub(in crate::expect::checks) const CHECK: Check = Check {
    name: "databases_since",
    about: "the Northbound and the Southbound are the clusters that they were, by their ids, where the step makes no new ones",
    reads: &[Subject::NbRaft, Subject::SbRaft],
    applies: |state| after_a_step(state) && super::super::with_centrals(state),
    judge: Judge::Since(judge),
};

fn judge(changes: &Changes, state: &State, seen: &Observation, before: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for central in state.online_with(Service::Central) {
        for (table, now, was) in [
            ("OVN_Northbound", seen.get(&central.name, |seen| &seen.nb_raft), northbound(before)),
            ("OVN_Southbound", seen.get(&central.name, |seen| &seen.sb_raft), southbound(before)),
        ] {
            match (now, was) {
                (Err(reason), _) => drop(verdict.unread(&central.name, table, reason)),
                (Ok(now), Some(was)) => {
                    let now = now.cluster_id.as_deref().unwrap_or("unknown");
                    compare(&mut verdict, (&central.name, table, "cluster id"), changes.databases, &was, now);
                }
                // There was none before.
                (Ok(now), None) => {
                    let now = now.cluster_id.as_deref().unwrap_or("unknown");
                    verdict.judge(now != "unknown", &central.name, table, "cluster id", "one that is known", now, None);
                }
            }
        }
    }
    verdict.finish()
}

/// The id of the cluster as the first member said that had one.
fn northbound(before: &Observation) -> Option<String> {
    before.members.values().find_map(|member| member.nb_raft.get().ok()?.cluster_id.clone())
}

fn southbound(before: &Observation) -> Option<String> {
    before.members.values().find_map(|member| member.sb_raft.get().ok()?.cluster_id.clone())
}
