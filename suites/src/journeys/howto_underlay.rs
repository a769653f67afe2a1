//! MicroOVN's page "Create custom OVN underlay network", as it is written.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Show, Shown};

/// Formed by `microovn init`, which is told of the addresses on `eth1`, as the page has it.
pub(super) const HOWTO_UNDERLAY: Journey = Journey {
    name: "howto_underlay",
    about: "the page on a custom underlay network: each of three members is told where its tunnels end, and shows that",
    cell: &[("encap", "ipv4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    (1..=3).for_each(|member| steps.take(Show { member, what: Shown::Encapsulation }));
    steps.take(Propagate);
}
