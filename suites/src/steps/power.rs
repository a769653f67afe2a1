//! A member's instance is ended at once, as by a failure of power.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{acts_of_standstill, not_spared, numbers, stands_still};

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
        acts_of_standstill(state, self.member, What::CutPower)
    }

    fn effect(&self, state: &mut State) {
        stands_still(state, self.member, Standstill::Off);
    }
}
