//! Every daemon is killed.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Process;

use crate::steps::{Kill, Propagate, Restart};

pub(super) const KILLS: Journey = Journey {
    name: "kills",
    about: "every daemon is killed: those come back that systemd starts again, and the others when their service is restarted",
    cell: &[("encap", "ipv4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for process in [Process::Daemon, Process::Northbound, Process::Southbound] {
        steps.take(Kill { member: 1, process });
    }
    steps.take(Propagate);
    steps.take(Kill { member: 1, process: Process::Northd });
    // The others have one, too.
    steps.take(Propagate);
    steps.take(Restart { member: 1, unit: Some("ovn-northd") });
    steps.take(Kill { member: 2, process: Process::Controller });
    steps.take(Restart { member: 2, unit: Some("chassis") });
    steps.take(Propagate);
    steps.take(Kill { member: 2, process: Process::Switch });
    steps.take(Restart { member: 2, unit: Some("switch") });
    steps.take(Propagate);
    steps.take(Kill { member: 3, process: Process::SwitchDatabase });
    steps.take(Restart { member: 3, unit: Some("switch") });
    steps.take(Propagate);
}
