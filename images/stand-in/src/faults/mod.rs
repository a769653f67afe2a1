//! The switchboard for faults seeded on purpose.
//!
//! A framework is only trusted once it has been seen to fail when it should. The file `$SNAP_COMMON/faults` names the
//! faults to play, one a line, each with an optional value behind a space; empty lines and lines that start with `#`
//! do not count. The file is read at the moment a fault would matter, so that it may change between two commands.
//! Without the file the stand-in behaves.

pub(crate) mod aftermath;
pub(crate) mod arguments;
pub(crate) mod central;
pub(crate) mod certificates;
pub(crate) mod chassis;
pub(crate) mod counts;
mod health;
pub(crate) mod life;
pub(crate) mod links;
mod list;
pub(crate) mod panic;
pub(crate) mod reissue;
pub(crate) mod release;
pub(crate) mod renewal;
pub(crate) mod upgrade;

pub(crate) use list::Fault;
pub(crate) use release::Release;

use crate::paths::Paths;

/// An address nobody has (RFC 5737).
pub(crate) const NOBODY: &str = "192.0.2.1";

/// The value of a fault that is to be played (empty when it has none), or `None`.
pub(crate) fn find(paths: &Paths, fault: Fault) -> Option<String> {
    find_in(&std::fs::read_to_string(paths.faults()).ok()?, fault)
}

/// The value of a fault that is to be played, `default` when it has none, or `None`.
pub(crate) fn find_or(paths: &Paths, fault: Fault, default: &str) -> Option<String> {
    find(paths, fault).map(|value| if value.is_empty() { default.to_owned() } else { value })
}

/// Whether a fault is to be played.
pub(crate) fn plays(paths: &Paths, fault: Fault) -> bool {
    find(paths, fault).is_some()
}

fn find_in(text: &str, fault: Fault) -> Option<String> {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).find_map(|line| {
        let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (name == fault.name()).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths below a temporary directory that plays `faults`.
    pub(super) fn playing(faults: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        std::fs::write(paths.faults(), faults).expect("the faults are written");
        (dir, paths)
    }

    #[test]
    fn a_fault_is_found_by_its_whole_name() {
        let text = "# encap-with-mask\n\nencap-ignored-on-join\nextra-question What is your quest? \n";
        assert_eq!(find_in(text, Fault::EncapIgnoredOnJoin).as_deref(), Some(""));
        assert_eq!(find_in(text, Fault::ExtraQuestion).as_deref(), Some("What is your quest?"));
        assert_eq!(find_in(text, Fault::EncapWithMask), None);
        assert_eq!(find_in(text, Fault::EncapIgnoredOnBootstrap), None);
    }

    #[test]
    fn a_value_that_is_left_out_has_a_default() {
        let (_dir, paths) = playing("service-dead\ninit-fails no luck\n");
        assert_eq!(find_or(&paths, Fault::ServiceDead, "chassis").as_deref(), Some("chassis"));
        assert_eq!(find_or(&paths, Fault::InitFails, "").as_deref(), Some("no luck"));
        assert_eq!(find_or(&paths, Fault::InitHangs, "3600"), None);
    }

    #[test]
    fn the_readme_lists_exactly_the_faults_there_are() {
        let readme = include_str!("../../README.md");
        let (_, section) = readme.split_once("\n## Faults\n").expect("a section on faults");
        let section = section.split("\n## ").next().expect("a section");
        let mut listed: Vec<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
            .collect();
        let mut known: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
    }
}
