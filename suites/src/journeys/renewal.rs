//! What is near its end is renewed, and a user's authority is not.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{By, Propagate, Renew, RenewAuthority, RenewNothing};

/// From an authority of MicroOVN's own.
pub(super) const RENEWAL: Journey = Journey {
    name: "renewal",
    about: "certificates that end in five days, or have ended, are renewed by the run of every day and by the daemon at its \
            start, on a central and on a member without one; so is an authority of MicroOVN's own, and a user's is not",
    cell: &[("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let renew = |member, service, by| Renew { member, service, by };
    steps.take(RenewNothing { member: 1 });
    steps.take(renew(1, Some("ovnnb"), By::Day));
    steps.take(renew(4, None, By::Day));
    steps.take(renew(2, None, By::Start));
    steps.take(renew(4, Some("client"), By::StartAfterTheEnd));
    steps.take(Propagate);
    steps.take(RenewAuthority { member: 4, users: false });
    steps.take(Propagate);
    steps.take(RenewAuthority { member: 1, users: true });
    // What it signed goes on being renewed.
    steps.take(renew(3, Some("ovn-northd"), By::Day));
    steps.take(Propagate);
}
