//! What came of a test.

use testkit::expect::Verdict;

use crate::failure::Failure;

/// What came of a test, and what went wrong after that, which takes nothing of it back: what was found was found.
pub(crate) struct Judged {
    outcome: Result<(), Failure>,
    pub(crate) verdict: Option<Verdict>,
    afterwards: Vec<String>,
}

impl Judged {
    /// A test that came to no verdict.
    pub(crate) fn without_verdict(failure: Failure) -> Self {
        Self { outcome: Err(failure), verdict: None, afterwards: Vec::new() }
    }

    /// A test that came to this verdict.
    pub(crate) fn with_verdict(outcome: Result<(), Failure>, verdict: Verdict) -> Self {
        Self { outcome, verdict: Some(verdict), afterwards: Vec::new() }
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
            Some(text) => Err(Failure::new(text)),
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
