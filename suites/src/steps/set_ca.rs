//! MicroOVN is given another authority, rightly or wrongly.

use testkit::journey::{Act, Handed, OFFERED_CERTIFICATE, Offer, Step, StepKind, What};
use testkit::plan::{KeyAlgorithm, KeyForm, Need, State, UserCa};

use super::{cannot_reissue, name, numbers, reissued, says_reissued};
use crate::options::PROVIDE;

pub(super) const KIND: StepKind = StepKind {
    name: "set_ca",
    about: "an authority is given to the cluster, and with it all certificates are issued anew, or it is refused",
    possible: |state| {
        let kinds = [
            (KeyAlgorithm::Rsa, KeyForm::Pkcs8, Handed::Files),
            (KeyAlgorithm::Rsa, KeyForm::Traditional, Handed::Files),
            (KeyAlgorithm::Ecdsa, KeyForm::Pkcs8, Handed::Files),
            (KeyAlgorithm::Ecdsa, KeyForm::Traditional, Handed::Combined),
            (KeyAlgorithm::Ed25519, KeyForm::Pkcs8, Handed::KeyFirst),
        ];
        let of = |member| kinds.map(|(key, form, handed)| SetCa { member, key, form, handed });
        let mut steps = StepKind::of(state, numbers(state).flat_map(of));
        // Who refuses makes no difference.
        let first = numbers(state).find(|member| cannot_reissue(state, *member).is_none());
        let refused = |member| REFUSALS.iter().map(move |(handed, ..)| SetCaRefused { member, handed: *handed });
        steps.extend(StepKind::of(state, first.into_iter().flat_map(refused)));
        steps
    },
};

/// An authority is given to the cluster by a command on a member.
#[derive(Debug, Clone, Copy)]
pub struct SetCa {
    /// The number of the member on which the command is given.
    pub member: usize,
    /// The kind of its key.
    pub key: KeyAlgorithm,
    /// The form of its key.
    pub form: KeyForm,
    /// How it is handed over.
    pub handed: Handed,
}

/// What is wrong with an authority that is handed over, or with how, is found by the command or by the daemon, and changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct SetCaRefused {
    /// The number of the member on which the command is given.
    pub member: usize,
    /// How it is handed over.
    pub handed: Handed,
}

