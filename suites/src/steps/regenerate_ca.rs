//! MicroOVN makes a new authority, and everybody gets new certificates.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::State;

use super::{cannot_reissue, name, numbers, reissued, says_reissued};

pub(super) const KIND: StepKind = StepKind {
    name: "regenerate_ca",
    about: "a new authority is made, and with it all certificates",
    possible: |state| StepKind::of(state, numbers(state).map(|member| RegenerateCa { member })),
};

/// A new authority is made by a command on a member.
#[derive(Debug, Clone, Copy)]
pub struct RegenerateCa {
    /// The number of the member on which the command is given.
    pub member: usize,
}

impl Step for RegenerateCa {
    fn words(&self) -> String {
        format!("regenerate_ca_{}", self.member)
    }

    fn about(&self) -> String {
        format!("a new authority is made on member {}, and new certificates on all", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        cannot_reissue(state, self.member)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let act = Act::run(&name(state, self.member), ["microovn", "certificates", "regenerate-ca"]);
        vec![says_reissued(act, state)]
    }

    // Recorded: an authority that was given before is no longer that of the cluster, and this one MicroOVN renews by itself again.
    fn effect(&self, state: &mut State) {
        reissued(state, None);
    }
}
