//! The snap is disabled and enabled again.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::State;

use super::{all_are_new, find, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "toggle",
    about: "the snap is disabled on a member and enabled again",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Toggle { member })),
};

/// The snap is disabled on a member and enabled again.
#[derive(Debug, Clone, Copy)]
pub struct Toggle {
    /// The member's number.
    pub member: usize,
}

impl Step for Toggle {
    fn words(&self) -> String {
        format!("toggle_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the snap is disabled on member {} and enabled again", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let broken = || find(state, self.member).filter(|it| !it.dead.is_empty()).map(|it| it.name.clone());
        let dead = || broken().map(|name| format!("daemons of {name} are dead"));
        not_online(state, self.member).or_else(dead)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let run = |words: &[&str]| Act::run(&name, words.iter().copied());
        vec![
            run(&["snap", "disable", "microovn"]).says("microovn disabled"),
            // Nothing of it can be called any more.
            run(&["test", "!", "-e", "/snap/bin/microovn"]),
            run(&["snap", "enable", "microovn"]).says("microovn enabled"),
        ]
    }

    // What was on is on again, and what was off is off.
    fn effect(&self, state: &mut State) {
        all_are_new(state, self.member);
    }
}
