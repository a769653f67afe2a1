//! MicroOVN's tutorial "Multi-node", as it is written.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Show, Shown, Start, Stop};

/// Formed by `cluster bootstrap`, `add` and `join`, as the page has it.
pub(super) const TUTORIAL_MULTI_NODE: Journey = Journey {
    name: "tutorial_multi_node",
    about: "the tutorial of several nodes: three members show the Southbound and manage the cluster, and one of them may fail",
    cell: &[("formation", "cli")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in 1..=3 {
        steps.take(Show { member, what: Shown::Chassis });
        steps.take(Show { member, what: Shown::Status });
    }
    steps.take(Propagate);
    steps.take(Stop { member: 2 });
    steps.take(Propagate);
    steps.take(Show { member: 3, what: Shown::Chassis });
    steps.take(Start { member: 2 });
    steps.take(Propagate);
}
