//! Host names that fit where they have to.

use sha2::{Digest, Sha256};

use crate::matrix::CellId;

/// What is left of a DNS label (RFC 1035: 63 octets) for a host name, so that `-<run>` can still be appended to it for
/// the name of an LXD instance.
const LIMIT: usize = 55;

/// `microovn-<suite>-<n>`; where that is too long, the suite is cut and carries a hash.
pub(super) fn hostname(cell: &CellId, n: usize) -> String {
    let name = format!("microovn-{}-{n}", cell.hyphenated());
    if name.len() <= LIMIT {
        return name;
    }
    let digest = Sha256::digest(cell.as_str().as_bytes());
    let hash: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    let tail = format!("-{hash}-{n}");
    // Cell ids are ASCII, being identifiers.
    let head: String = name.chars().take(LIMIT - tail.len()).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CellId {
        serde_json::from_value(text.into()).expect("an id")
    }

    #[test]
    fn host_names_are_as_contributors_know_them() {
        assert_eq!(hostname(&id("init_cluster_ipv6_custom_encap"), 3), "microovn-init-cluster-ipv6-custom-encap-3");
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let long = |tail| id(&format!("init_cluster_ipv6_custom_encap_loopback_services_name_user_ca_{tail}"));
        let (one, other) = (hostname(&long("rsa"), 1), hostname(&long("ecdsa"), 1));
        assert!(one.len() <= LIMIT && other.len() <= LIMIT, "{one}");
        assert_ne!(one, other);
        assert!(one.starts_with("microovn-init-cluster-ipv6") && one.ends_with("-1"), "{one}");
    }
}
