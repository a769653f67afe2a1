//! A change made in the Northbound on any member reaches the Southbound and every chassis, and all stays as it was.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Member, Process, Service, State};

pub(super) const KIND: StepKind = StepKind {
    name: "propagate",
    about: "a logical switch is added and removed on every member",
    possible: |state| StepKind::of(state, [Propagate]),
};

/// A logical switch is added on every member, reaches the Southbound and every chassis, and goes again.
#[derive(Debug, Clone, Copy)]
pub struct Propagate;

impl Step for Propagate {
    fn words(&self) -> String {
        "propagate".to_owned()
    }

    fn about(&self) -> String {
        "a logical switch is added and removed on every member".to_owned()
    }

    fn impossible(&self, state: &State) -> Option<String> {
        if state.databases().is_empty() || !state.has_quorum() {
            return Some("the databases cannot be written".to_owned());
        }
        let lives = |process| state.members.iter().any(|member| member.lives(process));
        // Of databases elsewhere it is elsewhere, too.
        if state.central_ips.is_empty() && !lives(Process::Northd) {
            return Some("no ovn-northd runs".to_owned());
        }
        // Each of its changes is waited for until the chassis of all that are up have taken it in.
        let broken = |member: &&Member| member.dead.iter().any(|it| it.service() != Some(Service::Central));
        state.online().find(broken).map(|member| format!("the chassis of {} is broken", member.name))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        // It is done on all of them at once.
        state.online().next().map(|member| Act::of(&member.name, What::Propagate)).into_iter().collect()
    }

    fn effect(&self, _state: &mut State) {}
}
