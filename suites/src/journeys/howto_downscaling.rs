//! MicroOVN's page "Downscaling the cluster", as it is written.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Preserved, Propagate, Remove, Show, Shown};

/// A member that has only a chassis goes, and one that has central.
pub(super) const HOWTO_DOWNSCALING: Journey = Journey {
    name: "howto_downscaling",
    about: "the page on downscaling: members are removed, OVN's services and the chassis that are registered say so, and what they \
            had is in a backup on their disks",
    cell: &[("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for (member, by) in [(4, 1), (3, 2)] {
        steps.take(Remove { member, by, force: false });
        for what in [Shown::Raft, Shown::Chassis, Shown::Status] {
            steps.take(Show { member: by, what });
        }
        steps.take(Preserved { member });
    }
    steps.take(Propagate);
}
