//! Names of LXD objects: known to contributors, unique to a run, and within LXD's limits.

use sha2::{Digest, Sha256};

use crate::plan::Network;
use crate::session::RunId;

/// LXD takes instance names that are DNS labels (RFC 1035: 63 octets).
const INSTANCE_LIMIT: usize = 63;

/// The instance of a member: `microovn-<suite>-<n>-<run>`. A name over LXD's limit is cut and carries a hash.
pub(super) fn instance(member: &str, run: &RunId) -> String {
    let name = format!("{member}-{}", run.short());
    if name.len() <= INSTANCE_LIMIT {
        return name;
    }
    let hash = hex(member, 8);
    let keep = INSTANCE_LIMIT - hash.len() - run.short().len() - 2;
    let head: String = member.chars().take(keep).collect();
    format!("{}-{hash}-{}", head.trim_end_matches('-'), run.short())
}

/// The bridge of a cell: `tk<hash>m` or `tk<hash>u`, since an interface name has at most 15 bytes (netdevice(7)).
pub(super) fn bridge(cell: &str, run: &RunId, network: Network) -> String {
    let role = match network {
        Network::Management => 'm',
        Network::Underlay => 'u',
    };
    format!("tk{}{role}", hex(&format!("{run}/{cell}"), 10))
}

/// A few letters for a name of others, in a file's name.
pub(super) fn digest(name: &str) -> String {
    hex(name, 10)
}

/// A number below `limit` for a name.
pub(super) fn number(name: &str, limit: u32) -> u32 {
    let digest = Sha256::digest(name.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % limit
}

/// The first `digits` hexadecimal digits of the SHA-256 of a text.
fn hex(text: &str, digits: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(digits);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        RunId::new("0badcafe".into()).expect("an id")
    }

    #[test]
    fn instance_names_start_as_contributors_know_them() {
        assert_eq!(instance("microovn-init-cluster-1", &run()), "microovn-init-cluster-1-0badca");
    }

    #[test]
    fn long_names_stay_unique_and_within_the_limit() {
        let long = |n| format!("microovn-init-cluster-{}-{n}", "ipv6-services-explicit-user-ca-ecdsa-rest".repeat(2));
        let (one, two) = (instance(&long(1), &run()), instance(&long(2), &run()));
        assert!(one.len() <= 63 && two.len() <= 63, "{one}");
        assert_ne!(one, two);
        assert!(one.starts_with("microovn-init-cluster-ipv6"), "{one}");
    }

    #[test]
    fn bridges_differ_by_run_cell_and_network_and_fit_an_interface_name() {
        let a = bridge("init_cluster", &run(), Network::Management);
        let b = bridge("init_cluster", &run(), Network::Underlay);
        let c = bridge("init_cluster_ipv6", &run(), Network::Management);
        assert!(a.len() <= 15, "{a}");
        assert!(a != b && a != c && b != c);
    }
}
