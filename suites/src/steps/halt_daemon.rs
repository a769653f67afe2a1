//! MicroOVN's daemon is stopped, waited for in vain, and started again.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Process, State, Turnover};

use super::{name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "halt_daemon",
    about: "MicroOVN's daemon is stopped on a member, waited for in vain, started again and waited for",
    possible: |state| StepKind::of(state, numbers(state).map(|member| HaltDaemon { member })),
};

/// MicroOVN's daemon is stopped on a member, waited for in vain, started again and waited for.
#[derive(Debug, Clone, Copy)]
pub struct HaltDaemon {
    /// The member's number.
    pub member: usize,
}

impl Step for HaltDaemon {
    fn words(&self) -> String {
        format!("halt_daemon_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the daemon of member {} is stopped, waited for in vain, and started again", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        not_online(state, self.member)
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::CoreApi]
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let run = |words: &[&str]| Act::run(&name, words.iter().copied());
        let socket = "dial unix /var/snap/microovn/common/state/control.socket: connect: no such file or directory";
        // Recorded.
        let gone = |method: &str, path: &str| format!("Error: {method}Get \"http://control.socket{path}\": {socket}");
        vec![
            run(&["snap", "stop", "microovn.daemon"]).says("Stopped."),
            run(&["microovn", "waitready", "-t", "1"])
                .refused(gone("MicroCluster still not running after context deadline exceeded: ", "/core/1.0/ready")),
            run(&["microovn", "status"]).refused(gone("failed listing services: ", "/1.0/services")),
            run(&["microovn", "cluster", "list"]).refused(gone("", "/core/1.0/cluster")),
            // What it started goes on without it.
            run(&["microovn.ovn-sbctl", "--timeout=30", "show"]),
            run(&["snap", "start", "microovn.daemon"]).says("Started."),
            run(&["microovn", "waitready", "-t", "60"]),
            run(&["microovn", "status"]).says("MicroOVN deployment summary:"),
        ]
    }

    // Recorded: nothing but the daemon is another.
    fn effect(&self, state: &mut State) {
        let name = name(state, self.member);
        if let Some(changes) = &mut state.since {
            changes.process(&name, Process::Daemon, Turnover::Fresh);
        }
    }
}
