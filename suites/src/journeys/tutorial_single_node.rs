//! MicroOVN's tutorial "Single-node", as it is written.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Show, Shown};

/// Formed by `cluster bootstrap`, as the page has it.
pub(super) const TUTORIAL_SINGLE_NODE: Journey = Journey {
    name: "tutorial_single_node",
    about: "the tutorial of a single node: it shows the Southbound, and what is asked of it arrives there",
    cell: &[("formation", "cli"), ("members", "1")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Show { member: 1, what: Shown::Chassis });
    steps.take(Propagate);
}
