//! What a plan takes from the release under test: expectations that are the product's own, and no init option's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The release under test, as far as expectations depend on it. What a stored document does not say is as in the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The snap's version, which is a text.
    pub version: String,
    /// The snap's services, from its `meta/snap.yaml`.
    pub services: BTreeSet<String>,
    /// The snap's plugs by name, from its `meta/snap.yaml`.
    pub plugs: BTreeMap<String, Plug>,
    /// The programs behind its commands, from its `meta/snap.yaml`.
    pub programs: Programs,
    /// The port of a member's API where nobody chooses another: 6686, and 6443 in releases up to 22.03.
    pub member_port: u16,
    /// Whether the calls that concern the cluster are below `/core/`; those of releases up to 22.03 are below `/cluster/`.
    pub core_api: bool,
    /// The schemas that its OVN wants the databases to have; `None` where that is not known.
    pub schemas: Option<Schemas>,
}

/// The versions of the schemas of both databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// That of the Northbound.
    pub northbound: String,
    /// That of the Southbound.
    pub southbound: String,
}

/// The programs behind a snap's commands, as far as all of them can be run in the surroundings of one: to enter these costs ten
/// times what a program does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Programs {
    /// The app whose surroundings these are: `microovn.ovn-sbctl`.
    pub app: String,
    /// By command, such as `microovn.ovs-vsctl`, its file in the snap.
    pub files: BTreeMap<String, String>,
}

impl Programs {
    /// Those that two releases have alike, for members of which it is not said which one they have.
    pub fn common(&self, other: Option<&Self>) -> Self {
        let Some(other) = other else { return self.clone() };
        let alike = |(name, file): &(&String, &String)| self.app == other.app && other.files.get(*name) == Some(*file);
        let files = self.files.iter().filter(alike).map(|(name, file)| (name.clone(), file.clone())).collect();
        Self { app: self.app.clone(), files }
    }
}

/// A plug that the snap declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plug {
    /// The interface it is of.
    pub interface: String,
    /// snapd's word on why it could not be connected when the members' image was made; `None` where it was connected.
    pub refused: Option<String>,
}

impl Plug {
    /// Whether nothing on a member provides what it is for: content comes from another snap, which need not be there.
    pub fn lacks_provider(&self) -> bool {
        self.interface == "content" && self.refused.is_some()
    }
}

/// That of a plan which is drawn without a product at hand. Recorded: `snap services` and `snap connections` of MicroOVN
/// main in the middle of 2026.
impl Default for Release {
    fn default() -> Self {
        let services = [
            "bird",
            "chassis",
            "daemon",
            "ovn-northd",
            "ovn-ovsdb-server-nb",
            "ovn-ovsdb-server-sb",
            "refresh-expiring-certs",
            "switch",
        ];
        let plugs = [
            "firewall-control",
            "hardware-observe",
            "hugepages-control",
            "kernel-module-observe",
            "network",
            "network-bind",
            "network-control",
            "network-setup-control",
            "openvswitch-support",
            "process-control",
            "system-trace",
        ];
        let plug = |name: &str| (name.to_owned(), Plug { interface: name.to_owned(), refused: None });
        Self {
            version: "25.03.0".to_owned(),
            services: services.map(str::to_owned).into(),
            plugs: plugs.map(plug).into(),
            programs: Programs::default(),
            member_port: 6686,
            core_api: true,
            schemas: Some(Schemas { northbound: "7.11.0".to_owned(), southbound: "20.41.0".to_owned() }),
        }
    }
}

impl Release {
    /// That from which a plan upgrades which is drawn without a product at hand. Recorded: OVN 23.03, which has no BGP.
    pub fn older() -> Self {
        let schemas = Schemas { northbound: "7.0.0".to_owned(), southbound: "20.27.0".to_owned() };
        let mut older = Self { version: "23.03.1".to_owned(), schemas: Some(schemas), ..Self::default() };
        older.services.remove("bird");
        older
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_document_does_not_say_is_as_it_was() {
        let older: Release = serde_json::from_str(r#"{"services":["daemon"],"plugs":{}}"#).expect("a release");
        assert_eq!((older.member_port, older.core_api, older.services.len()), (6686, true, 1));
    }

    #[test]
    fn of_two_releases_only_programs_are_common_that_are_the_same_file() {
        let programs = |app: &str, files: &[(&str, &str)]| {
            let files = files.iter().map(|(name, file)| ((*name).to_owned(), (*file).to_owned())).collect();
            Programs { app: app.to_owned(), files }
        };
        let older = programs("s.a", &[("s", "bin/s"), ("s.a", "bin/a")]);
        let newer = programs("s.a", &[("s", "commands/s"), ("s.a", "bin/a"), ("s.b", "bin/b")]);
        assert_eq!(older.common(None), older);
        assert_eq!(older.common(Some(&newer)), programs("s.a", &[("s.a", "bin/a")]));
        assert_eq!(older.common(Some(&programs("s.b", &[("s.a", "bin/a")]))).files.len(), 0, "other surroundings");
    }
}
