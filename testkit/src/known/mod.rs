//! Faults of products that are known: a red that is one of them is told with its reason, and is still no green.
//!
//! An entry of the list knows a fault by its signature: the check and every difference that it finds, or why there is no cluster. What
//! differs in any other way is not it, in the same check or in another.

mod file;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use file::KnownError;

use crate::expect::Verdict;
use crate::like::is_like;

/// A fault that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFault {
    /// What is told of it.
    pub told: KnownTold,
    /// Whose it is.
    pub component: Component,
    /// The releases that have it: `2.1` is every release of that series.
    pub versions: Vec<String>,
    /// The cells and journeys in which it shows.
    pub places: Vec<String>,
    /// What it looks like.
    pub signature: Signature,
    /// The line of its entry in the list, from 1 on.
    pub line: usize,
}

/// What is told of a fault that is known, wherever it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTold {
    /// What it is called.
    pub name: String,
    /// What it is, where it was seen, and why nothing is done about it here.
    pub reason: String,
    /// Since when it is known.
    pub since: Date,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// MicroOVN's.
    MicroOvn,
    /// MicroCloud's.
    MicroCloud,
}

/// What a fault looks like. In each text `…` stands for some text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// There is no cluster, for a reason that is told in this line.
    NoCluster(String),
    /// A check finds differences, all of which are among these lines, and each of these among them.
    Check {
        /// The check.
        check: String,
        /// What it finds, as [`Difference::line`](crate::expect::Difference::line) has it.
        differs: Vec<String>,
    },
}

/// The releases that are tested.
#[derive(Debug, Clone, Copy)]
pub struct Releases<'a> {
    /// MicroOVN's version.
    pub microovn: &'a str,
    /// MicroCloud's, as in `microcloud 2.1.0`, where it forms clusters.
    pub microcloud: Option<&'a str>,
}

impl KnownFault {
    /// Whether it is a fault of these releases that shows in this cell or journey.
    pub fn is_in(&self, place: &str, releases: &Releases<'_>) -> bool {
        let version = match self.component {
            Component::MicroOvn => Some(releases.microovn),
            Component::MicroCloud => releases.microcloud,
        };
        let has = |version: &str| self.versions.iter().any(|series| is_of(version, series));
        version.is_some_and(has) && self.places.iter().any(|known| known == place)
    }

    /// Whether it would show in what this check finds; one that leaves no cluster shows in all.
    pub fn shows_in(&self, name: &str) -> bool {
        match &self.signature {
            Signature::NoCluster(_) => true,
            Signature::Check { check, .. } => check == name,
        }
    }

    /// Whether what a check found is this, and nothing besides.
    pub fn is_what_differs(&self, verdict: &Verdict) -> bool {
        let Signature::Check { check, differs } = &self.signature else { return false };
        let lines: Vec<String> = verdict.differences.iter().map(|difference| difference.line()).collect();
        *check == verdict.check
            && !lines.is_empty()
            && verdict.differences.iter().all(|difference| !difference.unread)
            && lines.iter().all(|line| differs.iter().any(|known| is_like(line, known)))
            && differs.iter().all(|known| lines.iter().any(|line| is_like(line, known)))
    }

    /// Whether this is why there is no cluster; the reason in a line.
    pub fn is_why_there_is_none(&self, headline: &str) -> bool {
        matches!(&self.signature, Signature::NoCluster(line) if is_like(headline, line))
    }
}

/// Whether a version, or a name and a version, is of this series: it, or it with more behind a mark.
fn is_of(version: &str, series: &str) -> bool {
    let version = version.rsplit(char::is_whitespace).next().unwrap_or_default();
    let behind = version.strip_prefix(series);
    behind.is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
[[known]]
name = "upper-case"
product = "microovn"
versions = ["24.03"]
in = ["init_cluster", "downscale"]
check = "sb_encap"
differs = ["… Encap ip: wanted fd42::1, seen FD42::1", "… Encap rows: wanted 1, seen …"]
reason = "as it is written"
since = "2026-11-30"

[[known]]
name = "takes-all"
product = "microcloud"
versions = ["2.1", "3"]
in = ["init_cluster"]
no_cluster = "`microcloud preseed` on … must refuse it: seen …"
reason = "nobody asks"
since = "2026-11-30"
"#;

    fn known() -> [KnownFault; 2] {
        KnownFault::parse("known.toml", LIST).expect("a list").try_into().expect("two")
    }

    fn verdict(check: &str, found: &[(&str, &str, &str)]) -> Verdict {
        let mut verdict = Verdict::builder(check);
        verdict.compare("a", "Encap", "type", "geneve", "geneve");
        for (column, wanted, seen) in found {
            verdict.compare("a", "Encap", column, wanted, seen);
        }
        verdict.finish()
    }

    const IP: (&str, &str, &str) = ("ip", "fd42::1", "FD42::1");
    const ROWS: (&str, &str, &str) = ("rows", "1", "2");

    #[test]
    fn a_red_is_known_where_all_of_it_is_and_all_that_is_known_is_there() {
        let [known, none] = known();
        assert!(known.is_what_differs(&verdict("sb_encap", &[IP, ROWS])));
        for other in [
            verdict("sb_encap", &[IP]),
            verdict("sb_encap", &[IP, ROWS, ("ip", "fd42::2", "nothing")]),
            verdict("sb_encap", &[("ip", "fd42::1", "FD42::2"), ROWS]),
            verdict("sb_encap", &[]),
            verdict("tunnels", &[IP, ROWS]),
            Verdict::builder("sb_encap").finish(),
        ] {
            assert!(!known.is_what_differs(&other), "{other}");
        }
        let mut unread = Verdict::builder("sb_encap");
        unread.compare("a", "Encap", "ip", "fd42::1", "FD42::1");
        unread.unread("a", "Encap", "rows: wanted 1, seen 2");
        assert!(!known.is_what_differs(&unread.finish()), "what was not read is not known");
        assert!(!none.is_what_differs(&verdict("sb_encap", &[IP, ROWS])));
    }

    #[test]
    fn why_there_is_no_cluster_is_known_by_the_whole_line() {
        let [check, known] = known();
        let why = "`microcloud preseed` on \"m-1\" must refuse it: seen exit code 0";
        assert!(known.is_why_there_is_none(why) && !check.is_why_there_is_none(why));
        for other in ["`microcloud preseed` on \"m-1\" must refuse it: seen ", "no room", &format!("after {why}")] {
            assert!(!known.is_why_there_is_none(other), "{other}");
        }
    }

    #[test]
    fn it_is_in_its_places_and_in_what_it_is_a_fault_of() {
        let [microovn, microcloud] = known();
        let releases = |microovn, microcloud| Releases { microovn, microcloud };
        assert!(microovn.is_in("downscale", &releases("24.03.2+snap1", None)));
        assert!(!microovn.is_in("init_cluster_ipv6", &releases("24.03", None)), "another place");
        for other in ["24.09", "124.03", "24.031", ""] {
            assert!(!microovn.is_in("downscale", &releases(other, Some("24.03"))), "{other}");
        }
        for (version, is) in [("microcloud 2.1.0+stand-in", true), ("2.1", true), ("2.10", false), ("3-abc", true)] {
            assert_eq!(microcloud.is_in("init_cluster", &releases("2.1", Some(version))), is, "{version}");
        }
        assert!(!microcloud.is_in("init_cluster", &releases("2.1", None)));
        assert!(microovn.shows_in("sb_encap") && !microovn.shows_in("tunnels") && microcloud.shows_in("tunnels"));
    }
}
