//! Runs as they were recorded, one for each way in which a run comes out. Evidence is cut, and what would name the
//! machine is replaced.

use std::path::{Path, PathBuf};

/// The ways.
pub(crate) const STATES: [&str; 6] = ["good", "failing", "unformed", "skipped", "interrupted", "journey"];

/// The folder of a run that came out in this way.
pub(crate) fn fixture(state: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state)
}
