//! Logical networks are apart.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{State, Trial};

pub(super) const CHECK: Check = Check {
    name: "isolated",
    about: "nothing that an endpoint sends to one of the other network, whose addresses it knows, is answered",
    reads: &[Subject::Traffic],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    super::pings(state, observation, &[Trial::Across], &mut verdict, |_, ping| {
        ("no answer".to_owned(), if ping.received > 0 { "an answer" } else { "no answer" }.to_owned())
    });
    verdict.finish()
}
