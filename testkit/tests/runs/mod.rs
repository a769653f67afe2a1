//! Runs as they were recorded, one for each way in which a run comes out. Evidence is cut, and what would name the
//! machine is replaced.

use std::fs;
use std::path::{Path, PathBuf};

/// The ways.
pub(crate) const STATES: [&str; 5] = ["good", "failing", "unformed", "skipped", "interrupted"];

/// The folder of a run that came out in this way.
pub(crate) fn fixture(state: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs").join(state)
}

/// A copy of it, to be changed.
#[allow(dead_code, reason = "not every test that knows the runs changes one")]
pub(crate) fn copy(state: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy_into(&fixture(state), folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_into(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}
