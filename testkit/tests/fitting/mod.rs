//! What is observed on a cluster that is as it must be: every read of every member that can be asked, as the tools print it.
//! The suites hold their steps by it, too.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod certificates;
mod daemons;
mod packets;
mod tools;

pub(crate) use certificates::*;
use testkit::expect::{Observation, Subject};
use testkit::plan::{Changes, State, Turnover};
pub(crate) use tools::*;

/// What is observed on a cluster that is as it must be, when it was formed.
pub(crate) fn observe(state: &State) -> Observation {
    observe_since(state, &Changes::default())
}

/// What is observed on a cluster that is as it must be, where this has changed since it was formed.
pub(crate) fn observe_since(state: &State, changes: &Changes) -> Observation {
    let mut observation = Observation::default();
    for member in state.asked() {
        for subject in Subject::ALL {
            for read in subject.reads(state, member) {
                let output = printed(state, member, read, changes);
                observation.record(&member.name, read, output.as_deref().map_err(ToString::to_string));
            }
        }
    }
    observation
}

/// How often something was made before it was as it is. What may be either is another, as it mostly is.
fn number(turnover: Turnover) -> usize {
    usize::from(turnover != Turnover::Same)
}
