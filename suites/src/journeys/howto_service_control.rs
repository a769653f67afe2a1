//! MicroOVN's page "Service Control", as it is written.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Service;

use crate::steps::{Disable, Enable, Propagate, Refuse, Refused, Show, Shown};

/// Three members, and a fourth for what the page calls the most common use: more than three centrals.
pub(super) const HOWTO_SERVICE_CONTROL: Journey = Journey {
    name: "howto_service_control",
    about: "the page on service control: the switch of a member is disabled and enabled, there and from another member, every member \
            shows that, and a fourth gets central",
    cell: &[("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let status = |member| Show { member, what: Shown::Status };
    let off = |member, service, from| Disable { member, service, from, insist: false };
    let on = |member, service, from| Enable { member, service, from };

    steps.take(off(1, Service::Switch, None));
    steps.take(status(1));
    steps.take(status(2));
    steps.take(off(3, Service::Switch, Some(1)));
    steps.take(status(3));

    steps.take(on(1, Service::Switch, None));
    steps.take(Refuse { member: 1, what: Refused::EnabledAlready(Service::Switch) });
    steps.take(status(1));
    steps.take(status(2));
    steps.take(on(3, Service::Switch, Some(1)));
    steps.take(status(3));

    steps.take(on(4, Service::Central, None));
    steps.take(status(4));
    steps.take(Propagate);
}
