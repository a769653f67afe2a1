//! The rows of OVS and OVN against what a real cluster printed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::IpAddr;

use expect_test::expect;
use proptest::prelude::*;
use testkit::microovn::{Daemon, JoinToken, OvnEnv, Route, parse_devices, parse_members, parse_services, redact};
use testkit::ovn::{
    AddressText, Connection, Connections, Leader, ParseError, Problem, RaftStatus, Southbound, Switch, parse_host,
    parse_tables,
};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("fixtures/recorded/", $name))
    };
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn every_recorded_table_decodes() {
    for (text, rows) in [
        (recorded!("ovs-vsctl-external-ids.json"), 1),
        (recorded!("ovs-vsctl-open-vswitch.json"), 1),
        (recorded!("ovn-sbctl-chassis.json"), 3),
        (recorded!("ovn-sbctl-chassis-columns.json"), 3),
        (recorded!("ovn-sbctl-encap.json"), 3),
        (recorded!("ovn-sbctl-encap-ipv6.json"), 3),
        (recorded!("ovn-nbctl-nb-global.json"), 1),
    ] {
        let tables = parse_tables(text).unwrap();
        assert_eq!((tables.len(), tables[0].rows().len()), (1, rows));
    }
}

#[test]
fn the_local_switch_is_read() {
    let interfaces = r#"{"data":[["br-int","internal",["map",[]]],
        ["ovn-real-2-0","geneve",["map",[["csum","true"],["key","flow"],["remote_ip","10.88.0.12"]]]]],
        "headings":["name","type","options"]}
        {"data":[["br-int","netdev","0000ce8f"],["br-ex","",["set",[]]]],"headings":["name","datapath_type","datapath_id"]}"#;
    let switch = Switch::parse(&format!("{}{interfaces}\n", recorded!("ovs-vsctl-external-ids.json"))).unwrap();
    assert_eq!(switch.open_vswitch.external_ids["ovn-encap-ip"], "10.88.0.11");
    assert_eq!(switch.open_vswitch.external_ids["system-id"], "real-1");
    assert_eq!(switch.interfaces[1].kind, "geneve");
    assert_eq!(switch.bridges[0].datapath_type, "netdev");
    let ids: Vec<_> = switch.bridges.iter().map(|bridge| bridge.datapath_id.as_deref()).collect();
    assert_eq!(ids, [Some("0000ce8f"), None]);
    assert_eq!(switch.interfaces[1].options["remote_ip"], "10.88.0.12");
}

#[test]
fn the_southbound_is_read() {
    let both = format!("{}{}", recorded!("ovn-sbctl-chassis.json"), recorded!("ovn-sbctl-encap.json"));
    let southbound = Southbound::parse(&both).unwrap();
    let chassis = southbound.chassis.iter().find(|row| row.name == "real-2").unwrap();
    let encap = southbound.encaps.iter().find(|row| row.chassis_name == "real-2").unwrap();
    assert_eq!(chassis.encaps, std::slice::from_ref(&encap.uuid));
    assert_eq!((encap.ip.parsed(), encap.kind.as_str()), (Some(ip("10.88.0.12")), "geneve"));
    assert_eq!(encap.options["csum"], "true");
}

