//! What joins the hosts of an LXD cluster is looked at before anything is made.

use rstest::rstest;
use serde_json::{Value, json};
use testkit::cluster::joint;
use testkit::config::{Config, Layer};
use testkit::lxd::NetworkSpec;

use crate::chain;
use crate::fake_lxd::release::answer;
use crate::fake_lxd::{FakeLxd, refusal};

/// A cluster of a, b and c, of which these are away, with these networks of LXD's, and a NIC `nic` that has MTU 1450 on b, 9000 on the
/// others, and is down on c where `down` says so.
fn cluster(away: &'static [&'static str], networks: Value, down: bool) -> FakeLxd {
    FakeLxd::serve_whole(move |line, _| {
        let (path, query) = line.split_once('?').unwrap_or((line, ""));
        let target = query.split('&').find_map(|part| part.strip_prefix("target=")).unwrap_or("a");
        if path == "GET /1.0" {
            let environment = json!({"server_clustered": true, "server_name": "a", "server_version": "5.0.2"});
            return answer(&json!({"auth": "trusted", "api_extensions": [], "config": {}, "environment": environment}));
        }
        if path == "GET /1.0/cluster/members" {
            let status = |name: &str| if away.contains(&name) { "Offline" } else { "Online" };
            let member = |name| json!({"server_name": name, "status": status(name), "message": "No heartbeat", "architecture": "x86_64"});
            return answer(&["a", "b", "c"].map(member).into_iter().collect());
        }
        if path == "GET /1.0/resources" {
            return answer(&json!({"cpu": {"total": 4}, "memory": {"used": 0, "total": 1_u64 << 34}}));
        }
        if path == "GET /1.0/networks/lo/state" {
            return answer(&json!({"mtu": 65535, "state": "up", "type": "loopback"}));
        }
        let network = path.strip_prefix("GET /1.0/networks/").unwrap_or_default();
        if network == "nic/state" {
            let mtu = if target == "b" { 1450 } else { 9000 };
            return answer(&json!({"mtu": mtu, "state": if down && target == "c" { "down" } else { "up" }}));
        }
        match networks.get(network) {
            Some(found) => answer(found),
            None => refusal(404, "Network interface not found"),
        }
    })
}

async fn told(fake: &FakeLxd, parent: Option<&str>) -> Result<String, String> {
    let flags = Layer { lxd_socket: Some(fake.socket.clone()), ..Layer::default() };
    let config = Config { underlay_parent: parent.map(str::to_owned), ..Config::resolve(flags).expect("a workspace") };
    let found = joint(&config, &fake.client().await).await;
    found.map(|joint| joint.to_string()).map_err(|error| {
        assert!(error.is_usage(), "{}", chain(&error));
        chain(&error)
    })
}

fn network(kind: &str, config: Value) -> Value {
    json!({"over": {"name": "over", "type": kind, "managed": true, "status": "Created", "config": config}})
}

#[rstest]
#[case::nobody_named_anything(None, json!({}), "VXLAN between bridges, MTU 1400")]
#[case::a_nic(Some("nic"), json!({}), "NIC \"nic\" of the hosts, MTU 1450")]
#[case::an_ovn_network(Some("over"), network("ovn", json!({"bridge.mtu": "1442"})), "network \"over\" of LXD, MTU 1442")]
#[case::a_macvlan(Some("over"), network("macvlan", json!({"parent": "nic"})), "network \"over\" of LXD, MTU 1450")]
#[case::a_bridge_that_goes_on(
    Some("over"), network("bridge", json!({"bridge.external_interfaces": "nic", "bridge.mtu": "9000"})),
    "network \"over\" of LXD, MTU 9000"
)]
#[tokio::test]
async fn hosts_are_joined_by_what_carries_the_least_of_them(
    #[case] parent: Option<&str>,
    #[case] networks: Value,
    #[case] wanted: &str,
) {
    assert_eq!(told(&cluster(&[], networks, false), parent).await.as_deref(), Ok(wanted));
}

#[rstest]
#[case::only_one_is_there(&["b", "c"], None, json!({}), "only \"a\" can be used; \"b\" is Offline (No heartbeat); \"c\"")]
#[case::no_such_nic(&[], Some("eth7"), json!({}), "\"eth7\"; LXD has no network of that name, and the host of LXD member \"")]
#[case::a_nic_that_is_down(&[], Some("nic"), json!({}), "NIC \"nic\" of the host of LXD member \"c\" is down")]
#[case::the_loopback(&[], Some("lo"), json!({}), "\"lo\", which ends on each host")]
#[case::one_instance_has_it(&[], Some("over"), network("physical", json!({"parent": "nic"})), "type physical is for one instance")]
#[case::a_bridge_that_ends(&[], Some("over"), network("bridge", json!({})), "neither a tunnel nor bridge.external_interfaces")]
#[case::too_small(&[], Some("over"), network("ovn", json!({"bridge.mtu": "1200"})), "IPv6 wants MTU 1280")]
#[tokio::test]
async fn what_joins_no_hosts_is_refused(
    #[case] away: &'static [&'static str],
    #[case] parent: Option<&str>,
    #[case] networks: Value,
    #[case] wanted: &str,
) {
    let fake = cluster(away, networks, true);
    let error = told(&fake, parent).await.expect_err("refused");
    assert!(error.starts_with("the members of a cell cannot be on several hosts: "), "{error}");
    assert!(error.contains(wanted), "{error}");
    assert_eq!(fake.count("POST"), 0, "something was made");
}

#[tokio::test]
async fn an_lxd_that_is_no_cluster_has_no_several_hosts() {
    let fake = FakeLxd::serve(|_, _| refusal(404, "not found"));
    let error = told(&fake, None).await.expect_err("refused");
    assert!(error.contains("LXD is no cluster of hosts") && error.contains("TESTKIT_SPREAD"), "{error}");
}

#[tokio::test]
async fn the_device_of_a_network_is_each_members_own() {
    let bodies = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&bodies);
    let fake = FakeLxd::serve_bodies(move |line, body, _| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        seen.lock().expect("nobody panicked").push((line.to_owned(), body["config"].clone()));
        answer(&json!(null))
    });
    let config = [("parent", "nic"), ("mtu", "1400")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let spec = NetworkSpec { kind: "macvlan".to_owned(), ..NetworkSpec::bridge("over", config) };
    let client = fake.client().await;
    client.create_network_on(&["a".to_owned()], &spec).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let seen = bodies.lock().expect("nobody panicked").clone();
    let [(first, own), (_, common)] = &seen[..] else { panic!("{seen:?}") };
    assert!(first.contains("target=a"), "{first}");
    assert_eq!((own, common), (&json!({"parent": "nic"}), &json!({"mtu": "1400"})));
}
