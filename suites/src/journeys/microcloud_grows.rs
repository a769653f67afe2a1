//! MicroCloud adds a member to a cluster with an underlay.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{MicrocloudAdd, Propagate};

/// One that was not there when it was formed.
pub(super) const MICROCLOUD_GROWS: Journey = Journey {
    name: "microcloud_grows",
    about: "MicroCloud adds a member to a cluster with an underlay that it formed, and tells its MicroOVN of the underlay that was chosen",
    cell: &[("encap", "ipv4"), ("formation", "microcloud_dialog")],
    members: None,
    outside: 1,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(MicrocloudAdd { member: 4, by: 1 });
    steps.take(Propagate);
}
