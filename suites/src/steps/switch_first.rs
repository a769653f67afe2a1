//! The switch of a member that is outside is started before anything else, and then the member enters the cluster.

use testkit::journey::{Act, Step, StepKind, Watch};
use testkit::plan::{Need, Presence, State};

use super::{add, name, numbers, other};

pub(super) const KIND: StepKind = StepKind {
    name: "switch_first",
    about: "the switch of a member that is outside is started by hand, and then the member enters the cluster",
    possible: |state| {
        let by = |member| other(state, member).map(|by| SwitchFirst { member, by });
        StepKind::of(state, numbers(state).flat_map(by))
    },
};

/// The switch of a member that is outside is started by hand, and then the member enters the cluster.
#[derive(Debug, Clone, Copy)]
pub struct SwitchFirst {
    /// The member's number.
    pub member: usize,
    /// Who issues its token.
    pub by: usize,
}

impl Step for SwitchFirst {
    fn words(&self) -> String {
        format!("switch_first_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the switch of member {} is started before it enters with a token of member {}", self.member, self.by)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        add::cannot_enter(state, self.member, self.by, Presence::Outside)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let run = |words: &[&str]| Act::run(&name, words.iter().copied());
        let nobody = "database connection failed (No such file or directory)";
        let before = [
            run(&["microovn", "status"]).refused("Error: failed listing services: Database is not yet initialized"),
            run(&["microovn.ovs-vsctl", "show"])
                .refused(format!("ovs-vsctl: unix:/var/snap/microovn/common/run/switch//db.sock: {nobody}")),
            run(&["snap", "start", "microovn.switch"]).says("Started."),
            // It is no more than a switch: what makes a chassis of it is not there.
            run(&["microovn.ovs-vsctl", "--retry", "--timeout=60", "show"])
                .says("    ovs_version: …")
                .never_says("    Bridge br-int"),
            run(&["snap", "services", "microovn.switch"]).says("microovn.switch  disabled  active   -"),
            run(&["microovn", "status"]).refused("Error: failed listing services: Database is not yet initialized"),
        ];
        before.into_iter().chain(add::enters(state, self.member, self.by)).collect()
    }

    // It is a member like any other then.
    fn effect(&self, state: &mut State) {
        add::entered(state, self.member);
    }

    fn watches(&self, state: &State) -> Vec<Watch> {
        add::answers(state, self.by)
    }
}
