//! Faults in what a chassis is told about itself: the encapsulation address and the rest of `external_ids`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::address;
use crate::paths::Paths;

use super::{Fault, NOBODY, find_or, plays};

/// Where nobody listens.
const NOWHERE: &str = "ssl:127.0.0.1:1";

/// The encapsulation address as the faults leave it: `wanted` is the custom address, `default` the cluster address.
pub(crate) fn encap_ip(paths: &Paths, wanted: Option<&str>, default: &str, joining: bool) -> String {
    let ignored = if joining { Fault::EncapIgnoredOnJoin } else { Fault::EncapIgnoredOnBootstrap };
    let mut ip = match wanted {
        Some(ip) if !plays(paths, ignored) => ip.to_owned(),
        _ => default.to_owned(),
    };
    let parsed = ip.parse::<IpAddr>().ok();
    let last = ip.chars().last().unwrap_or('0');
    let replacements = [
        (Fault::EncapOther, Some(format!("{ip}{last}"))),
        (Fault::EncapOfPeer, parsed.map(|ip| neighbour(ip, joining).to_string())),
        (Fault::EncapWrongFamily, parsed.map(|ip| of_other_family(ip).to_string())),
        (Fault::EncapTruncated, ip.strip_suffix(last).map(str::to_owned)),
        (Fault::EncapHostname, Some(address::hostname())),
    ];
    for (fault, replacement) in replacements {
        if let Some(other) = find_or(paths, fault, &replacement.unwrap_or_default()) {
            ip = other;
        }
    }
    if plays(paths, Fault::EncapInBrackets) {
        ip = format!("[{ip}]");
    }
    if let Some(mask) = find_or(paths, Fault::EncapWithMask, "/24") {
        ip.push_str(&mask);
    }
    ip
}

/// The address before this one, or behind it.
fn neighbour(ip: IpAddr, before: bool) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let bits = ip.to_bits();
            IpAddr::V4(if before { bits.wrapping_sub(1) } else { bits.wrapping_add(1) }.into())
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            IpAddr::V6(if before { bits.wrapping_sub(1) } else { bits.wrapping_add(1) }.into())
        }
    }
}

/// An address of the other family: this host's, or one nobody has.
fn of_other_family(ip: IpAddr) -> IpAddr {
    let documentation = match ip {
        IpAddr::V4(_) => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from([192, 0, 2, 1]),
    };
    address::find_of_family(documentation.is_ipv6()).unwrap_or(documentation)
}

