//! Every test of upstream's is in `suites/parity.toml`, and what is named there as holding it exists and judges it.

use std::collections::BTreeSet;

use testkit::cli::{Failure, UpstreamSuite};

/// Upstream's suites, each with how many tests it has.
const UPSTREAM: [(&str, usize); 25] = [
    ("basic_cluster", 10),
    ("bgp_control_plane", 7),
    ("bgp_data_plane", 1),
    ("central_control", 13),
    ("cli_ovsovn", 17),
    ("cli_ovsovn_ipv6", 17),
    ("external_central", 2),
    ("init_cluster", 10),
    ("init_cluster_custom_encap", 1),
    ("init_cluster_custom_encap_ipv6", 1),
    ("init_cluster_ipv6", 10),
    ("init_cluster_services", 3),
    ("init_cluster_user_ca", 3),
    ("lifecycle", 1),
    ("ovsdb_schema_upgrade", 1),
    ("scaleup_cluster", 1),
    ("scaleup_cluster_ipv6", 1),
    ("security_logging", 3),
    ("services", 2),
    ("services_restart", 27),
    ("single_node_ovsdb_schema_upgrade", 1),
    ("single_node_upgrade", 25),
    ("switchstart", 1),
    ("tls_cluster", 15),
    ("upgrade", 25),
];

fn parity() -> Vec<UpstreamSuite> {
    testkit::cli::parity(&suites::catalogue())
        .unwrap_or_else(|failure| panic!("suites/parity.toml cannot be used: {failure:?}"))
}

#[test]
fn every_test_of_upstream_is_there_once_and_no_other() {
    let suites = parity();
    let counts: Vec<(&str, usize)> = suites.iter().map(|suite| (suite.name.as_str(), suite.tests.len())).collect();
    assert_eq!(counts, UPSTREAM);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), 198);
    for suite in &suites {
        let names: BTreeSet<&str> = suite.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names.len(), suite.tests.len(), "{}", suite.name);
    }
}

/// What is said of a file with this one test.
fn refused(test: &'static str) -> String {
    let mut catalogue = suites::catalogue();
    catalogue.parity.text = format!("[suite.s]\n{test}\n").leak();
    match testkit::cli::parity(&catalogue) {
        Err(Failure::Usage(why)) => why,
        other => panic!("it is not refused: {other:?}"),
    }
}

#[test]
fn what_there_is_not_is_refused_with_its_line_and_the_nearest() {
    for (test, says) in [
        (
            r#"tests.t = { in = "downscael", at = "remove_5", by = "members" }"#,
            "there is no cell and no journey \"downscael\"; the nearest are downscale, ",
        ),
        (
            r#"tests.t = { in = "downscale", at = "remove_4", by = "members" }"#,
            "downscale has no station \"remove_4\"; the nearest are s1_remove_5, ",
        ),
        (r#"tests.t = { in = "downscale", by = "members" }"#, "downscale is a journey; say `at` which of its stations"),
        (
            r#"tests.t = { in = "init_cluster", at = "formed", by = "members" }"#,
            "init_cluster is a cell, so it has no station \"formed\"",
        ),
        (
            r#"tests.t = { in = "init_cluster", by = "membres" }"#,
            "\"membres\" does not judge init_cluster; of what does, the nearest are members, ",
        ),
        // There is such a check, but nothing to compare with yet.
        (
            r#"tests.t = { in = "downscale", at = "formed", by = "processes" }"#,
            "\"processes\" does not judge downscale at s0_formed; of what does, the nearest are ",
        ),
        // Nothing is done there, nothing is watched there.
        (
            r#"tests.t = { in = "downscale", at = "formed", by = "act" }"#,
            "\"act\" does not judge downscale at s0_formed",
        ),
        (
            r#"tests.t = { in = "tls", at = "reissue_all_2", by = "watch" }"#,
            "\"watch\" does not judge tls at s5_reissue_all_2",
        ),
    ] {
        let said = refused(test);
        assert!(said.starts_with(&format!("suites/parity.toml:2: s t: {says}")), "{test}: {said}");
    }
}
