//! Every service of every member is off and on again, and then everything is used.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Service;

use crate::steps::{Answer, Disable, Enable, HaltDaemon, Misuse, Propagate, Refuse, Refused, Toggle, Trace};

pub(super) const SERVICES_OFF_AND_ON: Journey = Journey {
    name: "services_off_and_on",
    about: "every service of every member is disabled and enabled again, with what is refused meanwhile; then every command \
            answers, the daemon is stopped and started, and the snap is off and on again",
    cell: &[],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let off = |member, service, from| Disable { member, service, from, insist: false };
    let on = |member, service, from| Enable { member, service, from };
    let refused = |member, what| Refuse { member, what };

    for (member, other) in [(1, 2), (2, 3), (3, 1)] {
        for service in [Service::Central, Service::Chassis] {
            steps.take(off(member, service, None));
            steps.take(on(member, service, None));
        }
        // What is refused is the same everywhere: nothing of it depends on who is asked.
        if member == 1 {
            steps.take(refused(member, Refused::EnabledAlready(Service::Switch)));
            steps.take(Misuse { member });
            steps.take(off(member, Service::Switch, None));
            steps.take(refused(member, Refused::NotEnabled(Service::Switch)));
            steps.take(on(member, Service::Switch, None));
            steps.take(refused(member, Refused::DisableOnNobody));
            steps.take(refused(member, Refused::EnableOnNobody));
        }
        steps.take(off(member, Service::Switch, Some(other)));
        steps.take(on(member, Service::Switch, Some(other)));
    }
    steps.take(Propagate);
    for member in 1..=3 {
        steps.take(Answer { member });
    }
    steps.take(Trace);
    for member in 1..=3 {
        steps.take(HaltDaemon { member });
        steps.take(Toggle { member });
    }
    steps.take(Propagate);
}
