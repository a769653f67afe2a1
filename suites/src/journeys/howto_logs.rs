//! MicroOVN's page "Accessing logs", as it is written.

use testkit::journey::{Itinerary, Journey};
use testkit::plan::Process;

use crate::steps::{Log, Logs};

/// A central, and a member that has none.
pub(super) const HOWTO_LOGS: Journey = Journey {
    name: "howto_logs",
    about: "the page on logs: what ovn-controller says is in the journal, as it was and as it comes, the log files are empty, and \
            what a module debugs is in the file of its daemon alone",
    cell: &[("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for member in [1, 4] {
        let logs = |what| Logs { member, what };
        steps.take(logs(Log::Read));
        steps.take(logs(Log::Files));
        steps.take(logs(Log::Debug(Process::Switch)));
        steps.take(logs(Log::Debug(Process::Controller)));
    }
}
