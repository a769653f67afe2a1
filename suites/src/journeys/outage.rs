//! Members go down one after the other until nobody is left to decide, and come back.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{CutPower, Propagate, Start, Stop};

pub(super) const OUTAGE: Journey = Journey {
    name: "outage",
    about: "with one of three members down the databases are written as before; with two down nobody answers, and says so; \
            and all is as it was when they are back",
    cell: &[("encap", "ipv4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Stop { member: 3 });
    steps.take(Propagate);
    steps.take(CutPower { member: 2 });
    steps.take(Start { member: 2 });
    steps.take(Propagate);
    steps.take(Start { member: 3 });
    steps.take(Propagate);
    // The one that made the cluster is no more than the others.
    steps.take(CutPower { member: 1 });
    steps.take(Propagate);
    steps.take(Start { member: 1 });
    steps.take(Propagate);
}
