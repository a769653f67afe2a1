//! What of all that is not as planned is told first: what explains the rest, by what was seen.

use super::{CHECKS, Difference, Verdict};
use crate::microovn::says_end;

/// How far a difference is from the cause of everything; the nearest first. What is as far as another is told in the order
/// of [`CHECKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// A program ended by itself: what it does not do any more follows.
    Ended,
    /// The cluster does not have a member: nothing of that member can be right.
    NoMember,
    /// A member was given or set something else: services, files, arguments, its own settings.
    Given,
    /// What MicroOVN and OVN made of what they were given is another thing.
    Made,
    /// It could not be read. Why, is often what another check says, and better; where none does, it is all there is.
    Unread,
}

/// Tables that nobody sets: MicroOVN and OVN write them of what they were given, most of them for all members at once.
const MADE: [&str; 9] = [
    "cluster list",
    "microovn status",
    "schema",
    "OVN_Northbound",
    "OVN_Southbound",
    "Chassis",
    "Encap",
    "Interface",
    "Datapath_Binding",
];

/// The verdicts that did not pass, the likely cause of the others first.
pub fn likely_causes<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Vec<&'a Verdict> {
    let mut failed: Vec<&Verdict> = verdicts.into_iter().filter(|verdict| !verdict.passed()).collect();
    failed.sort_by_key(|verdict| (verdict.distance(), place(&verdict.check)));
    failed
}

/// The place of a check in the list of those that judge what was observed; those that act come last.
fn place(check: &str) -> usize {
    CHECKS.iter().position(|known| known.name == check).unwrap_or(usize::MAX)
}

impl Verdict {
    /// The difference that says most of why the check did not pass; none where nothing was compared.
    pub fn first(&self) -> Option<&Difference> {
        self.differences.iter().min_by_key(|difference| difference.distance(&self.check))
    }

    /// All differences, those that say most of why the check did not pass first.
    pub fn in_order(&self) -> Vec<&Difference> {
        let mut all: Vec<&Difference> = self.differences.iter().collect();
        all.sort_by_key(|difference| difference.distance(&self.check));
        all
    }

    /// What did not pass, in a line.
    pub fn headline(&self) -> String {
        match self.first() {
            Some(difference) => format!("{}: {}", self.check, difference.line()),
            None => format!("{}: nothing was compared", self.check),
        }
    }

    /// Whether what this verdict says first is about a member that the other names too, so that it may explain it.
    pub fn may_explain(&self, other: &Self) -> bool {
        let member = self.first().map(|first| first.member.as_str());
        member.is_some_and(|member| other.differences.iter().any(|difference| difference.line().contains(member)))
    }

    fn distance(&self) -> Distance {
        self.first().map_or(Distance::Unread, |difference| difference.distance(&self.check))
    }
}

impl Difference {
    fn distance(&self, check: &str) -> Distance {
        if self.unread {
            return Distance::Unread;
        }
        if says_end(&self.seen) {
            return Distance::Ended;
        }
        // A check that acts on a cluster finds what the cluster makes of it.
        let made = MADE.contains(&self.table.as_str()) || place(check) == usize::MAX;
        match self.table.as_str() {
            // A unit that is down; one that systemd has started again does what it should.
            "systemd" if self.seen.contains("failed") || self.seen.contains("auto-restart") => Distance::Ended,
            "systemd" => Distance::Made,
            // What a program says over and over is mostly what becomes of something else.
            "journal" if !is_denial(&self.seen) => Distance::Made,
            "cluster list" if self.column == "name" => Distance::NoMember,
            _ if made => Distance::Made,
            // Whether packets cross follows from all that is said of the ways they take.
            table if table.starts_with("ping ") || table.starts_with("geneve on ") => Distance::Made,
            _ => Distance::Given,
        }
    }
}

