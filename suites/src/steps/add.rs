//! A member that is outside enters the cluster.

use std::collections::BTreeSet;

use testkit::journey::{Act, Step, StepKind, Watch, What};
use testkit::plan::{Presence, Service, State, Turnover};

use super::{
    centrals, find, name, no_quorum, northd_restarts, not_online, numbers, of_another_release, other, without_leader,
};

pub(super) const KIND: StepKind = StepKind {
    name: "add",
    about: "a member enters the cluster with a token that another issues",
    possible: |state| {
        let by = |member| other(state, member).map(|by| Add { member, by });
        StepKind::of(state, numbers(state).flat_map(by))
    },
};

/// A member that is outside enters the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Add {
    /// The member's number.
    pub member: usize,
    /// Who issues its token.
    pub by: usize,
}

/// So long the Southbound may be silent while a member enters: it goes on as it was. Seen of the real one on a very busy host:
/// 5.5 s, most of it the command that asks.
const GAP_MS: u64 = 10_000;

/// Why a member cannot enter, if it cannot: it is not where it would come from, or nobody can let it in.
pub(super) fn cannot_enter(state: &State, member: usize, by: usize, from: Presence) -> Option<String> {
    match find(state, member) {
        None => Some(format!("there is no member {member}, but {}", state.members.len())),
        Some(it) if it.bare => Some(format!("the snap of member {member} was removed")),
        Some(it) if it.presence != from => Some(format!("member {member} is {}", it.presence)),
        Some(it) if it.is_peer() => Some(format!("the router of member {member} is a peer of the members' already")),
        // What it is told is told to one that bootstraps.
        Some(_) if member == 1 => Some("member 1 bootstraps, and is told nothing for a join".to_owned()),
        Some(_) => not_online(state, by)
            .or_else(|| without_leader(state))
            .or_else(|| no_quorum(state))
            .or_else(|| of_another_release(state, member)),
    }
}

/// It enters as its recipe says.
pub(super) fn enters(state: &State, member: usize, by: usize) -> Vec<Act> {
    vec![Act::of(&name(state, member), What::Enter { by: name(state, by) })]
}

/// Recorded: it has what it is told, or central too where fewer than three have it; nothing is left of what it had; and
/// ovn-northd starts again on every central, ovn-controller on none.
pub(super) fn entered(state: &mut State, member: usize) {
    let with_central = centrals(state) < 3;
    if let Some(it) = member.checked_sub(1).and_then(|index| state.members.get_mut(index)) {
        let chosen = || {
            let central = with_central.then_some(Service::Central);
            BTreeSet::from([Service::Chassis, Service::Switch]).into_iter().chain(central).collect()
        };
        it.presence = Presence::Online;
        it.services = it.told.clone().unwrap_or_else(chosen);
        it.had.clear();
    }
    northd_restarts(state, Turnover::Fresh);
}

/// While it enters the Southbound answers.
pub(super) fn answers(state: &State, by: usize) -> Vec<Watch> {
    vec![Watch::Southbound { on: name(state, by), gap_ms: GAP_MS }]
}

impl Step for Add {
    fn words(&self) -> String {
        format!("add_{}", self.member)
    }

    fn about(&self) -> String {
        format!("member {} enters with a token of member {}", self.member, self.by)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let microclouds = "MicroCloud formed this cluster, and adds its members";
        let microclouds = state.is_microclouds().then(|| microclouds.to_owned());
        microclouds.or_else(|| cannot_enter(state, self.member, self.by, Presence::Outside))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        enters(state, self.member, self.by)
    }

    fn effect(&self, state: &mut State) {
        entered(state, self.member);
    }

    fn watches(&self, state: &State) -> Vec<Watch> {
        answers(state, self.by)
    }
}
