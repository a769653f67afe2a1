//! Another release of MicroOVN than the newest, played as a whole.
//!
//! What a release has is that of its branch upstream; where the snap itself decides (services, plugs, bases), it stays the
//! newest's.

use std::net::IpAddr;

use crate::address::bracketed;
use crate::ovn::env::OvnEnv;
use crate::paths::Paths;

use super::{Fault, find_or};

/// A release that can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Release {
    /// The newest, as it is played without this fault.
    #[default]
    Newest,
    /// branch-24.03.
    R2403,
    /// branch-22.03.
    R2203,
}

/// The commands that 22.03 does not have.
const NOT_IN_2203: [&str; 4] = ["waitready", "config", "enable", "disable"];

impl Release {
    /// The one that is to be played.
    pub(crate) fn played(paths: &Paths) -> Self {
        match find_or(paths, Fault::PlaysRelease, "24.03").as_deref() {
            None => Self::Newest,
            Some("22.03") => Self::R2203,
            Some(_) => Self::R2403,
        }
    }

    /// Whether it is 22.03, which has the first API and asks for nothing but address, name and token.
    pub(crate) fn is_first(self) -> bool {
        self == Self::R2203
    }

    /// Whether `init` asks for services.
    pub(crate) fn asks_for_services(self) -> bool {
        self == Self::Newest
    }

    /// The port that members listen on unless told otherwise.
    pub(crate) fn port(self) -> u16 {
        if self.is_first() { 6443 } else { crate::address::DEFAULT_PORT }
    }

    /// Whether `microovn` does not know a command.
    pub(crate) fn lacks(self, command: &str) -> bool {
        self.is_first() && NOT_IN_2203.contains(&command)
    }

    /// The path at which this release has what the newest has at `path`.
    pub(crate) fn path(self, path: &str) -> String {
        match path.strip_prefix("/core/") {
            Some(rest) if self.is_first() => format!("/cluster/{rest}"),
            _ => path.to_owned(),
        }
    }

    /// The path at which the newest has what this release has at `path`; `None` where this release has nothing there.
    pub(crate) fn newest_path(self, path: &str) -> Option<String> {
        if !self.is_first() {
            return Some(path.to_owned());
        }
        let has = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match path.strip_prefix("/cluster/") {
            Some(rest) => Some(format!("/core/{rest}")),
            None => (!has("/core")).then(|| path.to_owned()),
        }
    }

    /// The central that a database of this member starts from. 22.03 names the first on every member, also on itself.
    pub(crate) fn initial(self, env: &OvnEnv) -> Option<String> {
        let first: Option<IpAddr> = env.centrals.first().copied();
        first.filter(|_| self.is_first()).map(bracketed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn a_release_is_played_by_its_number() {
        for (faults, wanted) in [
            ("", Release::Newest),
            ("plays-release", Release::R2403),
            ("plays-release 24.03", Release::R2403),
            ("plays-release 22.03", Release::R2203),
        ] {
            let (_dir, paths) = playing(faults);
            assert_eq!(Release::played(&paths), wanted, "{faults}");
        }
    }

    #[test]
    fn the_first_release_has_another_port_another_api_and_fewer_commands() {
        let (new, old) = (Release::R2403, Release::R2203);
        assert_eq!((new.port(), old.port()), (6686, 6443));
        assert_eq!(
            (new.path("/core/control"), old.path("/core/control")),
            ("/core/control".into(), "/cluster/control".into())
        );
        assert_eq!(old.path("/1.0/services"), "/1.0/services");
        assert_eq!(old.newest_path("/cluster/1.0").as_deref(), Some("/core/1.0"));
        assert_eq!((old.newest_path("/core/1.0"), old.newest_path("/core")), (None, None));
        assert_eq!(old.newest_path("/1.0/services").as_deref(), Some("/1.0/services"));
        assert_eq!(new.newest_path("/core/1.0").as_deref(), Some("/core/1.0"));
        let lacks =
            |release: Release| ["waitready", "config", "enable", "status"].map(|command| release.lacks(command));
        assert_eq!((lacks(new), lacks(old)), ([false; 4], [true, true, true, false]));
    }

    #[test]
    fn the_first_release_starts_every_database_from_the_first_central() {
        let ip = |last| IpAddr::from([10, 77, 0, last]);
        let env = OvnEnv { centrals: vec![ip(101), ip(102)], local: ip(101) };
        assert_eq!(Release::R2203.initial(&env).as_deref(), Some("10.77.0.101"));
        assert_eq!(Release::R2403.initial(&env), None);
    }
}
