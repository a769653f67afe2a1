//! Members are refreshed to a newer release, one at a time, while the others go on.

use testkit::journey::{Handed, Itinerary, Journey};
use testkit::plan::{KeyAlgorithm, KeyForm};

use crate::steps::{
    By, Propagate, Reboot, Refresh, RegenerateCa, Reissue, ReissueRefused, Renew, RenewAuthority, Restart, Revert,
    SetCa, Start, Stop,
};

/// As MicroOVN's documentation says: one member after the other.
pub(super) const UPGRADE: Journey = Journey {
    name: "upgrade",
    about: "four members are refreshed to the newer release, one after the other, the schemas of the databases are held back until \
            the last of them has it, and then certificates are issued and renewed by the newer",
    cell: &[],
    members: Some(4),
    outside: 0,
    steps: |steps| {
        steps.take(Refresh { member: 4 });
        steps.take(Propagate);
        refresh_all(steps, [3, 2, 1]);
        for service in ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"] {
            steps.take(Reissue { member: 1, service: Some(service) });
        }
        for service in ["ovn-controller", "client"] {
            steps.take(Reissue { member: 4, service: Some(service) });
        }
        for service in ["ovnnb", "ovnsb", "ovn-northd"] {
            steps.take(ReissueRefused { member: 4, service });
        }
        certificates(steps, [1, 4]);
        renewals(steps, [4, 1]);
    },
};

/// A cluster of one, whose databases wait for nobody.
pub(super) const SINGLE: Journey = Journey {
    name: "single_node_upgrade",
    about: "the only member is refreshed to the newer release, and the databases get its schemas at once",
    cell: &[("members", "1")],
    members: None,
    outside: 0,
    steps: |steps| {
        refresh_all(steps, [1]);
        for service in ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"] {
            steps.take(Reissue { member: 1, service: Some(service) });
        }
        certificates(steps, [1]);
        renewals(steps, [1]);
        set_cas(steps);
        steps.take(Propagate);
    },
};

/// What members were told when they entered is what they have afterwards.
pub(super) const OPTIONS: Journey = Journey {
    name: "upgrade_options",
    about: "a cluster with tunnels of its own network and of IPv6, an authority that it was given, other names than its hosts' and \
            chosen services has all that after the upgrade, and after the boots that follow, until it is given others",
    cell: &[("encap", "ipv6"), ("user_ca", "ecdsa"), ("member_name", "custom"), ("services", "late_central")],
    members: Some(4),
    outside: 0,
    steps: |steps| {
        refresh_all(steps, [1, 2, 3, 4]);
        steps.take(Reboot { member: Some(2) });
        steps.take(Reboot { member: None });
        steps.take(Propagate);
        set_cas(steps);
        steps.take(Propagate);
    },
};

/// Back to the older release, as long as that can be.
pub(super) const REVERT: Journey = Journey {
    name: "upgrade_revert",
    about: "a central goes back to the older release while the schemas are held back, and a member without central also after the \
            databases have the newer; both are refreshed again",
    cell: &[("encap", "ipv4")],
    members: Some(4),
    outside: 0,
    steps: |steps| {
        steps.take(Refresh { member: 3 });
        steps.take(Revert { member: 3 });
        steps.take(Propagate);
        refresh_all(steps, [3, 2, 1, 4]);
        steps.take(Revert { member: 4 });
        steps.take(Propagate);
        steps.take(Refresh { member: 4 });
        steps.take(Propagate);
    },
};

/// Who cannot be asked cannot be counted as refreshed.
pub(super) const DOWN: Journey = Journey {
    name: "upgrade_member_down",
    about: "one of four members is down while the others are refreshed, the schemas wait for it, and not for its return alone, \
            but until it has the newer release too",
    cell: &[],
    members: Some(4),
    outside: 0,
    steps: |steps| {
        steps.take(Stop { member: 4 });
        for member in [3, 2, 1] {
            steps.take(Refresh { member });
        }
        steps.take(Start { member: 4 });
        steps.take(Refresh { member: 4 });
        steps.take(Propagate);
    },
};

/// Nobody has to go on with an upgrade that has begun.
pub(super) const MIXED: Journey = Journey {
    name: "upgrade_mixed",
    about: "two of four members have the newer release, one of them a central, and life goes on for all: services restart, members \
            boot again, certificates are issued, and the schemas stay what they are",
    cell: &[("encap", "ipv4")],
    members: Some(4),
    outside: 0,
    steps: |steps| {
        steps.take(Refresh { member: 4 });
        steps.take(Propagate);
        steps.take(Refresh { member: 1 });
        for member in [1, 2] {
            steps.take(Restart { member, unit: Some("ovn-ovsdb-server-sb") });
            steps.take(Restart { member, unit: Some("switch") });
            steps.take(Restart { member, unit: Some("daemon") });
            steps.take(Reissue { member, service: None });
        }
        for member in [1, 4] {
            steps.take(Reboot { member: Some(member) });
        }
    },
};

/// The databases are written when all have the newer release. Seen: ovn-northd of OVN 25.03 gives logical flows a description, for
/// which the Southbound of 23.03 has no column, and nothing of what is written arrives while it leads and the schemas are held back.
fn refresh_all<const N: usize>(steps: &mut Itinerary, members: [usize; N]) {
    for member in members {
        steps.take(Refresh { member });
    }
    steps.take(Propagate);
}

/// As MicroOVN's own tests do after an upgrade.
fn certificates<const N: usize>(steps: &mut Itinerary, members: [usize; N]) {
    for member in members {
        steps.take(Reissue { member, service: None });
    }
    steps.take(RegenerateCa { member: 1 });
    steps.take(Propagate);
}

/// What is near its end is renewed by the newer release as by any: certificates on each of these members when its daemon starts, an
/// authority of MicroOVN's own, and no user's.
fn renewals<const N: usize>(steps: &mut Itinerary, members: [usize; N]) {
    for member in members {
        steps.take(Renew { member, service: None, by: By::Start });
    }
    for users in [false, true] {
        steps.take(RenewAuthority { member: 1, users });
    }
    steps.take(Propagate);
}

/// An authority with a key of every kind, one after the other.
fn set_cas(steps: &mut Itinerary) {
    for key in [KeyAlgorithm::Rsa, KeyAlgorithm::Ecdsa, KeyAlgorithm::Ed25519] {
        steps.take(SetCa { member: 1, key, form: KeyForm::Pkcs8, handed: Handed::Files });
    }
}
