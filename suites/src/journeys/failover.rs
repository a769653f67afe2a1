//! The gateway of a router is taken over by another chassis, and given back.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::{Network, Service};

use crate::steps::{Cut, Disable, Enable, Freeze, Heal, Start, Stop, Thaw, Traffic};

pub(super) const FAILOVER: Journey = Journey {
    name: "failover",
    about: "the member that has the gateway of a router is shut down, stands still, loses its chassis and its link to the others: each \
            time another takes over, and gives it back",
    cell: &[("encap", "ipv4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Traffic);
    steps.take(Stop { member: 1 });
    steps.take(Start { member: 1 });
    steps.take(Cut { member: 1, network: Network::Underlay });
    steps.take(Heal { member: 1, network: Network::Underlay });
    steps.take(Freeze { member: 1 });
    steps.take(Thaw { member: 1 });
    steps.take(Disable { member: 1, service: Service::Chassis, from: None, insist: false });
    steps.take(Enable { member: 1, service: Service::Chassis, from: None });
}
