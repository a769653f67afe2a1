//! A member stands still, and goes on.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Standstill, State};

use super::{acts_of_standstill, find, find_mut, learns, name, no_such, not_spared, numbers, stands_still};

pub(super) const KIND: StepKind = StepKind {
    name: "freeze",
    about: "all processes of a member stand still, or go on",
    possible: |state| {
        let mut steps = StepKind::of(state, numbers(state).map(|member| Freeze { member }));
        steps.extend(StepKind::of(state, numbers(state).map(|member| Thaw { member })));
        steps
    },
};

/// All processes of a member stand still; its connections stay.
#[derive(Debug, Clone, Copy)]
pub struct Freeze {
    /// The member's number.
    pub member: usize,
}

/// The processes of a member that stand still go on.
#[derive(Debug, Clone, Copy)]
pub struct Thaw {
    /// The member's number.
    pub member: usize,
}

impl Step for Freeze {
    fn words(&self) -> String {
        format!("freeze_{}", self.member)
    }

    fn about(&self) -> String {
        format!("all processes of member {} stand still", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_spared(state, self.member)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        acts_of_standstill(state, self.member, What::Freeze)
    }

    fn effect(&self, state: &mut State) {
        stands_still(state, self.member, Standstill::Frozen);
    }
}

impl Step for Thaw {
    fn words(&self) -> String {
        format!("thaw_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the processes of member {} go on", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let frozen = |state| find(state, self.member).is_some_and(|it| it.standstill == Some(Standstill::Frozen));
        no_such(state, self.member)
            .or_else(|| (!frozen(state)).then(|| format!("member {} does not stand still", self.member)))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vec![Act::of(&name(state, self.member), What::Thaw)]
    }

    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.standstill = None;
            member.reckon();
        }
        learns(state, self.member);
    }
}
