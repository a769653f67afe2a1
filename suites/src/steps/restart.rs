//! A service of the snap is restarted, or all of them.

use testkit::journey::{Act, Step, StepKind};
use testkit::plan::{Process, State, Turnover};

use super::{find, find_mut, name, not_online, numbers};

pub(super) const KIND: StepKind = StepKind {
    name: "restart",
    about: "a service of the snap is restarted on a member, or the whole snap",
    possible: |state| {
        let units = || ["switch", "chassis", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "ovn-northd", "daemon"];
        let service = |member| units().map(move |unit| Restart { member, unit: Some(unit) });
        let all = |member| Restart { member, unit: None };
        StepKind::of(state, numbers(state).flat_map(|member| service(member).into_iter().chain([all(member)])))
    },
};

/// A service of the snap is restarted on a member.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// The member's number.
    pub member: usize,
    /// The service; `None` is the whole snap.
    pub unit: Option<&'static str>,
}

impl Restart {
    fn processes(self) -> impl Iterator<Item = Process> {
        Process::ALL.into_iter().filter(move |process| self.unit.is_none_or(|unit| process.unit() == unit))
    }
}

impl Step for Restart {
    fn words(&self) -> String {
        let Self { member, unit } = self;
        format!("restart_{}_{member}", unit.unwrap_or("snap").replace('-', "_"))
    }

    fn about(&self) -> String {
        match self.unit {
            Some(unit) => format!("{unit} is restarted on member {}", self.member),
            None => format!("the whole snap is restarted on member {}", self.member),
        }
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let runs = |member: &testkit::plan::Member| {
            self.processes().any(|process| process.service().is_none_or(|service| member.runs(service)))
        };
        let dead = |state| find(state, self.member).is_some_and(|it| it.dead.contains(&Process::Northd));
        if self.unit.is_none() && dead(state) {
            return Some("whether a service that has ended is started with the others was not recorded".to_owned());
        }
        not_online(state, self.member).or_else(|| {
            let runs = find(state, self.member).is_some_and(runs);
            (!runs).then(|| format!("member {} does not run {}", self.member, self.unit.unwrap_or_default()))
        })
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let what = self.unit.map_or_else(|| "microovn".to_owned(), |unit| format!("microovn.{unit}"));
        vec![Act::run(&name(state, self.member), ["snap", "restart", &what]).says("Restarted.")]
    }

    // Recorded: a restart changes nothing but the processes, and no other process follows it. What was killed is back.
    fn effect(&self, state: &mut State) {
        let name = name(state, self.member);
        if let Some(member) = find_mut(state, self.member) {
            member.dead.retain(|process| !self.processes().any(|again| again == *process));
        }
        if let Some(changes) = &mut state.since {
            self.processes().for_each(|process| changes.process(&name, process, Turnover::Fresh));
        }
    }
}
