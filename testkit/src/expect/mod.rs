//! Expectation against observation. Pure: a check takes a [`State`] and an [`Observation`] and gives a [`Verdict`].
//!
//! - [`CHECKS`] is the list of checks; each is a file under `checks/`, and its name is a contract.
//! - A [`Subject`] is what a check reads; it knows which members it concerns and which [`Read`]s take it.
//! - A read that failed or was not taken is a difference like any other, and a check that compared nothing has failed.

mod causes;
mod checks;
mod explain;
mod known;
mod look;
mod noise;
mod observation;
mod subject;
mod verdict;

pub use causes::likely_causes;
pub use checks::CHECKS;
pub use known::Known;
pub use look::look;
pub use noise::{Noise, NoiseError};
pub use observation::{MemberObservation, Observation, Reading};
pub use subject::{Read, Subject};
pub use verdict::{Difference, Verdict, VerdictBuilder};

use crate::plan::{Changes, Release, State};

/// One check of a formed cluster.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, a Rust identifier; names tests and evidence.
    pub name: &'static str,
    /// What it holds, in one sentence.
    pub about: &'static str,
    /// What it reads.
    pub reads: &'static [Subject],
    /// Which plans it can judge. A plan in which there is nothing for it to compare is one of those it cannot.
    pub applies: fn(&State) -> bool,
    /// The judgement.
    pub judge: Judge,
}

/// How a check comes to its verdict.
#[derive(Debug, Clone, Copy)]
pub enum Judge {
    /// From what must be so, and what was seen.
    Now(fn(&State, &Observation) -> Verdict),
    /// The same, of what only a step brings about.
    Later(fn(&State, &Observation) -> Verdict),
    /// From what must have changed and what must not, what was seen, and what was seen at the station before. Where there is
    /// none such a check does not apply.
    Since(fn(&Changes, &State, &Observation, &Observation) -> Verdict),
    /// From the newer of two releases, what must be so, and what was seen. Where there is only one such a check does not apply.
    Upgrade(fn(&Release, &State, &Observation) -> Verdict),
}

impl Check {
    /// Judges a cluster by what was seen of it now, and at the station before where there is one.
    pub fn judge(&self, state: &State, seen: &Observation, before: Option<&Observation>) -> Verdict {
        match (self.judge, &state.since, before, &state.newer) {
            (Judge::Now(judge) | Judge::Later(judge), ..) => judge(state, seen),
            (Judge::Since(judge), Some(changes), Some(before), _) => judge(changes, state, seen, before),
            (Judge::Upgrade(judge), .., Some(newer)) => judge(newer, state, seen),
            // Nothing is compared, which no check passes by.
            (Judge::Since(_) | Judge::Upgrade(_), ..) => Verdict::builder(self.name).finish(),
        }
    }
}

/// The check of that name.
pub fn find_check(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Whether the check of that name judges every cluster that is formed: it needs no station before, no second release, no packets and
/// no MicroCloud, or it is tried.
pub fn is_of_every_formed(name: &str) -> bool {
    let reads = |subject| find_check(name).is_some_and(|check| check.reads.contains(&subject));
    let now = find_check(name).is_none_or(|check| matches!(check.judge, Judge::Now(_)));
    now && !reads(Subject::Traffic) && !reads(Subject::Told)
}

/// Whether the check of that name judges packets, which are sent where that is asked for.
pub fn is_of_packets(name: &str) -> bool {
    find_check(name).is_some_and(|check| check.reads.contains(&Subject::Traffic))
}

/// The checks that can judge clusters of this state, in order.
pub fn applicable(state: &State) -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().filter(|check| (check.applies)(state))
}

/// The checks of the state that `observation` does not pass, given what was seen at the station before, with their verdicts, the likely cause of the others first. What
/// they read is what is worth reading again.
pub fn unsatisfied(
    state: &State,
    observation: &Observation,
    before: Option<&Observation>,
) -> Vec<(&'static Check, Verdict)> {
    let judged: Vec<(&Check, Verdict)> =
        applicable(state).map(|check| (check, check.judge(state, observation, before))).collect();
    let failed = likely_causes(judged.iter().map(|(_, verdict)| verdict));
    let check = |verdict: &Verdict| judged.iter().find(|(_, it)| std::ptr::eq(it, verdict)).map(|(check, _)| *check);
    failed.into_iter().filter_map(|verdict| Some((check(verdict)?, verdict.clone()))).collect()
}
