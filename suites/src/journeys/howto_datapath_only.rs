//! MicroOVN's page "Datapath-only Mode", as it is written for a cluster that is there already.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Service;

use crate::steps::{Disable, FoundElsewhere, Propagate, Show, Shown, UseElsewhere};

/// Three members, and three instances that have the databases instead.
pub(super) const HOWTO_DATAPATH_ONLY: Journey = Journey {
    name: "howto_datapath_only",
    about: "the page on the datapath-only mode: a cluster has only switches and chassis, is told of databases elsewhere that have the \
            same authority, and its chassis register there",
    cell: &[],
    members: None,
    outside: 3,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(FoundElsewhere { first: 4, last: 6, by: 1 });
    for member in [3, 2, 1] {
        steps.take(Disable { member, service: Service::Central, from: None, insist: member == 1 });
    }
    steps.take(UseElsewhere { member: 1, elsewhere: 4 });
    (1..=3).for_each(|member| steps.take(Show { member, what: Shown::Chassis }));
    steps.take(Propagate);
}
