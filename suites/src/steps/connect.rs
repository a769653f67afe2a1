//! What the snap needs of the system is connected by hand, as after an install of a file.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Member, State};

use super::{Restart, find, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "connect",
    about: "the plugs of the snap are connected by hand on a member, and the snap is restarted",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Connect { member })),
};

/// The plugs of the snap that snapd does not connect by itself are connected by hand on a member, after none of them was, and the
/// snap is restarted.
#[derive(Debug, Clone, Copy)]
pub struct Connect {
    /// The member's number.
    pub member: usize,
}

/// Those that MicroOVN's page names.
const PLUGS: [&str; 8] = [
    "firewall-control",
    "hardware-observe",
    "hugepages-control",
    "network-control",
    "network-setup-control",
    "openvswitch-support",
    "process-control",
    "system-trace",
];

/// Those of them that the member's release has and its system provides.
fn plugs(state: &State, member: &Member) -> impl Iterator<Item = &'static str> {
    let plugs = &state.release_of(member).plugs;
    PLUGS.into_iter().filter(|name| plugs.get(*name).is_some_and(|plug| plug.refused.is_none()))
}

impl Step for Connect {
    fn words(&self) -> String {
        format!("connect_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the plugs of the snap on member {} are connected by hand, and the snap is restarted", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        Restart { member: self.member, unit: None }.impossible(state)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let Some(member) = find(state, self.member) else { return Vec::new() };
        let each = |verb| {
            plugs(state, member).map(move |plug| Act::run(&member.name, ["snap", verb, &format!("microovn:{plug}")]))
        };
        let restart = Restart { member: self.member, unit: None };
        each("disconnect").chain(each("connect")).chain(restart.acts(state)).collect()
    }

    fn effect(&self, state: &mut State) {
        Restart { member: self.member, unit: None }.effect(state);
    }
}
