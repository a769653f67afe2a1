//! BGP, as far as the host's kernel takes it: without a peer, and with one.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Bgp, MeetPeer, Peer, Propagate, Reach, Routing, Show, Shown};

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

/// As before, and there is somebody to speak to.
pub(super) const BGP_PEER: Journey = Journey {
    name: "bgp_peer",
    about: "a router outside has a session with every member, which MicroOVN and which an operator configured, members learn the way out \
            of it, and it the addresses of load balancers and translations",
    cell: &[],
    members: None,
    outside: 1,
    steps: |steps| {
        steps.take(Peer { peer: 4 });
        for (what, by_hand) in [(Routing::Automatic, false), (Routing::ByHand, true)] {
            (1..=3).for_each(|member| steps.take(Bgp { member, what }));
            (1..=3).for_each(|member| steps.take(MeetPeer { member, by_hand }));
            (1..=3).for_each(|member| steps.take(Bgp { member, what: Routing::Off }));
        }
        steps.take(Propagate);
    },
};

/// What goes by the routes.
pub(super) const BGP_DATA_PLANE: Journey = Journey {
    name: "bgp_data_plane",
    about: "a host behind a router outside reaches, by the routes that this one learnt by BGP, a guest in a network of OVN",
    cell: &[],
    members: Some(1),
    outside: 1,
    steps: |steps| {
        steps.take(Peer { peer: 2 });
        steps.take(Bgp { member: 1, what: Routing::Automatic });
        steps.take(Reach { member: 1 });
        steps.take(Bgp { member: 1, what: Routing::Off });
        steps.take(Propagate);
    },
};
