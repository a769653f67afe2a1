//! What concerns security is logged, or not, as the snap is told.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Logging, Remove, SecurityLog};

pub(super) const SECURITY_LOGGING: Journey = Journey {
    name: "security_logging",
    about: "the journal tells of the start of members, of their services, of who joined and who left; it is silent where the \
            snap is told so, from the daemon's next start, and told again; what is neither yes nor no is refused",
    cell: &[],
    members: Some(2),
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let log = |member, what| SecurityLog { member, what };
    steps.take(log(1, Logging::Read));
    steps.take(log(2, Logging::Read));
    steps.take(log(1, Logging::Misuse));
    steps.take(log(1, Logging::Set(false)));
    steps.take(log(1, Logging::Misuse));
    steps.take(log(1, Logging::Set(true)));
    steps.take(Remove { member: 2, by: 1, force: false });
    steps.take(log(2, Logging::Read));
}
