//! Which of the snap's services a line or a unit is of.

use super::{Trouble, Unit};

/// Daemons as the journal names them, and the services that run them.
const DAEMONS: [(&str, &[&str]); 5] = [
    ("microovnd", &["daemon"]),
    ("ovs-vswitchd", &["switch"]),
    ("ovn-controller", &["chassis"]),
    ("ovn-northd", &["ovn-northd"]),
    ("ovsdb-server", &["switch", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb"]),
];

impl Unit {
    /// The service of the snap: `ovn-northd`.
    pub fn service(&self) -> Option<&str> {
        of_unit(&self.name)
    }
}

impl Trouble {
    /// The services of the snap that it may be of: what systemd says of a unit and what is printed in one is of one, what a
    /// database server says of any that has one.
    pub fn services(&self) -> Vec<&str> {
        if self.who == "systemd" {
            return self.text.split([' ', ':']).filter_map(of_unit).collect();
        }
        if let Some(service) = self.who.strip_prefix("microovn.") {
            return vec![service];
        }
        // A log file is called as its daemon, those of the databases with a word more.
        let who = self.who.trim_end_matches(".log");
        let daemon = DAEMONS.iter().find(|(daemon, _)| who.starts_with(daemon));
        daemon.map(|(_, services)| services.to_vec()).unwrap_or_default()
    }
}

fn of_unit(name: &str) -> Option<&str> {
    name.strip_prefix("snap.microovn.")?.strip_suffix(".service")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microovn::health::Kind;

    #[test]
    fn a_line_is_of_the_service_whose_unit_it_names_or_whose_daemon_says_it() {
        for (who, text, services) in [
            ("systemd", "snap.microovn.chassis.service: Failed with result 'signal'.", &["chassis"][..]),
            ("systemd", "Failed to start snap.microovn.switch.service - Service for snap.", &["switch"]),
            ("microovn.ovn-northd", "ovn-northd: died", &["ovn-northd"]),
            ("ovs-vswitchd", "pid 252 died, killed (Killed), exiting", &["switch"]),
            ("ovs-vswitchd.log", "pid 252 died, killed (Killed), exiting", &["switch"]),
            ("ovsdb-server", "pid 252 died", &["switch", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb"]),
            ("kernel", "ovn-northd[912]: segfault at 8", &[]),
        ] {
            let (who, text) = (who.to_owned(), text.to_owned());
            let trouble = Trouble { kind: Kind::Ended, who, text, count: 1, per_second: 0 };
            assert_eq!(trouble.services(), services, "{trouble:?}");
        }
    }
}