/// Changes the `external_ids` of a chassis as the faults demand. `name` is the member's.
///
/// A key with the chassis' name behind it counts for ovn-controller instead of the plain one (ovn-controller(8)), which
/// is how Open_vSwitch can show one value and the Southbound another.
pub(crate) fn distort(paths: &Paths, name: &str, ids: &mut BTreeMap<String, String>) {
    let mut name = name.to_owned();
    if let Some(other) = find_or(paths, Fault::ChassisRenamed, &format!("{name}-renamed")) {
        ids.insert("system-id".to_owned(), other.clone());
        name = other;
    }
    let for_controller = |key: &str| format!("{key}-{name}");
    if let Some(other) = find_or(paths, Fault::ChassisHostname, "localhost") {
        ids.insert(for_controller("hostname"), other);
    }
    let Some(ip) = ids.get("ovn-encap-ip").cloned() else {
        return;
    };
    if plays(paths, Fault::EncapTypeVxlan) {
        ids.insert("ovn-encap-type".to_owned(), "vxlan".to_owned());
    }
    if plays(paths, Fault::EncapCsumOff) {
        ids.insert("ovn-encap-csum".to_owned(), "false".to_owned());
    }
    if plays(paths, Fault::ChassisMissing) {
        ids.insert(for_controller("ovn-remote"), NOWHERE.to_owned());
    }
    if let Some(other) = find_or(paths, Fault::EncapNotInSouthbound, NOBODY) {
        ids.insert(for_controller("ovn-encap-ip"), other);
    }
    if let Some(second) = find_or(paths, Fault::EncapTwoRows, NOBODY) {
        ids.insert(for_controller("ovn-encap-ip"), format!("{ip},{second}"));
    }
    if let Some(other) = find_or(paths, Fault::EncapOnlyInSouthbound, NOBODY) {
        ids.insert(for_controller("ovn-encap-ip"), ip);
        ids.insert("ovn-encap-ip".to_owned(), other);
    }
    if plays(paths, Fault::EncapLate) {
        ids.remove("ovn-encap-ip");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn nothing_happens_without_the_file() {
        let (_dir, paths) = playing("");
        std::fs::remove_file(paths.faults()).expect("the file is removed");
        assert_eq!(encap_ip(&paths, Some("10.88.0.11"), "10.77.0.101", true), "10.88.0.11");
        assert_eq!(encap_ip(&paths, None, "10.77.0.101", false), "10.77.0.101");
        let mut ids = BTreeMap::from([("ovn-encap-ip".to_owned(), "10.88.0.11".to_owned())]);
        let before = ids.clone();
        distort(&paths, "real-1", &mut ids);
        assert_eq!(ids, before);
    }

    #[test]
    fn each_encap_fault_changes_the_address_in_its_own_way() {
        for (faults, joining, expected) in [
            ("encap-ignored-on-join", true, "10.77.0.101"),
            ("encap-ignored-on-join", false, "10.88.0.11"),
            ("encap-ignored-on-bootstrap", false, "10.77.0.101"),
            ("encap-with-mask", true, "10.88.0.11/24"),
            ("encap-with-mask /32", true, "10.88.0.11/32"),
            ("encap-other", true, "10.88.0.111"),
            ("encap-other fd42::1", true, "fd42::1"),
            ("encap-of-peer", true, "10.88.0.10"),
            ("encap-of-peer", false, "10.88.0.12"),
            ("encap-of-peer 10.88.0.13", false, "10.88.0.13"),
            ("encap-in-brackets", true, "[10.88.0.11]"),
            ("encap-hostname", true, &address::hostname()),
            ("encap-hostname real-9", true, "real-9"),
            ("encap-wrong-family fd42::1", true, "fd42::1"),
        ] {
            let (_dir, paths) = playing(faults);
            assert_eq!(encap_ip(&paths, Some("10.88.0.11"), "10.77.0.101", joining), expected, "{faults}");
        }
        let (_dir, paths) = playing("encap-wrong-family");
        let other = encap_ip(&paths, Some("10.88.0.11"), "10.77.0.101", true);
        assert!(other.parse::<IpAddr>().expect(&other).is_ipv6(), "{other}");
    }

    #[test]
    fn a_truncated_address_is_contained_in_the_right_one() {
        let (_dir, paths) = playing("encap-truncated");
        for (ip, expected) in [("10.88.0.12", "10.88.0.1"), ("fd42:88::1b", "fd42:88::1"), ("fd42:88::b", "fd42:88::")]
        {
            assert_eq!(encap_ip(&paths, Some(ip), "10.77.0.101", true), expected);
        }
    }

    #[test]
    fn open_vswitch_and_the_controller_can_be_told_different_things() {
        let right = || {
            BTreeMap::from([
                ("system-id".to_owned(), "real-1".to_owned()),
                ("ovn-encap-ip".to_owned(), "10.88.0.11".to_owned()),
            ])
        };
        for (faults, key, expected) in [
            ("encap-not-in-southbound", "ovn-encap-ip", Some("10.88.0.11")),
            ("encap-not-in-southbound", "ovn-encap-ip-real-1", Some(NOBODY)),
            ("encap-only-in-southbound", "ovn-encap-ip", Some(NOBODY)),
            ("encap-only-in-southbound", "ovn-encap-ip-real-1", Some("10.88.0.11")),
            ("encap-two-rows", "ovn-encap-ip-real-1", Some("10.88.0.11,192.0.2.1")),
            ("encap-late 90", "ovn-encap-ip", None),
            ("chassis-missing", "ovn-remote-real-1", Some(NOWHERE)),
            ("chassis-renamed", "system-id", Some("real-1-renamed")),
            ("chassis-renamed foo\nchassis-missing", "ovn-remote-foo", Some(NOWHERE)),
            ("chassis-hostname", "hostname-real-1", Some("localhost")),
        ] {
            let (_dir, paths) = playing(faults);
            let mut ids = right();
            distort(&paths, "real-1", &mut ids);
            assert_eq!(ids.get(key).map(String::as_str), expected, "{faults}");
        }
    }
}
