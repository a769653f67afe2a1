//! The cluster of Southbound servers.

use super::raft;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Database, State};

pub(super) const CHECK: Check = Check {
    name: "sb_clustered",
    about: "the Southbound servers of all centrals, and no others, are one cluster with one leader",
    reads: &[Subject::SbRaft],
    applies: super::with_centrals,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    raft::judge(CHECK.name, state, Database::Southbound, |member| observation.get(&member.name, |seen| &seen.sb_raft))
}
