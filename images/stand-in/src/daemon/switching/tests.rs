//! What is refused and what is warned of, word for word.

use std::net::SocketAddr;

use super::*;

/// A cluster of as many members as there are lists of services.
fn cluster(services: &[&[&str]]) -> Cluster {
    let member = |(index, services): (usize, &&[&str])| Member {
        name: format!("real-{}", index + 1),
        address: SocketAddr::from(([10, 77, 0, 101], 6686)),
        certificate: String::new(),
        role: "voter".to_owned(),
        last_heartbeat: None,
        services: services.iter().map(|service| (*service).to_owned()).collect(),
        ready: true,
    };
    Cluster { members: services.iter().enumerate().map(member).collect(), ..Cluster::default() }
}

#[test]
fn refusals_read_as_recorded() {
    const ALL: &[&str] = &["central", "chassis", "switch"];
    let lone = cluster(&[ALL, &ALL[1..]]);
    let pair = cluster(&[ALL, ALL]);
    for (cluster, member, enable, text) in [
        (&lone, 0, true, include_str!("../../../tests/fixtures/200-enable-central-again.txt")),
        (&lone, 1, false, include_str!("../../../tests/fixtures/200-disable-central-not-enabled.txt")),
        (&lone, 0, false, include_str!("../../../tests/fixtures/204-zero-3-last-refused.txt")),
    ] {
        let refused = require_change(cluster, &cluster.members[member], "central", enable, false);
        let said = format!("'{}'\n", refused.expect_err("refused").message);
        assert!(text.ends_with(&said), "{said}");
    }
    for (cluster, allow_last) in [(&lone, true), (&pair, false)] {
        assert_eq!(require_change(cluster, &cluster.members[0], "central", false, allow_last), Ok(()));
    }
    assert_eq!(require_change(&lone, &lone.members[1], "switch", false, false), Ok(()));
}

#[test]
fn what_a_target_refuses_reads_as_recorded() {
    let target = "microovn-init-cluster-members-4-1";
    let refused = Error::internal("cannot disable last central node without explicit confirmation");
    for (error, text) in [
        (from_target(target, refused), include_str!("../../../tests/fixtures/204-zero-3-last-refused-remote.txt")),
        (unknown("nosuch"), include_str!("../../../tests/fixtures/200-disable-node-unknown.txt")),
        (unknown("nosuch"), include_str!("../../../tests/fixtures/200-enable-node-unknown.txt")),
    ] {
        assert!(text.ends_with(&format!("'{error}'\n")), "{error}");
    }
}

#[test]
fn warnings_read_as_recorded() {
    for (left, text) in [
        (2, include_str!("../../../tests/fixtures/201-migrate-1-disable-central-1.txt")),
        (1, include_str!("../../../tests/fixtures/204-zero-2-disable-2.txt")),
        (0, include_str!("../../../tests/fixtures/204-zero-4-allow-last.txt")),
        (1, include_str!("../../../tests/fixtures/204-zero-6-enable-2.txt")),
        (2, include_str!("../../../tests/fixtures/204-zero-8-enable-1.txt")),
        (3, include_str!("../../../tests/fixtures/204-zero-8-enable-3.txt")),
    ] {
        let recorded: Vec<&str> = text.lines().filter_map(|line| line.split_once("Warning: ")).map(|it| it.1).collect();
        assert_eq!(warnings(left), recorded, "{left}");
    }
    assert_eq!(warnings(4), ["OVN Cluster has even number of members"]);
}
