//! What came of a test.

use testkit::expect::Verdict;
use testkit::known::{KnownFault, KnownTold};

use crate::failure::Failure;

/// What came of a test, and what went wrong after that, which takes nothing of it back: what was found was found.
pub(crate) struct Judged {
    outcome: Result<(), Failure>,
    pub(crate) verdict: Option<Verdict>,
    /// What each check found that it is made of; `None` where something else is red, too.
    found: Option<Vec<Verdict>>,
    /// Why there is no cluster, in a line.
    unformed: Option<String>,
    /// The faults that are known that it is about.
    pub(crate) known: Vec<KnownTold>,
    afterwards: Vec<String>,
}

impl Judged {
    /// A test that came to no verdict.
    pub(crate) fn without_verdict(failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            verdict: None,
            found: None,
            unformed: None,
            known: Vec::new(),
            afterwards: Vec::new(),
        }
    }

    /// A test of a cluster that there is not, for the reason in this line.
    pub(crate) fn unformed(failure: Failure, headline: String) -> Self {
        Self { unformed: Some(headline), ..Self::without_verdict(failure) }
    }

    /// A test that came to this verdict.
    pub(crate) fn with_verdict(outcome: Result<(), Failure>, verdict: Verdict) -> Self {
        let found = Some(vec![verdict.clone()]);
        Self { outcome, verdict: Some(verdict), found, unformed: None, known: Vec::new(), afterwards: Vec::new() }
    }

    /// The same, of what several checks found; `None` where something else is red, too.
    pub(crate) fn of(self, found: Option<Vec<Verdict>>) -> Self {
        Self { found, ..self }
    }

    /// Notes which of these faults, which are known, it is about: where it did not pass those that are all of why; where it passed those
    /// that would have shown.
    pub(crate) fn know(&mut self, faults: &[KnownFault]) {
        let about: Option<Vec<&KnownFault>> = match (&self.outcome, &self.unformed, &self.found) {
            (Ok(()), _, Some(found)) => {
                Some(faults.iter().filter(|fault| found.iter().any(|it| fault.shows_in(&it.check))).collect())
            }
            (Err(_), Some(why), _) => {
                faults.iter().find(|fault| fault.is_why_there_is_none(why)).map(|fault| vec![fault])
            }
            (Err(_), None, Some(found)) => {
                let red = found.iter().filter(|verdict| !verdict.passed());
                red.map(|verdict| faults.iter().find(|fault| fault.is_what_differs(verdict))).collect()
            }
            (_, _, None) => None,
        };
        for KnownFault { told, .. } in about.unwrap_or_default() {
            if !self.known.contains(told) {
                self.known.push(told.clone());
            }
        }
    }

    /// Adds what was said of something done besides, or that it went wrong.
    pub(crate) fn afterwards(&mut self, done: Result<Option<String>, Failure>) {
        match done {
            Ok(said) => self.afterwards.extend(said),
            Err(failure) => self.afterwards.push(format!("after the verdict: {}", failure.text())),
        }
    }

    /// What the test says where it does not pass.
    pub(crate) fn failure(&self) -> Option<String> {
        let text = self.outcome.as_ref().err()?.text();
        Some([&[text.to_owned()][..], &self.afterwards].concat().join("\n"))
    }

    /// The end of the test: the verdict decides how. What went wrong after one that passed is printed only; the reaper does
    /// again what was to be done.
    pub(crate) fn conclude(self) -> Result<(), Failure> {
        match self.failure() {
            Some(text) if self.known.is_empty() => Err(Failure::new(text)),
            Some(text) => {
                for KnownTold { name, reason, since } in &self.known {
                    println!("KNOWN {name}, since {since}: {}", reason.trim());
                }
                println!("{text}");
                Ok(())
            }
            None => {
                self.afterwards.iter().for_each(|said| println!("{said}"));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(seen: &str) -> Verdict {
        let mut verdict = Verdict::builder("members");
        verdict.compare("a", "t", "c", "x", seen);
        verdict.finish()
    }

    const KNOWN: &str = r#"
[[known]]
name = "y"
product = "microovn"
versions = ["1"]
in = ["init_cluster"]
check = "members"
differs = ["… t column: wanted x, seen y"]
reason = "rain"
since = "2026-11-30"

[[known]]
name = "none"
product = "microovn"
versions = ["1"]
in = ["init_cluster"]
no_cluster = "it did not rain at all"
reason = "rain"
since = "2026-11-30"
"#;

    /// The names of the faults that a test is about, and whether it ends well.
    fn known(mut judged: Judged) -> (Vec<String>, bool) {
        judged.know(&KnownFault::parse("k.toml", KNOWN).expect("a list"));
        let names = judged.known.iter().map(|known| known.name.clone()).collect();
        (names, judged.conclude().is_ok())
    }

    fn found(check: &str, seen: &str) -> Verdict {
        let mut verdict = Verdict::builder(check);
        verdict.compare("a", "t", "column", "x", seen);
        verdict.finish()
    }

    fn red() -> Result<(), Failure> {
        Err(Failure::new("it is red".to_owned()))
    }

    #[test]
    fn a_red_is_known_where_all_of_it_is_and_is_a_failure_else() {
        let of = |check, seen| known(Judged::with_verdict(red(), found(check, seen)));
        assert_eq!(of("members", "y"), (vec!["y".to_owned()], true));
        assert_eq!(of("members", "z"), (vec![], false), "another difference of the same check");
        assert_eq!(of("services", "y"), (vec![], false), "another check");
        // A station: what its checks found, and what else is red there.
        let station =
            |found: Option<Vec<Verdict>>| known(Judged::with_verdict(red(), self::found("s1", "y")).of(found));
        let (right, y, z) = (found("services", "x"), found("members", "y"), found("services", "z"));
        assert_eq!(station(Some(vec![right.clone(), y.clone()])), (vec!["y".to_owned()], true));
        assert_eq!(station(Some(vec![z, y])), (vec![], false), "another check is red, too");
        assert_eq!(station(None), (vec![], false), "a watch is red, too");
        assert!(!station(Some(vec![right])).1, "what is red is no check");
    }

    #[test]
    fn why_there_is_no_cluster_is_known_by_its_line() {
        let of = |why: &str| known(Judged::unformed(Failure::new(format!("{why}\nand more")), why.to_owned()));
        assert_eq!(of("it did not rain at all"), (vec!["none".to_owned()], true));
        assert_eq!(of("it did not rain"), (vec![], false));
    }

    #[test]
    fn what_would_have_shown_and_did_not_is_noted_of_a_test_that_passed() {
        let passed = known(Judged::with_verdict(Ok(()), found("members", "x")));
        assert_eq!(passed, (vec!["y".to_owned(), "none".to_owned()], true));
        assert_eq!(known(Judged::with_verdict(Ok(()), found("services", "x"))).0, ["none"]);
    }

    #[test]
    fn what_goes_wrong_after_a_verdict_that_passed_leaves_it_so() {
        let mut judged = Judged::with_verdict(Ok(()), verdict("x"));
        judged.afterwards(Err(Failure::new("no room".to_owned())));
        assert_eq!(judged.failure(), None);
        assert!(judged.conclude().is_ok());
    }

    #[test]
    fn what_goes_wrong_after_the_verdict_is_said_after_it() {
        let mut judged = Judged::with_verdict(Err(Failure::new("it is y".to_owned())), verdict("y"));
        judged.afterwards(Err(Failure::new("no room".to_owned())));
        judged.afterwards(Ok(Some("coverage: none".to_owned())));
        let text = judged.failure().expect("it did not pass");
        assert_eq!(text, "it is y\nafter the verdict: no room\ncoverage: none");
    }
}
