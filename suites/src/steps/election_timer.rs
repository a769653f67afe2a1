//! The election timer of a database is changed, and what is no timer is refused.

use testkit::journey::{Act, Step, StepKind, What};
use testkit::plan::{Database, ELECTION_TIMER, Process, Service, State};

use super::no_quorum;

pub(super) const KIND: StepKind = StepKind {
    name: "election_timer",
    about: "the election timer of a database is changed, to at most twice what it is, and what is no timer is refused",
    possible: |state| {
        let each = |database| {
            let now = state.election_timer(database);
            let set = [now / 4, now / 2, now * 2].map(|ms| ElectionTimer { database, ms });
            set.into_iter().chain([now * 2 + 1, 99].map(|ms| ElectionTimer { database, ms }))
        };
        StepKind::of(state, Database::ALL.into_iter().flat_map(each))
    },
};

/// The election timer of a database is changed where that is led: at once to whatever is less, and to at most twice what it is.
/// What is more, or no timer at all, is refused.
#[derive(Debug, Clone, Copy)]
pub struct ElectionTimer {
    /// The database.
    pub database: Database,
    /// The timer, in milliseconds.
    pub ms: u64,
}

/// What OVN's databases take, in milliseconds.
const LEAST: u64 = 100;
const MOST: u64 = 600_000;

impl ElectionTimer {
    /// Why it is refused, in the server's own words, if it is.
    fn refusal(self, state: &State) -> Option<String> {
        let now = state.election_timer(self.database);
        if !(LEAST..=MOST).contains(&self.ms) {
            return Some(format!("election timer must be between {LEAST} and {MOST}, in msec."));
        }
        (self.ms > 2 * now).then(|| "election timer increase should not exceed the current value x 2.".to_owned())
    }

    fn command(self) -> [String; 5] {
        let socket = format!("/var/snap/microovn/common/run/ovn/ovn{}_db.ctl", self.database.short());
        let change = "cluster/change-election-timer".to_owned();
        ["microovn.ovn-appctl".to_owned(), "-t".to_owned(), socket, change, self.database.name().to_owned()]
    }

    /// Every server says the timer that there is.
    fn told(self, state: &State, ms: u64) -> impl Iterator<Item = Act> {
        let [program, option, socket, _, name] = self.command();
        state.online_with(Service::Central).map(move |central| {
            let argv = [program.as_str(), &option, &socket, "cluster/status", &name];
            Act::wait(&central.name, argv).says(format!("Election timer: {ms}"))
        })
    }
}

impl Step for ElectionTimer {
    fn words(&self) -> String {
        format!("{}_elects_after_{}", self.database.process().word(), self.ms)
    }

    fn about(&self) -> String {
        format!("{} is told to elect after {} ms", self.database, self.ms)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let of = |process: Process| state.members_with(Service::Central).any(|it| it.dead.contains(&process));
        let dead = || of(self.database.process()).then(|| "a server was killed".to_owned());
        let same = || (state.election_timer(self.database) == self.ms).then(|| "it is that already".to_owned());
        no_quorum(state).or_else(dead).or_else(same)
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let among: Vec<String> = state.online_with(Service::Central).map(|it| it.name.clone()).collect();
        let Some(first) = among.first().cloned() else { return Vec::new() };
        let argv = self.command().into_iter().chain([self.ms.to_string()]).collect();
        let act = Act::of(&first, What::Lead { database: self.database, among, argv });
        match self.refusal(state) {
            // Nothing of it is kept.
            Some(why) => {
                [act.refused(why)].into_iter().chain(self.told(state, state.election_timer(self.database))).collect()
            }
            None => {
                let act = act.says("change of election timer initiated.");
                [act].into_iter().chain(self.told(state, self.ms)).collect()
            }
        }
    }

    fn effect(&self, state: &mut State) {
        if self.refusal(state).is_some() {
            return;
        }
        if self.ms == ELECTION_TIMER {
            state.election_timers.remove(&self.database);
        } else {
            state.election_timers.insert(self.database, self.ms);
        }
    }
}
