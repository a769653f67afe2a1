//! A member that left enters the cluster again, with a new token.

use testkit::journey::{Act, Step, StepKind, Watch};
use testkit::plan::{Presence, State};

use super::{add, numbers, other};

pub(super) const KIND: StepKind = StepKind {
    name: "rejoin",
    about: "a member that left enters the cluster again, with a new token",
    possible: |state| {
        let by = |member| other(state, member).map(|by| Rejoin { member, by });
        StepKind::of(state, numbers(state).flat_map(by))
    },
};

/// A member that left enters the cluster again, with a new token.
#[derive(Debug, Clone, Copy)]
pub struct Rejoin {
    /// The member's number.
    pub member: usize,
    /// Who issues its token.
    pub by: usize,
}

impl Step for Rejoin {
    fn words(&self) -> String {
        format!("rejoin_{}", self.member)
    }

    fn about(&self) -> String {
        format!("member {} enters again with a token of member {}", self.member, self.by)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        add::cannot_enter(state, self.member, self.by, Presence::Left)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        add::enters(state, self.member, self.by)
    }

    fn effect(&self, state: &mut State) {
        add::entered(state, self.member);
    }

    fn watches(&self, state: &State) -> Vec<Watch> {
        add::answers(state, self.by)
    }
}
