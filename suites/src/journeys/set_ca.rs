//! Authorities are given to a cluster that was given one when it was formed, and all that is wrong is refused.

use testkit::journey::{Handed, Itinerary, Journey};
use testkit::plan::{KeyAlgorithm, KeyForm};

use crate::steps::{Propagate, RegenerateCa, SetCa, SetCaRefused};

pub(super) const SET_CA: Journey = Journey {
    name: "set_ca",
    about: "an authority with a key of every kind is given to the cluster, as files and as one input, on a central and on a \
            member without one, in the place of a user's and of MicroOVN's own; what cannot be used is refused, and nothing \
            changes",
    cell: &[("user_ca", "rsa"), ("members", "4")],
    members: None,
    outside: 0,
    steps,
};

fn steps(steps: &mut Itinerary) {
    let set = |member, key, handed| SetCa { member, key, form: KeyForm::Pkcs8, handed };
    steps.take(set(1, KeyAlgorithm::Rsa, Handed::Files));
    steps.take(set(2, KeyAlgorithm::Ecdsa, Handed::Files));
    steps.take(Propagate);
    for handed in [
        Handed::OtherKey,
        Handed::NoAuthority,
        Handed::NoSigner,
        Handed::Garbage,
        Handed::Empty,
        Handed::EncryptedKey,
        Handed::Nothing,
        Handed::FileAndInput,
        Handed::CertificateAlone,
        Handed::NoSuchFile,
        Handed::EmptyInput,
        Handed::GarbageInput,
        Handed::KeyInput,
        Handed::CertificateInput,
    ] {
        steps.take(SetCaRefused { member: 1, handed });
    }
    // In the place of one of MicroOVN's own, and by a member without central.
    steps.take(RegenerateCa { member: 3 });
    steps.take(set(4, KeyAlgorithm::Ed25519, Handed::Files));
    steps.take(Propagate);
    steps.take(set(1, KeyAlgorithm::Ecdsa, Handed::KeyFirst));
    steps.take(set(3, KeyAlgorithm::Rsa, Handed::Combined));
    for key in [KeyAlgorithm::Ecdsa, KeyAlgorithm::Rsa] {
        steps.take(SetCa { member: 1, key, form: KeyForm::Traditional, handed: Handed::Files });
    }
    steps.take(Propagate);
}
