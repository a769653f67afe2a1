//! A change made in the Northbound on any member reaches the Southbound and every chassis, and all stays as it was.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Service, State};

pub(super) const KIND: StepKind = StepKind {
    name: "propagate",
    about: "a logical switch is added and removed on every member",
    possible: |state| StepKind::of(state, [Propagate]),
};

/// A logical switch is added on every member, reaches the Southbound and every chassis, and goes again.
#[derive(Debug, Clone, Copy)]
pub struct Propagate;

impl Step for Propagate {
    fn words(&self) -> String {
        "propagate".to_owned()
    }

    fn about(&self) -> String {
        "a logical switch is added and removed on every member".to_owned()
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let central = state.members_with(Service::Central).next().is_some();
        (!central || !state.has_quorum()).then(|| "the databases cannot be written".to_owned())
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        // It is done on all of them at once.
        state.online().next().map(|member| Act::of(&member.name, What::Propagate)).into_iter().collect()
    }

    fn effect(&self, _state: &mut State) {}
}
