//! MicroOVN makes a new authority, and everybody gets new certificates.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Presence, State, Turnover, planned_certificates};

use super::{name, not_online, numbers, without_leader};

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
        let down = state.members.iter().find(|member| member.presence == Presence::Down);
        not_online(state, self.member)
            .or_else(|| without_leader(state))
            .or_else(|| down.map(|member| format!("{} is down, and would keep the old one", member.name)))
    }

    // Recorded: it says so of every member, in no certain order.
    fn acts(&self, state: &State) -> Vec<Act> {
        let act = Act::run(&name(state, self.member), ["microovn", "certificates", "regenerate-ca"]);
        let mut act = act.says("New CA certificate: Issued");
        for member in state.online() {
            act = act.says(format!("[Host {}]", member.name));
            for stem in planned_certificates(&member.services) {
                act = act.says(format!("{stem}: Success"));
            }
        }
        vec![act]
    }

    // Recorded: no process is another. An authority that was given before is no longer that of the cluster, and this one
    // MicroOVN renews by itself again.
    fn effect(&self, state: &mut State) {
        state.user_ca = None;
        let all: Vec<_> = state.online().map(|it| (it.name.clone(), planned_certificates(&it.services))).collect();
        let Some(changes) = &mut state.since else { return };
        changes.authority = Turnover::Fresh;
        for (member, stems) in all {
            stems.into_iter().for_each(|stem| changes.certificate(&member, stem, Turnover::Fresh));
        }
    }
}
