//! A member's instance is ended at once, as by a failure of power.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{find_mut, name, not_spared, numbers, vote};

pub(super) const KIND: StepKind = StepKind {
    name: "power",
    about: "the instance of a member is ended at once, as by a failure of power",
    possible: |state| StepKind::of(state, numbers(state).map(|member| CutPower { member })),
};

/// The instance of a member is ended at once, as by a failure of power.
#[derive(Debug, Clone, Copy)]
pub struct CutPower {
    /// The member's number.
    pub member: usize,
}

impl Step for CutPower {
    fn words(&self) -> String {
        format!("cut_power_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the instance of member {} is ended at once, as by a failure of power", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_spared(state, self.member)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vote(state, self.member).into_iter().chain([Act::of(&name(state, self.member), What::CutPower)]).collect()
    }

    // Recorded: the others list it as unreachable, and everything that is written of it stays.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.standstill = Some(Standstill::Off);
            member.reckon();
        }
    }
}
