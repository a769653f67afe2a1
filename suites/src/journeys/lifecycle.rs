//! The snap is removed, and nothing is left of it.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Add, InstallSnap, Propagate, Remove, RemoveSnap};

/// Of a member that is in the middle of its work, and of one that was stopped before in good order.
pub(super) const LIFECYCLE: Journey = Journey {
    name: "lifecycle",
    about: "the snap is removed from a member that is at work, and from one that left before, and leaves nothing on either; \
            installed again it knows nothing of what was, and its host enters as one that is new",
    cell: &[("encap", "ipv4")],
    members: Some(4),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(RemoveSnap { member: 4 });
    steps.take(Remove { member: 4, by: 1, force: true });
    steps.take(InstallSnap { member: 4 });
    steps.take(Add { member: 4, by: 1 });
    steps.take(Propagate);
    steps.take(Remove { member: 3, by: 2, force: false });
    steps.take(RemoveSnap { member: 3 });
    steps.take(InstallSnap { member: 3 });
    steps.take(Add { member: 3, by: 4 });
    steps.take(Propagate);
}
