//! The snap of a member that was removed is installed again.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Need, Presence, State};

use super::remove_snap::KEPT;
use super::{find, find_mut, name, no_such, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "install_snap",
    about: "the snap is installed again where it was removed, on a host that is in no cluster",
    possible: |state| StepKind::of(state, numbers(state).map(|member| InstallSnap { member })),
};

/// The snap is installed again where it was removed, and waits to be told.
#[derive(Debug, Clone, Copy)]
pub struct InstallSnap {
    /// The member's number.
    pub member: usize,
}

impl Step for InstallSnap {
    fn words(&self) -> String {
        format!("install_snap_{}", self.member)
    }

    fn about(&self) -> String {
        format!("the snap is installed again on member {}", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let Some(member) = find(state, self.member) else { return no_such(state, self.member) };
        match member {
            it if !it.bare => Some(format!("member {} has its snap", self.member)),
            // Recorded: it would be two members of a name, and two servers of each database.
            it if it.belongs() => {
                Some(format!("the cluster still has member {}, which is to be removed first", self.member))
            }
            _ => None,
        }
    }

    fn needs(&self) -> Vec<Need> {
        // For `waitready`.
        vec![Need::CoreApi]
    }

    // snapd connects few plugs of a snap that is from a file; those that are connected stay so.
    fn acts(&self, state: &State) -> Vec<Act> {
        let name = name(state, self.member);
        let run = |words: &[&str]| Act::run(&name, words.iter().copied());
        let install = run(&["snap", "install", "--dangerous", KEPT])
            .says(format!("microovn {} installed", state.release.version));
        let plugs = state.release.plugs.iter().filter(|(_, plug)| !plug.lacks_provider());
        let connect = plugs.map(|(plug, _)| run(&["snap", "connect", &format!("microovn:{plug}")]));
        let ready = [run(&["microovn", "waitready", "-t", "60"]), run(&["rm", KEPT])];
        [install].into_iter().chain(connect).chain(ready).collect()
    }

    // Of what it was before it knows nothing.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.bare = false;
            member.presence = Presence::Outside;
        }
    }
}
