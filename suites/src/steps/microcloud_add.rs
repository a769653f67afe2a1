//! MicroCloud adds a member to the cluster that it formed.

use testkit::journey::{Act, Step, StepKind, Watch, What};
use testkit::plan::{Presence, State};

use super::add::{answers, cannot_enter, entered};
use super::{name, numbers, other};

pub(super) const KIND: StepKind = StepKind {
    name: "microcloud_add",
    about: "MicroCloud adds a member to the cluster that it formed",
    possible: |state| {
        let by = |member| other(state, member).map(|by| MicrocloudAdd { member, by });
        StepKind::of(state, numbers(state).flat_map(by))
    },
};

/// `microcloud add` on a member, and `microcloud join` on one that is outside.
#[derive(Debug, Clone, Copy)]
pub struct MicrocloudAdd {
    /// The number of the member that joins.
    pub member: usize,
    /// Where it is added.
    pub by: usize,
}

impl Step for MicrocloudAdd {
    fn words(&self) -> String {
        format!("microcloud_add_{}", self.member)
    }

    fn about(&self) -> String {
        format!("MicroCloud adds member {} on member {}", self.member, self.by)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let others = || (!state.is_microclouds()).then(|| "MicroCloud did not form this cluster".to_owned());
        others().or_else(|| cannot_enter(state, self.member, self.by, Presence::Outside))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vec![Act::of(&name(state, self.member), What::AddByMicrocloud { by: name(state, self.by) })]
    }

    // It tells MicroOVN what `microovn` would tell it, so the same comes of it.
    fn effect(&self, state: &mut State) {
        entered(state, self.member);
    }

    fn leaves_tap(&self) -> bool {
        true
    }

    fn watches(&self, state: &State) -> Vec<Watch> {
        answers(state, self.by)
    }
}
