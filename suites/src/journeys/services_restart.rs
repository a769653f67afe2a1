//! Every service is restarted, on the member that bootstrapped and on one that joined.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, Restart};

const ABOUT: &str = "every service, MicroOVN's daemon and the whole snap are restarted, on the member that bootstrapped and \
                     on one that joined, and nothing but the processes is another then";

/// Where tunnels have a network of their own.
pub(super) const CUSTOM_ENCAP: Journey =
    Journey { name: "services_restart", about: ABOUT, cell: &[("encap", "ipv4")], members: None, outside: 0, steps };

/// Where a member is not called as its host.
pub(super) const IPV6_NAMED: Journey = Journey {
    name: "services_restart_ipv6_named",
    about: ABOUT,
    cell: &[("address_family", "ipv6"), ("member_name", "custom")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in [1, 2] {
        for unit in ["switch", "chassis", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "ovn-northd", "daemon"] {
            steps.take(Restart { member, unit: Some(unit) });
        }
    }
    steps.take(Propagate);
    // Last, because MicroOVN's daemon has been seen to stay down after it: it starts services while snapd restarts them.
    for member in [1, 2] {
        steps.take(Restart { member, unit: None });
    }
    steps.take(Propagate);
}
