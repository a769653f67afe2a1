//! A MicroOVN that is built to count its own code.

use crate::paths::Paths;

use super::{Fault, plays};

/// Leaves what a daemon counted that ends now, as Go's programs do: by program, process and time.
pub(crate) fn leave(paths: &Paths) {
    if !plays(paths, Fault::Counts) {
        return;
    }
    let folder = paths.common.join("data/coverage");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let name = format!("covcounters.microovnd.{}.{}", std::process::id(), now.as_nanos());
    let left = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(name), b""));
    if let Err(error) = left {
        complain!("the fault {} is not played: {error}", Fault::Counts.name());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn a_daemon_that_counts_leaves_a_file_of_its_own() {
        for (faults, files) in [("", 0), ("counts", 1)] {
            let (_dir, paths) = playing(faults);
            leave(&paths);
            let left = std::fs::read_dir(paths.common.join("data/coverage")).map_or(0, Iterator::count);
            assert_eq!(left, files, "{faults:?}");
        }
    }
}