/// Who finds what is wrong.
#[derive(Debug, Clone, Copy)]
enum By {
    /// The command, which ends with this error.
    Command(&'static str),
    /// The daemon. Recorded: the command ends well all the same, and why is in the journal alone.
    Daemon(&'static str),
}

/// What is refused, what that is called in a step's name, and how it is refused. Recorded, but for the words of Go's own library
/// about a key that belongs to another certificate, and those of MicroOVN's `certificates.go` about one that is no authority's.
const REFUSALS: &[(Handed, &str, By)] = &[
    (
        Handed::OtherKey,
        "with_another_key",
        By::Daemon("error parsing CA certificate: tls: private key does not match public key"),
    ),
    (Handed::NoAuthority, "that_is_none", By::Daemon("provided certificate is not a CA certificate")),
    (
        Handed::NoSigner,
        "that_may_not_sign",
        By::Daemon("provided certificate does not have the required keyCertSign KeyUsage"),
    ),
    (
        Handed::Garbage,
        "of_words",
        By::Daemon("error parsing CA certificate: tls: failed to find any PEM data in certificate input"),
    ),
    (
        Handed::Empty,
        "of_nothing",
        By::Daemon("error parsing CA certificate: tls: failed to find any PEM data in certificate input"),
    ),
    (
        Handed::EncryptedKey,
        "with_an_encrypted_key",
        By::Daemon("error parsing CA certificate: tls: failed to parse private key"),
    ),
    (Handed::Nothing, "without_arguments", By::Command("you must use --combined xor (--key and --cert)")),
    (Handed::FileAndInput, "as_file_and_input", By::Command("you must use --combined xor (--key and --cert)")),
    (Handed::CertificateAlone, "without_a_key", By::Command("you must use either both or none of --key and --cert")),
    (
        Handed::NoSuchFile,
        "of_no_file",
        By::Command("failed to read certificate file: open {file}: no such file or directory"),
    ),
    (
        Handed::EmptyInput,
        "of_an_empty_input",
        By::Command("failed to parse certificates and keys from stdin: no certificates found"),
    ),
    (
        Handed::GarbageInput,
        "of_words_as_input",
        By::Command("failed to parse certificates and keys from stdin: no certificates found"),
    ),
    (
        Handed::KeyInput,
        "of_a_key_as_input",
        By::Command("failed to parse certificates and keys from stdin: no certificates found"),
    ),
    (
        Handed::CertificateInput,
        "of_a_certificate_as_input",
        By::Command("failed to parse certificates and keys from stdin: no private key found"),
    ),
];

/// What the daemon's journal says before the reason.
const FAILED: &str = "Failed to set custom user-provided CA certificate:";
/// What the command says where nothing came of it.
const NOT_ISSUED: &str = "New CA certificate: Not Issued";

/// A member is offered an authority.
pub(super) fn offer(state: &State, member: usize, authority: UserCa, handed: Handed) -> Act {
    Act::of(&name(state, member), What::Offer(Box::new(Offer { authority, handed })))
}

/// What a step needs that gives an authority.
pub(super) fn needs() -> Vec<Need> {
    vec![Need::Prompt(PROVIDE.to_owned())]
}

impl SetCa {
    fn authority(self) -> UserCa {
        UserCa::new(self.key, self.form)
    }
}

impl Step for SetCa {
    fn words(&self) -> String {
        let key = match (self.key, self.form) {
            (KeyAlgorithm::Rsa, KeyForm::Pkcs8) => "rsa",
            (KeyAlgorithm::Rsa, KeyForm::Traditional) => "rsa_pkcs1",
            (KeyAlgorithm::Ecdsa, KeyForm::Pkcs8) => "ecdsa",
            (KeyAlgorithm::Ecdsa, KeyForm::Traditional) => "ecdsa_sec1",
            (KeyAlgorithm::Ed25519, _) => "ed25519",
        };
        let handed = match self.handed {
            Handed::Combined => "_combined",
            Handed::KeyFirst => "_key_first",
            _ => "",
        };
        format!("set_ca_{key}{handed}_{}", self.member)
    }

    fn about(&self) -> String {
        let authority = self.authority();
        let (kind, form) = (authority.algorithm, authority.key_form());
        format!(
            "an {kind} authority, its key as {form}, is given {} to member {}, and new certificates to all",
            self.handed, self.member
        )
    }

    fn impossible(&self, state: &State) -> Option<String> {
        cannot_reissue(state, self.member)
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    // Recorded: the same one again is not taken, and nothing is issued.
    fn acts(&self, state: &State) -> Vec<Act> {
        let offer = || offer(state, self.member, self.authority(), self.handed);
        let again = offer().says(NOT_ISSUED).never_says("New CA certificate: Issued");
        vec![says_reissued(offer(), state), again]
    }

    fn effect(&self, state: &mut State) {
        reissued(state, Some(self.authority()));
    }
}

impl SetCaRefused {
    fn refusal(self) -> (&'static str, By) {
        let found = REFUSALS.iter().find(|(handed, ..)| *handed == self.handed);
        found.map_or(("rightly", By::Command("nothing")), |(_, words, by)| (words, *by))
    }
}

impl Step for SetCaRefused {
    fn words(&self) -> String {
        format!("refuse_ca_{}_{}", self.refusal().0, self.member)
    }

    fn about(&self) -> String {
        format!("an authority that is given {} to member {} is refused", self.handed, self.member)
    }

    fn impossible(&self, state: &State) -> Option<String> {
        let rightly = !REFUSALS.iter().any(|(handed, ..)| *handed == self.handed);
        cannot_reissue(state, self.member)
            .or_else(|| rightly.then(|| format!("an authority that is given {} is taken", self.handed)))
    }

    fn needs(&self) -> Vec<Need> {
        needs()
    }

    fn acts(&self, state: &State) -> Vec<Act> {
        let act = offer(state, self.member, UserCa::new(KeyAlgorithm::Ecdsa, KeyForm::Pkcs8), self.handed);
        vec![match self.refusal().1 {
            By::Command(why) => act.refused(format!("Error: {}", why.replace("{file}", OFFERED_CERTIFICATE))),
            By::Daemon(why) => {
                act.says(NOT_ISSUED).says(format!("journal: {FAILED} {why}")).never_says("New CA certificate: Issued")
            }
        }]
    }

    fn effect(&self, _state: &mut State) {}
}
