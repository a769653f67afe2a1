//! What crosses without being cut into pieces.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{State, Trial};

pub(super) const CHECK: Check = Check {
    name: "mtu",
    about: "the largest packet that crosses whole is what the NIC's MTU leaves of it in the tunnels' family, and one byte more does \
            not cross",
    reads: &[Subject::Traffic],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    super::pings(state, observation, &[Trial::Filling, Trial::TooLarge], &mut verdict, |burst, ping| {
        let crosses = |it| if it { "it crosses" } else { "it does not cross" }.to_owned();
        (crosses(burst.trial == Trial::Filling), crosses(ping.received > 0))
    });
    verdict.finish()
}
