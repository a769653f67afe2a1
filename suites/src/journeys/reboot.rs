//! One member is booted again, and then all of them.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Reboot};

pub(super) const REBOOT: Journey = Journey {
    name: "reboot",
    about: "one member is booted again, then one without central, then all at the same time, and nothing but the processes is \
            another then",
    cell: &[("address_family", "ipv6"), ("encap", "ipv6"), ("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Reboot { member: Some(2) });
    steps.take(Propagate);
    steps.take(Reboot { member: Some(4) });
    steps.take(Propagate);
    steps.take(Reboot { member: None });
    steps.take(Propagate);
}
