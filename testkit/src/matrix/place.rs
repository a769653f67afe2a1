//! Where something was declared.

use std::fmt;
use std::panic::Location;

/// A line of source, for messages: `suites/src/options/encap.rs:12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(&'static Location<'static>);

impl Place {
    /// The line that called the function which calls this one, both marked `#[track_caller]`.
    #[track_caller]
    pub(super) const fn caller() -> Self {
        Self(Location::caller())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}
