//! A member that was refreshed goes back to the older release.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Service, State};

use super::{all_are_new, find, find_mut, name, no_quorum, not_online, numbers, refresh, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "revert",
    about: "a member that was refreshed goes back to the older release",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Revert { member })),
};

/// A member that was refreshed goes back to the older release.
#[derive(Debug, Clone, Copy)]
pub struct Revert {
    /// The member's number.
    pub member: usize,
}

impl Step for Revert {
    fn words(&self) -> String {
        format!("revert_{}", self.member)
    }

    fn about(&self) -> String {
        format!("member {} goes back to the older release", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let of_member = || {
            let it = find(state, self.member)?;
            if !it.refreshed {
                return Some(format!("member {} was not refreshed", self.member));
            }
            let stranded = state.converted && it.runs(Service::Central);
            // Recorded: its ovsdb-servers abort, over and over.
            stranded.then(|| "its servers cannot read databases that have the newer schemas".to_owned())
        };
        not_online(state, self.member)
            .or_else(of_member)
            .or_else(|| refresh::killed(state, self.member))
            .or_else(|| without_leader(state))
            .or_else(|| no_quorum(state))
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Older]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let said = format!("microovn reverted to {}", state.release.version);
        vec![Act::run(&name(state, self.member), ["snap", "revert", "microovn"]).says(said)]
    }

    // What is wanted: all is as before but the processes. Recorded: MicroOVN forgets where its tunnels end, because Open vSwitch
    // begins with an empty database where it cannot convert it back.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.refreshed = false;
        }
        all_are_new(state, self.member);
    }
}
