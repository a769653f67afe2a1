//! The snap of a member is removed.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Presence, State};

use super::{find, find_mut, name, no_such, not_spared, numbers, vote};

pub(super) const KIND: StepKind = StepKind {
    name: "remove_snap",
    about: "the snap of a member is removed, of one that is in the cluster or not",
    possible: |state| StepKind::of(state, numbers(state).map(|member| RemoveSnap { member })),
};

/// The snap of a member is removed, and its file is kept for [`InstallSnap`](super::InstallSnap).
#[derive(Debug, Clone, Copy)]
pub struct RemoveSnap {
    /// The member's number.
    pub member: usize,
}

/// Where snapd has the snap that a member was made with, which is from a file and the first.
const SNAP: &str = "/var/lib/snapd/snaps/microovn_x1.snap";
/// Where it stays.
pub(super) const KEPT: &str = "/root/removed.snap";

impl Step for RemoveSnap {
    fn words(&self) -> String {
        format!("remove_snap_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the snap of member {} is removed", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Some(member) = find(state, self.member) else { return no_such(state, self.member) };
        if member.bare {
            return Some(format!("the snap of member {} was removed", self.member));
        }
        if state.newer.is_some() {
            return Some("there are two releases, of which a member keeps one only".to_owned());
        }
        match member.presence {
            Presence::Outside | Presence::Left => None,
            Presence::Online | Presence::Down | Presence::Gone | Presence::Elsewhere => not_spared(state, self.member),
        }
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let votes = find(state, self.member).filter(|it| it.belongs()).and_then(|_| vote(state, self.member));
        let keep = Act::run(&name, ["ln", "--force", SNAP, KEPT]);
        let remove = Act::run(&name, ["snap", "remove", "microovn"]).says("microovn removed");
        votes.into_iter().chain([keep, remove]).collect()
    }

    // Recorded: to the others it is as if its instance was shut down, and what is written of it stays; on itself nothing does.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.bare = true;
            member.had.clear();
            member.dead.clear();
            member.security_log = None;
            member.reckon();
        }
    }
}
