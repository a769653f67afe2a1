//! A member's instance is shut down.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{find_mut, name, not_spared, numbers, vote};

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
        vote(state, self.member).into_iter().chain([Act::of(&name(state, self.member), What::Stop)]).collect()
    }

    // Recorded: the others list it as unreachable, and everything that is written of it stays.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.standstill = Some(Standstill::Off);
            member.reckon();
        }
    }
}
