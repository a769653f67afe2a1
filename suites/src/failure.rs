//! Why a test did not pass, as a person reads it.

use std::fmt;

use testkit::report::chain;

/// A check that did not pass. Its debug form is what a person reads, because that is what the test harness prints.
pub struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    /// One of this text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The same, taken out.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    pub(crate) fn of(error: impl std::error::Error + 'static) -> Self {
        Self(chain(&error))
    }
}
