//! A cluster shrinks from five members to two, and one comes back.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Rejoin, Remove, Stop};

/// Of the members that go two have central, one of them the one that bootstrapped.
pub(super) const DOWNSCALE: Journey = Journey {
    name: "downscale",
    about: "a cluster shrinks from five members to two: one that has only a chassis goes, one that has central, which comes back \
            with a new token, one that is down, by force, and the one that bootstrapped; of those that are gone nothing is left",
    cell: &[("encap", "ipv4")],
    members: Some(5),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let remove = |member, by| Remove { member, by, force: false };
    steps.take(remove(5, 1));
    steps.take(remove(3, 2));
    steps.take(Propagate);
    // It has central again, because only two others have.
    steps.take(Rejoin { member: 3, by: 2 });
    steps.take(Rejoin { member: 5, by: 3 });
    steps.take(Propagate);
    steps.take(Stop { member: 4 });
    steps.take(Remove { member: 4, by: 2, force: true });
    steps.take(remove(1, 5));
    steps.take(remove(5, 2));
    steps.take(Propagate);
}