#[test]
fn unknown_is_an_error_with_the_text_seen() {
    let explain = |result: Result<Southbound, ParseError>| result.unwrap_err().to_string();
    let encap = recorded!("ovn-sbctl-encap.json");
    expect![[r#"OVSDB table: expected 2 documents, not 1; seen "{\"data\":[[\"real-3\",\"real-3\",[\"uuid\",\"8b2e4bb2-a1de-4098-b136-189dd347f9a2\"]],[\"real-2\",\"real-2\",[\"uuid\",\"3746b873-aa11-4e4f-9ca6-baf18a23f9fd\"]],[\"real-1\",\"real-1\",[\"uuid\",\"4180266b-5157-40e7-9544-e09"… (255 characters)"#]].assert_eq(&explain(Southbound::parse(recorded!("ovn-sbctl-chassis-columns.json"))));
    expect![[r#"OVSDB table: column "_uuid" is missing; seen "name,hostname,encaps""#]]
        .assert_eq(&explain(Southbound::parse(&format!("{}{encap}", recorded!("ovn-sbctl-chassis-columns.json")))));
    let empty = r#"{"data":[],"headings":["_uuid","name","hostname"]}"#;
    expect![[r#"OVSDB table: column "encaps" is missing; seen "_uuid,name,hostname""#]]
        .assert_eq(&explain(Southbound::parse(&format!("{empty}{encap}"))));
    let twice = r#"{"data":[],"headings":["name","name"]}"#;
    expect![[r#"OVSDB table: heading "name" is there twice; seen "{\"data\":[],\"headings\":[\"name\",\"name\"]}""#]]
        .assert_eq(&parse_tables(twice).unwrap_err().to_string());
    let short = r#"{"data":[["a"]],"headings":["name","type"]}"#;
    expect![[r#"OVSDB table: expected 2 values in a row, not 1; seen "[\"a\"]""#]]
        .assert_eq(&parse_tables(short).unwrap_err().to_string());
    let unknown = r#"{"data":[[["bag",["a"]]]],"headings":["name"]}"#;
    expect![[r#"OVSDB table: expected an OVSDB value; seen "[\"bag\",[\"a\"]]""#]]
        .assert_eq(&parse_tables(unknown).unwrap_err().to_string());
    expect![[r#"OVSDB table: does not decode: expected value at line 1 column 1; seen "ovn-sbctl: no row""#]]
        .assert_eq(&parse_tables("ovn-sbctl: no row").unwrap_err().to_string());
    let set = r#"{"data":[[["set",["a","b"]]]],"headings":["name"]}"#;
    let tables = parse_tables(set).unwrap();
    expect![[r#"OVSDB table: expected one string in column "name"; seen "[\"a\", \"b\"]""#]]
        .assert_eq(&tables[0].rows().next().unwrap().get_text("name").unwrap_err().to_string());
    assert!(parse_tables(&"x".repeat(5000)).unwrap_err().to_string().len() < 400, "the text is cut");
}

#[test]
fn raft_status_is_read() {
    let leader = RaftStatus::parse(recorded!("raft-nb-leader.txt")).unwrap();
    assert_eq!(leader.name, "OVN_Northbound");
    assert_eq!(leader.cluster_id.as_deref(), Some("d3bb6d22-78cc-4304-b6c3-525746d46a73"));
    assert_eq!((leader.status.as_str(), leader.role.as_str()), ("cluster member", "leader"));
    assert_eq!((&leader.leader, leader.find_leader()), (&Leader::Myself, Some("cc4a")));
    assert_eq!(leader.servers.iter().filter(|server| server.myself).count(), 1);

    let follower = RaftStatus::parse(recorded!("raft-sb-follower.txt")).unwrap();
    assert_eq!(follower.leader, Leader::Server("7dd4".into()));

    let ipv6 = RaftStatus::parse(recorded!("raft-sb-ipv6.txt")).unwrap();
    let addresses: Vec<_> = ipv6.servers.iter().map(|server| server.address.clone()).collect();
    let wanted = ["fd42:77::103", "fd42:77::101", "fd42:77::102"].map(|host| Connection::ssl(ip(host), 6644));
    assert_eq!(addresses, wanted);

    let candidate = RaftStatus::parse(recorded!("raft-sb-candidate.txt")).unwrap();
    assert_eq!(candidate.status, "disconnected from the cluster (election timeout)");
    assert_eq!((candidate.leader, candidate.servers.len()), (Leader::Unknown, 3));
}

#[test]
fn raft_status_without_a_line_is_an_error() {
    let text = recorded!("raft-nb-leader.txt");
    for line in ["Name:", "Cluster ID:", "Server ID:", "Address:", "Status:", "Role:", "Leader:", "Servers:"] {
        let without: String = text.lines().filter(|l| !l.starts_with(line)).map(|l| format!("{l}\n")).collect();
        let error = RaftStatus::parse(&without).unwrap_err();
        assert_eq!(error.problem, Problem::Missing(line.trim_end_matches(':').to_owned()));
        let twice = text.replacen(line, &format!("{line} x\n{line}"), 1);
        assert!(RaftStatus::parse(&twice).is_err(), "{line} twice");
    }
    assert!(RaftStatus::parse(&text.replace("86ba at ssl:10.77.0.102:6643", "86ba at ssl:10.77.0.102")).is_err());
    let joining = text.replace("d3bb (d3bb6d22-78cc-4304-b6c3-525746d46a73)", "not yet known");
    assert_eq!(RaftStatus::parse(&joining).unwrap().cluster_id, None);
}

#[test]
fn connections_are_a_set() {
    let read = |text: &str| text.parse::<Connections>();
    let both = read("ssl:10.0.0.1:6642,ssl:[fd42::1]:6642").unwrap();
    assert_eq!(both, read("ssl:[FD42:0::1]:6642,ssl:10.0.0.1:6642").unwrap());
    assert_eq!(both.to_string(), "ssl:10.0.0.1:6642,ssl:[fd42::1]:6642");
    for wrong in [
        "",
        ",",
        "ssl:10.0.0.1:6642,",
        "10.0.0.1:6642",
        "ssl:10.0.0.1",
        "ssl:fd42::1:6642",
        "ssl:[10.0.0.1]:6642",
        "ssl:10.0.0.1:+42",
        "ssl:10.0.0.1:66420",
        "ssl:host:6642",
        "unix:/run/sock",
        " ssl:10.0.0.1:6642",
        "ssl:10.0.0.1:6642,ssl:10.0.0.1:6642",
        "ssl:[fd42::1]6642",
    ] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(parse_host("[fd42::1]").unwrap(), ip("fd42::1"));
    assert!(parse_host("fd42::1").is_err() && parse_host("[10.0.0.1]").is_err() && parse_host("").is_err());
}

/// JSON of any shape, with the words OVSDB uses among its strings.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop_oneof![
        Just("uuid"),
        Just("map"),
        Just("set"),
        Just("data"),
        Just("headings"),
        Just("caption"),
        Just("name"),
        Just("x")
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        word.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((word.clone(), inner.clone()), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            (
                prop::collection::vec(prop::collection::vec(inner, 1..3), 0..3),
                prop::collection::vec(word.clone(), 1..3)
            )
                .prop_map(|(data, headings)| serde_json::json!({"data": data, "headings": headings})),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_the_decoder_panic(first in json(), second in json()) {
        let text = format!("{first}\n{second}");
        for table in parse_tables(&text).unwrap_or_default() {
            for row in table.rows() {
                for column in ["name", "x", "uuid"] {
                    let _ = (row.get_text(column), row.get_uuid(column), row.get_uuids(column), row.get_map(column));
                }
            }
        }
        let _ = (Switch::parse(&text), Southbound::parse(&text), parse_members(&text), parse_devices(&text), Route::parse(&text));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC*") {
        let _ = (RaftStatus::parse(&text), text.parse::<Connections>(), parse_services(&text), OvnEnv::parse(&text));
        let _ = (Daemon::parse_all(&text), text.parse::<JoinToken>(), redact(&text), parse_tables(&text));
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written(bits in any::<u128>()) {
        let address = std::net::Ipv6Addr::from(bits);
        let groups: Vec<_> = address.segments().iter().map(|group| format!("{group:04X}")).collect();
        prop_assert_eq!(AddressText::new(groups.join(":")).parsed(), Some(IpAddr::V6(address)));
        prop_assert_eq!(AddressText::new(address.to_string()).parsed(), Some(IpAddr::V6(address)));
        prop_assert_eq!(AddressText::new(format!("{address}/64")).parsed(), None);
        prop_assert_eq!(AddressText::new(format!("[{address}]")).parsed(), None);
        prop_assert_eq!(Connection::ssl(address.into(), 6642).to_string().parse(), Ok(Connection::ssl(address.into(), 6642)));
    }
}
