//! The databases move to other members and back, and begin anew.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Service;

use crate::steps::{Disable, Enable, Propagate, Refuse, Refused};

/// Where the first three of six have central.
pub(super) const CENTRAL_CONTROL: Journey = Journey {
    name: "central_control",
    about: "central moves from members 1 to 3 to members 4 to 6 and back, one at a time; then it is nowhere, the last one only \
            where that is insisted on, and everywhere again with new databases",
    cell: &[],
    members: Some(6),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let central = Service::Central;
    let off = |member, from| Disable { member, service: central, from, insist: false };
    let on = |member, from| Enable { member, service: central, from };

    // On one side before it is off on the other: there are never fewer than three.
    for (there, here) in [(4, 1), (5, 2), (6, 3)] {
        steps.take(on(there, None));
        steps.take(off(here, None));
    }
    steps.take(Propagate);
    // The other way from another member, and off before it is on: there are never more than three.
    for (here, there) in [(1, 4), (2, 5), (3, 6)] {
        steps.take(off(there, Some(here)));
        steps.take(on(here, Some(there)));
    }
    steps.take(Propagate);

    steps.take(off(3, None));
    steps.take(off(2, None));
    steps.take(Refuse { member: 1, what: Refused::LastCentral { from: None } });
    steps.take(Refuse { member: 1, what: Refused::LastCentral { from: Some(4) } });
    steps.take(Disable { member: 1, service: central, from: None, insist: true });
    steps.take(on(2, Some(4)));
    steps.take(on(1, None));
    steps.take(on(3, None));
    steps.take(Propagate);
}
