//! BGP, as far as the host's kernel and one member without a peer take it.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Bgp, Propagate, Routing, Show, Shown};

/// On any kernel.
pub(super) const BGP_NO_CONFIG: Journey = Journey {
    name: "bgp_no_config",
    about: "BGP is enabled without a configuration on two members, shown, and disabled, and nothing of it is left",
    cell: &[],
    members: None,
    outside: 0,
    steps: |steps| {
        for member in [1, 2] {
            steps.take(Bgp { member, what: Routing::On });
            steps.take(Show { member, what: Shown::Status });
            steps.take(Bgp { member, what: Routing::Off });
        }
        steps.take(Propagate);
    },
};

/// On a kernel without vrf.
pub(super) const BGP_NO_VRF: Journey = Journey {
    name: "bgp_no_vrf",
    about: "BGP with a configuration is refused where the kernel has no vrf, for that reason, and nothing of it is left",
    cell: &[],
    members: None,
    outside: 0,
    steps: |steps: &mut Itinerary| {
        steps.take(Bgp { member: 1, what: Routing::WithoutVrf });
        steps.take(Propagate);
    },
};

/// On a kernel with vrf.
pub(super) const BGP_CONTROL_PLANE: Journey = Journey {
    name: "bgp_control_plane",
    about: "BGP is enabled on the underlay of every member, configured by MicroOVN and by nobody, with a table of routes, a router and \
            sessions that wait for a peer, and disabled, and nothing of it is left",
    cell: &[],
    members: None,
    outside: 0,
    steps: |steps| {
        for what in [Routing::Automatic, Routing::ByHand] {
            (1..=3).for_each(|member| steps.take(Bgp { member, what }));
            steps.take(Propagate);
            (1..=3).for_each(|member| steps.take(Bgp { member, what: Routing::Off }));
        }
        steps.take(Propagate);
    },
};
