//! A daemon is killed: it comes back by itself, or stays down until its service is restarted.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Process, State, Turnover};

use super::{find, find_mut, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "kill",
    about: "a daemon of a member is killed",
    possible: |state| {
        let all = |member| Process::ALL.into_iter().map(move |process| Kill { member, process });
        StepKind::of(state, numbers(state).flat_map(all))
    },
};

/// A daemon of a member is killed.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    /// The member's number.
    pub member: usize,
    /// The daemon.
    pub process: Process,
}

impl Kill {
    /// Recorded: systemd starts those again that are the process of their unit. The others run behind a script, which does not
    /// mind, and those that have a monitor are started again by it after a crash only.
    fn comes_back(self) -> bool {
        matches!(self.process, Process::Daemon | Process::Northbound | Process::Southbound)
    }
}

impl Step for Kill {
    fn words(&self) -> String {
        format!("kill_{}_{}", self.process.word(), self.member)
    }

    fn about(&self) -> String {
        let then = if self.comes_back() { "comes back" } else { "stays down" };
        format!("{} of member {} is killed, and {then}", self.process, self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let lives = |state| find(state, self.member).is_some_and(|member| member.lives(self.process));
        not_online(state, self.member)
            .or_else(|| (!lives(state)).then(|| format!("{} does not run on member {}", self.process, self.member)))
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        vec![Act::of(&name(state, self.member), What::Kill { process: self.process, signal: "KILL".to_owned() })]
    }

    // Recorded: nobody else's process is another, and all that is written stays.
    fn effect(&self, state: &mut State) {
        let (name, process) = (name(state, self.member), self.process);
        if let Some(member) = find_mut(state, self.member) {
            member.upset.insert(process.unit().to_owned());
            if !self.comes_back() {
                member.dead.insert(process);
            }
        }
        if let Some(changes) = state.since.as_mut().filter(|_| self.comes_back()) {
            changes.process(&name, process, Turnover::Fresh);
        }
    }
}
