//! The cluster of Northbound servers.

use super::raft;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::State;

pub(super) const CHECK: Check = Check {
    name: "nb_clustered",
    about: "the Northbound servers of all centrals, and no others, are one cluster with one leader",
    reads: &[Subject::NbRaft],
    applies: super::with_centrals,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    // The port is recorded: `cluster/status` of every central.
    let database = raft::Database { name: "OVN_Northbound", port: 6643 };
    raft::judge(CHECK.name, state, &database, |member| observation.get(&member.name, |seen| &seen.nb_raft))
}
