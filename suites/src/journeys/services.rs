//! Every service is off and on again, here and from another member, with what MicroOVN refuses and what it warns of.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Service;

use crate::steps::{Disable, Enable, Propagate, Refuse, Refused};

/// Where tunnels have a network of their own, of which nobody is told when a chassis is enabled again.
pub(super) const SERVICES: Journey = Journey {
    name: "services",
    about: "every service is disabled and enabled again, on the member itself and from another; what is on already, off \
            already or nowhere is refused, and few or an even number of centrals are warned of",
    cell: &[("encap", "ipv4")],
    members: Some(4),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let off = |member, service, from| Disable { member, service, from, insist: false };
    let on = |member, service, from| Enable { member, service, from };
    let refused = |member, what| Refuse { member, what };

    steps.take(refused(1, Refused::EnabledAlready(Service::Central)));
    steps.take(refused(4, Refused::NotEnabled(Service::Central)));
    steps.take(refused(1, Refused::EnableOnNobody));
    steps.take(refused(4, Refused::DisableOnNobody));

    steps.take(off(4, Service::Chassis, Some(1)));
    steps.take(refused(4, Refused::NotEnabled(Service::Chassis)));
    steps.take(on(4, Service::Chassis, Some(1)));
    // Under a chassis, which stays as it was.
    steps.take(off(4, Service::Switch, None));
    steps.take(on(4, Service::Switch, None));
    steps.take(refused(4, Refused::EnabledAlready(Service::Switch)));

    steps.take(on(4, Service::Central, None));
    steps.take(off(4, Service::Central, Some(2)));
    steps.take(off(1, Service::Central, None));
    steps.take(on(1, Service::Central, Some(4)));
    steps.take(Propagate);
}
