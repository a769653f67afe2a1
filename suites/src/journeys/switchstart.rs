//! Switches are started before their members are in a cluster.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, SwitchFirst};

pub(super) const SWITCHSTART: Journey = Journey {
    name: "switchstart",
    about: "on members that are in no cluster the switch is started by hand and answers; when they enter they are members like \
            any other",
    cell: &[("encap", "ipv4"), ("members", "1")],
    members: Some(1),
    outside: 2,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(SwitchFirst { member: 2, by: 1 });
    steps.take(SwitchFirst { member: 3, by: 2 });
    steps.take(Propagate);
}
