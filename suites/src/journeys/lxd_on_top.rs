//! LXD has networks over MicroOVN, which are as large as the underlay lets them be.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{LxdNetwork, Propagate};

/// MicroCloud told MicroOVN of an underlay of another family than the members' addresses, so that LXD's networks are not as large
/// where that was lost.
pub(super) const LXD_ON_TOP: Journey = Journey {
    name: "lxd_on_top",
    about: "LXD on each member of a cluster that MicroCloud formed has an OVN network over MicroOVN, of the MTU that its underlay \
            leaves by IPv6",
    cell: &[("encap", "ipv6"), ("formation", "microcloud_dialog")],
    members: None,
    outside: 0,
    steps,
};

/// An underlay that carries more than Ethernet does.
pub(super) const LXD_ON_JUMBO_FRAMES: Journey = Journey {
    name: "lxd_on_jumbo_frames",
    about: "LXD on each member has an OVN network over MicroOVN, as large as Ethernet, for the underlay carries more",
    cell: &[("encap", "ipv4"), ("underlay_mtu", "9000")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    (1..=3).for_each(|member| steps.take(LxdNetwork { member }));
    steps.take(Propagate);
}
