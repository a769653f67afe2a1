//! The cluster of Northbound servers.

use super::raft;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Database, State};

pub(super) const CHECK: Check = Check {
    name: "nb_clustered",
    about: "the Northbound servers of all centrals, and no others, are one cluster with one leader",
    reads: &[Subject::NbRaft],
    applies: super::with_centrals,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    raft::judge(CHECK.name, state, Database::Northbound, |member| observation.get(&member.name, |seen| &seen.nb_raft))
}
