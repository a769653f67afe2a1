//! The switchboard for faults seeded on purpose.
//!
//! A framework is only trusted once it has been seen to fail when it should. The file `$SNAP_COMMON/faults` names the
//! faults to play, one a line, each with an optional value behind a space; empty lines and lines that start with `#`
//! do not count. The file is read at the moment a fault would matter, so that it may change between two commands.
//! Without the file the stand-in behaves.

use crate::paths::Paths;

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A joining member forgets its custom encapsulation address and uses its cluster address.
    EncapIgnoredOnJoin,
    /// A bootstrapping member forgets its custom encapsulation address and uses its cluster address.
    EncapIgnoredOnBootstrap,
    /// The encapsulation address is stored with a mask; the value is the mask, `/24` otherwise.
    EncapWithMask,
    /// The encapsulation address is replaced by the value; without one, the last digit of the address is doubled
    /// (10.0.0.2 becomes 10.0.0.22), which a substring check does not notice.
    EncapOther,
    /// The tunnel type is VXLAN.
    EncapTypeVxlan,
    /// The dialog asks a question nobody knows; the value is its text.
    ExtraQuestion,
    /// A question of the dialog has another text: `old => new`.
    QuestionReworded,
    /// A member enables a service more than it was told to; the value is the service, `central` otherwise.
    ServicesExtra,
    /// Members are reported unreachable; the value is one member's name, all members otherwise.
    MemberNotOnline,
    /// `init` stops for the given number of seconds (3600 otherwise) before it calls the daemon.
    InitHangs,
    /// `init` ends in an error after the last question; the value is its text.
    InitFails,
    /// `init` reports success although it did nothing.
    InitDoesNothing,
    /// The dialog of 24.03: it asks neither for services nor for a CA.
    OlderDialog,
    /// `cluster add` and `init` hand out a token whose secret is wrong.
    TokenGarbled,
    /// A member is formed without one of its services; the value is the snap service, `chassis` otherwise.
    ServiceNotStarted,
    /// A member's databases form a cluster of their own instead of joining the others.
    RaftAlone,
    /// A member keeps naming only the central members it knew when it was formed: its environment, ovn-controller
    /// and ovn-northd alike.
    EnvNotUpdated,
    /// Only ovn-controller keeps naming the central members it knew when it was formed.
    RemoteNotUpdated,
    /// Only ovn-northd keeps naming the central members it knew when it was started.
    NorthdNotUpdated,
}

impl Fault {
    /// The name of the fault in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EncapIgnoredOnJoin => "encap-ignored-on-join",
            Self::EncapIgnoredOnBootstrap => "encap-ignored-on-bootstrap",
            Self::EncapWithMask => "encap-with-mask",
            Self::EncapOther => "encap-other",
            Self::EncapTypeVxlan => "encap-type-vxlan",
            Self::ExtraQuestion => "extra-question",
            Self::QuestionReworded => "question-reworded",
            Self::ServicesExtra => "services-extra",
            Self::MemberNotOnline => "member-not-online",
            Self::InitHangs => "init-hangs",
            Self::InitFails => "init-fails",
            Self::InitDoesNothing => "init-does-nothing",
            Self::OlderDialog => "older-dialog",
            Self::TokenGarbled => "token-garbled",
            Self::ServiceNotStarted => "service-not-started",
            Self::RaftAlone => "raft-alone",
            Self::EnvNotUpdated => "env-not-updated",
            Self::RemoteNotUpdated => "remote-not-updated",
            Self::NorthdNotUpdated => "northd-not-updated",
        }
    }
}

/// The value of a fault that is to be played (empty when it has none), or `None`.
pub(crate) fn find(paths: &Paths, fault: Fault) -> Option<String> {
    find_in(&std::fs::read_to_string(paths.faults()).ok()?, fault)
}

fn find_in(text: &str, fault: Fault) -> Option<String> {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).find_map(|line| {
        let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (name == fault.name()).then(|| value.trim().to_owned())
    })
}

/// The encapsulation address as the faults leave it: `wanted` is the custom address, `default` the cluster address.
pub(crate) fn encap_ip(paths: &Paths, wanted: Option<&str>, default: &str, joining: bool) -> String {
    let ignored = if joining { Fault::EncapIgnoredOnJoin } else { Fault::EncapIgnoredOnBootstrap };
    let mut ip = match wanted {
        Some(ip) if find(paths, ignored).is_none() => ip.to_owned(),
        _ => default.to_owned(),
    };
    if let Some(other) = find(paths, Fault::EncapOther) {
        ip = if other.is_empty() { format!("{ip}{}", ip.chars().last().unwrap_or('0')) } else { other };
    }
    if let Some(mask) = find(paths, Fault::EncapWithMask) {
        ip.push_str(if mask.is_empty() { "/24" } else { &mask });
    }
    ip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_by_its_whole_name() {
        let text = "# encap-with-mask\n\nencap-ignored-on-join\nextra-question What is your quest? \n";
        assert_eq!(find_in(text, Fault::EncapIgnoredOnJoin).as_deref(), Some(""));
        assert_eq!(find_in(text, Fault::ExtraQuestion).as_deref(), Some("What is your quest?"));
        assert_eq!(find_in(text, Fault::EncapWithMask), None);
        assert_eq!(find_in(text, Fault::EncapIgnoredOnBootstrap), None);
    }

    #[test]
    fn nothing_happens_without_the_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        assert_eq!(encap_ip(&paths, Some("10.88.0.11"), "10.77.0.101", true), "10.88.0.11");
        assert_eq!(encap_ip(&paths, None, "10.77.0.101", false), "10.77.0.101");
    }

    #[test]
    fn each_encap_fault_changes_the_address_in_its_own_way() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        for (faults, joining, expected) in [
            ("encap-ignored-on-join", true, "10.77.0.101"),
            ("encap-ignored-on-join", false, "10.88.0.11"),
            ("encap-ignored-on-bootstrap", false, "10.77.0.101"),
            ("encap-with-mask", true, "10.88.0.11/24"),
            ("encap-with-mask /32", true, "10.88.0.11/32"),
            ("encap-other", true, "10.88.0.111"),
            ("encap-other fd42::1", true, "fd42::1"),
        ] {
            std::fs::write(paths.faults(), faults).expect("the faults are written");
            assert_eq!(encap_ip(&paths, Some("10.88.0.11"), "10.77.0.101", joining), expected, "{faults}");
        }
    }
}
