//! Members reach each other over the logical networks.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{State, Trial};

pub(super) const CHECK: Check = Check {
    name: "east_west",
    about: "every endpoint reaches those of all other members on its network, in both families, with small packets and with such as \
            fill the MTU, and none is lost",
    reads: &[Subject::Traffic],
    applies: State::has_traffic,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    super::pings(state, observation, &[Trial::Small, Trial::Filling], &mut verdict, |burst, ping| {
        (format!("{0} of {0}", burst.count), format!("{} of {}", ping.received, ping.sent))
    });
    verdict.finish()
}
