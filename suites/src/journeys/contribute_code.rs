//! What MicroOVN's page "Contribute to our code" says of the install of a snap that was built by hand.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Connect, Propagate, Show, Shown};

/// The snap is installed in the image that members are made of.
pub(super) const CONTRIBUTE_CODE: Journey = Journey {
    name: "contribute_code",
    about: "the page for contributors, from the install on: the plugs are connected by hand, the snap is restarted, and shows that it \
            has all it needs",
    cell: &[("members", "1")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Connect { member: 1 });
    steps.take(Show { member: 1, what: Shown::Connections });
    steps.take(Propagate);
}
