//! Ownership tags: the configuration keys that every LXD object of a run carries.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Process, RunId};

/// The value of [`key::OWNER`].
pub const OWNER: &str = "microovn-testkit";

/// Names of the keys.
pub mod key {
    /// The run an object belongs to.
    pub const RUN: &str = "user.testkit.run";
    /// The cell it serves.
    pub const CELL: &str = "user.testkit.cell";
    /// The member it is, or what it is for.
    pub const NODE: &str = "user.testkit.node";
    /// When it may be removed by anybody, RFC 3339.
    pub const EXPIRES: &str = "user.testkit.expires";
    /// The runner, as `boot:pid:started`.
    pub const RUNNER: &str = "user.testkit.runner";
    /// Whose the object is: [`super::OWNER`], on everything this framework makes.
    pub const OWNER: &str = "user.testkit.owner";
    /// Set on a cluster that outlives its run on purpose: `true`, or the moment from which a sweep may remove it, RFC 3339.
    pub const KEEP: &str = "user.testkit.keep";
}

/// The tags of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// The run.
    pub run: RunId,
    /// The runner.
    pub runner: Process,
    /// The cell's name.
    pub cell: String,
    /// The member's name, or what the object is for.
    pub node: String,
    /// From when on a sweep may remove it even if it cannot tell whether its runner lives.
    pub expires: Timestamp,
}

impl Tags {
    /// As LXD configuration.
    pub fn to_config(&self) -> BTreeMap<String, String> {
        [
            (key::RUN, self.run.to_string()),
            (key::OWNER, OWNER.to_owned()),
            (key::RUNNER, self.runner.to_string()),
            (key::CELL, self.cell.clone()),
            (key::NODE, self.node.clone()),
            (key::EXPIRES, self.expires.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    /// From LXD configuration; `None` when any tag is missing or malformed, which makes the object somebody else's.
    pub fn find(config: &BTreeMap<String, String>) -> Option<Self> {
        let get = |key: &str| config.get(key).filter(|value| !value.is_empty());
        Some(Self {
            run: RunId::new(get(key::RUN)?.clone())?,
            runner: get(key::RUNNER)?.parse().ok()?,
            cell: get(key::CELL)?.clone(),
            node: get(key::NODE)?.clone(),
            expires: get(key::EXPIRES)?.parse().ok()?,
        })
    }

    /// Whether nobody will come back for the object: its runner has ended, or cannot be asked and its time is up.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        match self.runner.is_alive() {
            Some(alive) => !alive,
            None => self.expires < now,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn tags() -> Tags {
        Tags {
            run: RunId::new("0badcafe".into()).expect("an id"),
            runner: Process::current(),
            cell: "init_cluster".into(),
            node: "microovn-init-cluster-1".into(),
            expires: Timestamp::now().checked_add(1.hour()).expect("in range"),
        }
    }

    #[test]
    fn tags_round_trip_through_configuration() {
        let tags = tags();
        assert_eq!(Tags::find(&tags.to_config()), Some(tags));
    }

    #[test]
    fn an_object_that_lacks_a_tag_is_somebody_elses() {
        for key in [key::RUN, key::RUNNER, key::CELL, key::NODE, key::EXPIRES] {
            let mut config = tags().to_config();
            config.remove(key);
            assert_eq!(Tags::find(&config), None, "without {key}");
        }
    }

    #[test]
    fn abandoned_means_dead_or_unknowable_and_expired() {
        let alive = tags();
        let now = Timestamp::now();
        let late = now.checked_add(24.hours()).expect("in range");
        assert!(!alive.is_abandoned(late), "a living runner keeps its objects, however long");
        let dead = Tags { runner: Process { started: 1, ..Process::current() }, ..tags() };
        assert!(dead.is_abandoned(now));
        let elsewhere = Tags { runner: Process { boot: "other".into(), ..Process::current() }, ..tags() };
        assert!(!elsewhere.is_abandoned(now));
        assert!(elsewhere.is_abandoned(late));
    }
}
