//! A member's snap is refreshed to the newer release.

use testkit::journey::{Act, Step, StepKind, Watch};
use testkit::plan::{Need, Service, State};

use super::{all_are_new, centrals, find, find_mut, name, no_quorum, not_online, numbers, other, without_leader};

pub(super) const KIND: StepKind = StepKind {
    name: "refresh",
    about: "the snap of a member is refreshed to the newer release",
    possible: |state| StepKind::of(state, numbers(state).map(|member| Refresh { member })),
};

/// A member's snap is refreshed to the newer release.
#[derive(Debug, Clone, Copy)]
pub struct Refresh {
    /// The member's number.
    pub member: usize,
}

/// Where the snap of the newer release is on every member that is made of the older.
const SNAP: &str = "/root/microovn.snap";

/// So long the Southbound may be silent while a member is refreshed. Recorded: 12 s, when the last is and the databases get
/// their new schemas. Where the server that leads ends without handing over, the others wait 16 s before they choose another.
const GAP_MS: u64 = 30_000;
/// The same where so many centrals are down that without this one there is no majority: it comes back first, and then they choose.
const LONE_GAP_MS: u64 = 90_000;

/// Why no service of a member can be counted on to be as before when its snap was replaced: one was killed.
pub(super) fn killed(state: &State, member: usize) -> Option<String> {
    let dead = find(state, member).and_then(|it| it.dead.first());
    dead.map(|process| format!("{process} was killed, and whether a refresh brings it back was not recorded"))
}

impl Step for Refresh {
    fn words(&self) -> String {
        format!("refresh_{}", self.member)
    }

    fn about(&self) -> String {
        format!("member {} is refreshed to the newer release", self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let of_member = || {
            let refreshed = find(state, self.member).is_some_and(|it| it.refreshed);
            let newer = || state.newer.is_none().then(|| "there is no newer release".to_owned());
            newer().or_else(|| refreshed.then(|| format!("member {} has the newer release already", self.member)))
        };
        not_online(state, self.member)
            .or_else(of_member)
            .or_else(|| killed(state, self.member))
            .or_else(|| without_leader(state))
            .or_else(|| no_quorum(state))
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Older]
    }

    // snapd connects those plugs of a file's snap that are as before, and none that is new.
    fn acts(&self, state: &State) -> Vec<Act> {
        let (name, newer) = (name(state, self.member), state.newer.clone().unwrap_or_default());
        let install = Act::run(&name, ["snap", "install", "--dangerous", SNAP]);
        let new = newer.plugs.iter().filter(|(plug, _)| !state.release.plugs.contains_key(*plug));
        let connect = new
            .filter(|(_, plug)| !plug.lacks_provider())
            .map(|(plug, _)| Act::run(&name, ["snap", "connect", &format!("microovn:{plug}")]));
        [install.says(format!("microovn {} installed", newer.version))].into_iter().chain(connect).collect()
    }

    // Recorded: all is as before but the processes, and the schemas of the databases where it was the last.
    fn effect(&self, state: &mut State) {
        if let Some(member) = find_mut(state, self.member) {
            member.refreshed = true;
        }
        all_are_new(state, self.member);
    }

    // Not on itself: snapd refuses to replace a snap while one of its commands runs.
    fn watches(&self, state: &State) -> Vec<Watch> {
        let Some(on) = other(state, self.member) else { return Vec::new() };
        let others = state.online_with(Service::Central).filter(|it| it.name != name(state, self.member)).count();
        let gap_ms = if 2 * others > centrals(state) { GAP_MS } else { LONE_GAP_MS };
        vec![Watch::Southbound { on: name(state, on), gap_ms }]
    }
}