/// Whether a line is of AppArmor or seccomp, which nothing else explains.
fn is_denial(text: &str) -> bool {
    text.contains("apparmor=") || text.contains("type=1326")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A verdict with one difference.
    fn verdict(check: &str, table: &str, column: &str, (wanted, seen): (&str, &str)) -> Verdict {
        let mut verdict = Verdict::builder(check);
        verdict.compare("m-2", table, column, wanted, seen);
        verdict.finish()
    }

    fn unread(check: &str, table: &str, reason: &str) -> Verdict {
        let mut verdict = Verdict::builder(check);
        verdict.unread("m-2", table, reason);
        verdict.finish()
    }

    #[track_caller]
    fn check(verdicts: &[Verdict], wanted: &[&str]) {
        let order: Vec<&str> = likely_causes(verdicts).iter().map(|verdict| verdict.check.as_str()).collect();
        assert_eq!(order, wanted);
    }

    #[test]
    fn what_could_not_be_read_comes_behind_what_is_wrong() {
        let alert = "failed: `ovn-sbctl` exited with 1: tlsv1 alert unknown ca";
        check(
            &[
                unread("sb_chassis", "Chassis", alert),
                unread("sb_encap", "Encap", alert),
                verdict("nb_sb_propagation", "ovn-nbctl --wait=sb", "ls-add x", ("success", alert)),
                verdict("certificates", "data/pki", "cacert.pem SHA-256", ("aa", "bb")),
            ],
            &["certificates", "nb_sb_propagation", "sb_chassis", "sb_encap"],
        );
        check(
            &[
                unread("ovs_encap_ip", "Open_vSwitch", "failed: no db.sock"),
                unread("tunnels", "Interface", "failed: no db.sock"),
                verdict("services", "snap services", "microovn.switch", ("enabled active", "enabled inactive")),
            ],
            &["services", "ovs_encap_ip", "tunnels"],
        );
    }

    #[test]
    fn what_a_member_was_given_comes_before_what_became_of_it() {
        check(
            &[
                verdict("members", "cluster list", "m-2 status", ("ONLINE", "UNREACHABLE")),
                verdict("nb_clustered", "OVN_Northbound", "servers", ("a, b", "a")),
                verdict("connection_strings", "ovn.env", "OVN_NB_CONNECT", ("a", "b")),
                verdict("sb_chassis", "Chassis", "name", ("m-1, m-2", "m-1")),
                verdict("tunnels", "Interface", "geneve rows", ("1", "0")),
                verdict("certificates", "data/pki", "ovnnb-cert.pem", ("signed", "not")),
            ],
            &["connection_strings", "certificates", "members", "nb_clustered", "sb_chassis", "tunnels"],
        );
    }

    #[test]
    fn a_member_that_is_none_explains_all_that_is_not_on_it() {
        check(
            &[
                verdict("services", "snap services", "microovn.switch", ("enabled active", "disabled inactive")),
                verdict("members", "cluster list", "name", ("m-1, m-2", "m-1")),
            ],
            &["members", "services"],
        );
    }

    #[test]
    fn a_program_that_ended_explains_what_it_does_not_do() {
        check(
            &[
                verdict("services", "snap services", "microovn.ovn-northd", ("enabled active", "enabled inactive")),
                verdict("sb_chassis", "Chassis", "name", ("m-1, m-2", "m-1")),
                verdict("tunnels", "Interface", "x", ("none", "ovn-controller: util|EMER|assertion x failed in y()")),
            ],
            &["tunnels", "services", "sb_chassis"],
        );
    }

    #[test]
    fn what_is_said_over_and_over_comes_behind_what_was_set() {
        let seen = "microovn.chassis: main|INFO|OVNSB commit failed, force recompute next time.";
        check(
            &[
                verdict("healthy", "journal", "lines again and again", ("none", seen)),
                verdict("system_id", "Open_vSwitch", "external_ids:system-id", ("m-2", "host-2")),
            ],
            &["system_id", "healthy"],
        );
        check(
            &[
                verdict("services", "snap services", "ovn-northd", ("enabled active", "enabled inactive")),
                verdict("healthy", "systemd", "ovn-northd", ("no failure", "failed (failed), result exit-code")),
            ],
            &["healthy", "services"],
        );
        check(
            &[
                verdict("healthy", "systemd", "ovn-northd", ("no failure", "restarted 1 times by systemd")),
                verdict("services", "snap services", "daemon", ("enabled active", "enabled inactive")),
            ],
            &["services", "healthy"],
        );
    }

    #[test]
    fn what_is_of_one_member_explains_nothing_of_another() {
        let of = |member: &str, seen: &str| {
            let mut verdict = Verdict::builder("members");
            verdict.compare(member, "cluster list", "name", "all", seen);
            verdict.finish()
        };
        assert!(!of("m-2", "x").may_explain(&of("m-1", "x")));
        assert!(of("m-2", "x").may_explain(&of("m-1", "without m-2")) && of("m-2", "x").may_explain(&of("m-2", "x")));
    }

    #[test]
    fn of_a_check_the_difference_is_told_that_says_most() {
        let mut both = Verdict::builder("connection_strings");
        both.unread("m-1", "ovn-northd", "failed: nothing was printed");
        both.judge(false, "m-2", "ovn.env", "OVN_NB_CONNECT", "a", "b", Some("b is not planned".to_owned()));
        let both = both.finish();
        assert_eq!(
            both.headline(),
            "connection_strings: m-2 ovn.env OVN_NB_CONNECT: wanted a, seen b (b is not planned)"
        );
        assert_eq!(Verdict::builder("members").finish().headline(), "members: nothing was compared");
    }
}
