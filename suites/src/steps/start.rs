//! A member whose instance was shut down or ended is booted.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{all_are_new, find, find_mut, name, no_such, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "start",
    about: "the instance of a member is booted that was shut down or ended",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Start { member })),
};

/// The instance of a member is booted.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The member's number.
    pub member: usize,
}

impl Step for Start {
    fn words(&self) -> String {
        format!("start_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the instance of member {} is booted", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let off = |state| find(state, self.member).is_some_and(|it| it.standstill == Some(Standstill::Off));
        // Recorded: one that was removed meanwhile runs as before, and never gets over it.
        let gone = find(state, self.member).is_some_and(|it| !it.belongs());
        no_such(state, self.member)
            .or_else(|| gone.then(|| format!("member {} was removed", self.member)))
            .or_else(|| (!off(state)).then(|| format!("the instance of member {} is not off", self.member)))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vec![Act::of(&name(state, self.member), What::Start)]
    }

    // Recorded: all is as before but the processes.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.booted();
        }
        all_are_new(state, self.member);
    }
}
