//! Members get endpoints on logical networks, and send each other packets from then on. Those that have them keep them.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{HostFact, Need, State};

pub(super) const KIND: StepKind = StepKind {
    name: "traffic",
    about: "every member with a chassis gets endpoints on two logical networks, which send each other packets",
    possible: |state| StepKind::of(state, [Traffic]),
};

/// Every member that can gets endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Traffic;

impl Step for Traffic {
    fn words(&self) -> String {
        "traffic".to_owned()
    }

    fn about(&self) -> String {
        "every member with a chassis gets endpoints on two logical networks".to_owned()
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Host(HostFact::Packets)]
    }

    fn impossible(&self, state: &State) -> Option<String> {
        state.without_traffic()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let first = state.online().next().map(|member| member.name.as_str()).unwrap_or_default();
        vec![Act::of(first, What::Lay)]
    }

    fn effect(&self, state: &mut State) {
        state.lay_traffic();
    }
}
