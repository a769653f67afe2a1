//! Certificates are issued anew, and in the end the authority that was given is replaced by one of MicroOVN's own.

use testkit::journey::{Itinerary, Journey};

use crate::steps::{Propagate, RegenerateCa, Reissue, ReissueRefused};

pub(super) const TLS: Journey = Journey {
    name: "tls",
    about: "certificates are issued anew, one and all, on a central and on a member without one, a service that a member \
            does not have gets none, and on every member in turn a new authority takes the place of the one before",
    cell: &[("user_ca", "ecdsa"), ("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    for service in ["ovnnb", "ovn-northd", "ovn-controller", "client"] {
        steps.take(Reissue { member: 1, service: Some(service) });
    }
    steps.take(Reissue { member: 2, service: None });
    steps.take(Reissue { member: 4, service: Some("ovn-controller") });
    steps.take(Reissue { member: 4, service: None });
    steps.take(ReissueRefused { member: 4, service: "ovnsb" });
    steps.take(Propagate);
    steps.take(RegenerateCa { member: 1 });
    steps.take(Propagate);
    // A member without central can do so, too.
    for member in [4, 2, 3] {
        steps.take(RegenerateCa { member });
    }
    steps.take(Propagate);
    for service in ["ovnnb", "ovn-northd"] {
        steps.take(ReissueRefused { member: 4, service });
    }
    for (member, service) in [(1, "ovnsb"), (4, "client")] {
        steps.take(Reissue { member, service: Some(service) });
    }
}
