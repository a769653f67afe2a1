//! MicroOVN's page "Working with TLS", as it is written.

use testkit::journey::{Handed, Itinerary, Journey};
use testkit::plan::{Database, KeyAlgorithm, KeyForm};

use crate::steps::{Propagate, RegenerateCa, Reissue, Restart, SetCa, Show, Shown, Speak};

/// As many members as the page has.
pub(super) const HOWTO_TLS: Journey = Journey {
    name: "howto_tls",
    about: "the page on TLS: certificates are listed and issued anew, the authority is regenerated and replaced, and both databases, \
            whose servers were made to talk in the clear, are switched to TLS by hand, one server after the other",
    cell: &[],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    steps.take(Show { member: 1, what: Shown::Certificates });
    steps.take(Reissue { member: 1, service: Some("ovnnb") });
    steps.take(Reissue { member: 1, service: None });
    steps.take(RegenerateCa { member: 1 });
    for (key, handed) in [(KeyAlgorithm::Ecdsa, Handed::Files), (KeyAlgorithm::Rsa, Handed::Combined)] {
        steps.take(SetCa { member: 1, key, form: KeyForm::Pkcs8, handed });
    }

    // What the page starts from, which no release makes any more.
    switch(steps, false);
    steps.take(Propagate);

    steps.take(RegenerateCa { member: 1 });
    for unit in ["daemon", "ovn-northd"] {
        (1..=3).for_each(|member| steps.take(Restart { member, unit: Some(unit) }));
    }
    switch(steps, true);
    steps.take(Show { member: 2, what: Shown::Raft });
    steps.take(Propagate);
}

/// The servers of both databases, one after the other: the first joins through one that was not switched, the others through it.
fn switch(steps: &mut Itinerary, tls: bool) {
    for database in Database::ALL {
        (1..=3).for_each(|member| steps.take(Speak { member, database, tls }));
    }
}
