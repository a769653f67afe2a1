//! Where the databases are is told by configuration.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{CentralIps, Propagate};

const ABOUT: &str = "what is no list of addresses is refused as that of the databases, each with its reason, on a central and on a \
                     member without one; one that is counts until it is taken back, and then all is as it was";

pub(super) const EXTERNAL_CENTRAL: Journey = Journey {
    name: "external_central",
    about: ABOUT,
    cell: &[("user_ca", "ecdsa"), ("members", "4")],
    members: None,
    outside: 0,
    steps,
};

/// The same, where addresses need brackets.
pub(super) const EXTERNAL_CENTRAL_IPV6: Journey = Journey {
    name: "external_central_ipv6",
    about: ABOUT,
    cell: &[("address_family", "ipv6"), ("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in [1, 4] {
        steps.take(CentralIps { member, wrongly: true });
    }
    steps.take(CentralIps { member: 1, wrongly: false });
    steps.take(Propagate);
    // Longer after the first: systemd starts a service five times in ten seconds.
    steps.take(CentralIps { member: 4, wrongly: true });
    steps.take(CentralIps { member: 4, wrongly: false });
    steps.take(Propagate);
}
