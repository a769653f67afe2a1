//! Which of OVN's services have certificates.

use std::collections::BTreeSet;

use super::Service;

/// What has a certificate on a member with these services: the stems of the files, and the unit in their subjects, in the
/// order in which MicroOVN names them.
///
/// Recorded: `microovn certificates list` and `reissue all` on members with and without central.
pub fn planned_certificates(services: &BTreeSet<Service>) -> Vec<&'static str> {
    let mut stems = Vec::new();
    if services.contains(&Service::Central) {
        stems.extend(["ovnnb", "ovnsb", "ovn-northd"]);
    }
    if services.contains(&Service::Chassis) {
        stems.push("ovn-controller");
    }
    stems.push("client");
    stems
}
