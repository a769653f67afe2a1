//! A cluster grows from one member to five.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Add, Propagate};

const ABOUT: &str = "a cluster grows from one member to five, each let in by another; the first three have central, and what \
                     runs on those that are there goes on, but ovn-northd";

/// One by one, each let in by another.
pub(super) const SCALEUP: Journey = Journey {
    name: "scaleup",
    about: ABOUT,
    cell: &[("encap", "ipv4"), ("members", "1")],
    members: Some(1),
    outside: 4,
    steps,
};

/// The same, where all addresses are IPv6.
pub(super) const SCALEUP_IPV6: Journey = Journey {
    name: "scaleup_ipv6",
    about: ABOUT,
    cell: &[("address_family", "ipv6"), ("encap", "ipv6"), ("members", "1")],
    members: Some(1),
    outside: 4,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in 2..=5 {
        steps.take(Add { member, by: member - 1 });
    }
    steps.take(Propagate);
}
