//! Which of two releases a member has.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Release, State};

pub(super) const CHECK: Check = Check {
    name: "snap_version",
    about: "every member has the release of the snap that it was formed of, or was refreshed to",
    reads: &[Subject::Version],
    applies: |state| state.newer.is_some(),
    judge: Judge::Upgrade(judge),
};

const TABLE: &str = "snap list";

fn judge(_newer: &Release, state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        match observation.get(&member.name, |seen| &seen.version) {
            Ok(seen) => verdict.compare(&member.name, TABLE, "Version", &state.release_of(member).version, seen),
            Err(reason) => verdict.unread(&member.name, TABLE, reason),
        };
    }
    verdict.finish()
}
