//! A member is removed from the cluster.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Presence, Service, State, Turnover};

use super::{centrals, find, name, no_quorum, northd_restarts, not_online, numbers, other, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "remove",
    about: "a member is removed from the cluster, by force where it is down",
    possible: |state| {
        let by = |member| {
            let ways = move |by| [false, true].map(|force| Remove { member, by, force });
            other(state, member).into_iter().flat_map(ways)
        };
        StepKind::of(state, numbers(state).flat_map(by))
    },
};

/// A member is removed from the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Remove {
    /// The member's number.
    pub member: usize,
    /// Who removes it.
    pub by: usize,
    /// With `--force`, because it is down.
    pub force: bool,
}

impl Step for Remove {
    fn words(&self) -> String {
        format!("remove_{}{}", self.member, if self.force { "_by_force" } else { "" })
    }

    fn about(&self) -> String {
        let Self { member, by, force } = self;
        format!("member {by} removes member {member}{}", if *force { ", which is down, by force" } else { "" })
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Self { member, by, force } = *self;
        let of_state = || {
            let it = find(state, member)?;
            let (central, last) = (it.runs(Service::Central), centrals(state) == 1);
            if member == by {
                Some(format!("member {member} is no other than itself"))
            } else if central && last {
                Some(format!("member {member} is the last central"))
            } else {
                no_quorum(state)
            }
        };
        let wanted = if force { Presence::Down } else { Presence::Online };
        let there = match find(state, member) {
            None => Some(format!("there is no member {member}, but {}", state.members.len())),
            Some(it) => (it.presence != wanted).then(|| format!("member {member} is {}", it.presence)),
        };
        there.or_else(|| not_online(state, by)).or_else(|| without_leader(state)).or_else(of_state)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let target = name(state, self.member);
        let force: &[&str] = if self.force { &["--force"] } else { &[] };
        let words = [&["microovn", "cluster", "remove"], force, &[&target]].concat();
        vec![Act::run(&name(state, self.by), words)]
    }

    // Recorded: nobody has heard of it afterwards, and ovn-northd starts again on every central. One that can be told stops
    // everything but its daemon; one that is down does not hear of it.
    fn effect(&self, state: &mut State) {
        if let Some(it) = self.member.checked_sub(1).and_then(|index| state.members.get_mut(index)) {
            it.presence = if self.force { Presence::Gone } else { Presence::Left };
        }
        northd_restarts(state, Turnover::Fresh);
    }
}
