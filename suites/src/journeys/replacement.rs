//! A member dies for good, and another takes its place.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Add, CutPower, Propagate, Remove};

/// Of three with central one is lost. Whoever comes has central, so that there are three again.
pub(super) const REPLACEMENT: Journey = Journey {
    name: "replacement",
    about: "a member with central is lost and removed by force, and another that enters has its place; of the one that is gone \
            no database knows anything, so that afterwards one more may go down",
    cell: &[("encap", "ipv4")],
    members: Some(4),
    outside: 1,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(CutPower { member: 3 });
    steps.take(Remove { member: 3, by: 2, force: true });
    steps.take(Propagate);
    steps.take(Add { member: 5, by: 4 });
    steps.take(Propagate);
    steps.take(CutPower { member: 2 });
    steps.take(Propagate);
}
