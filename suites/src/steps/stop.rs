//! A member's instance is shut down.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{acts_of_standstill, not_spared, numbers, stands_still};

pub(super) const KIND: StepKind = StepKind {
    name: "stop",
    about: "the instance of a member is shut down",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Stop { member })),
};

/// The instance of a member is shut down.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// The member's number.
    pub member: usize,
}

impl Step for Stop {
    fn words(&self) -> String {
        format!("stop_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the instance of member {} is shut down", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_spared(state, self.member)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        acts_of_standstill(state, self.member, What::Stop)
    }

    fn effect(&self, state: &mut State) {
        stands_still(state, self.member, Standstill::Off);
    }
}
