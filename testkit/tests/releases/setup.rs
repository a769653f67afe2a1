//! Project, pool and bridge are made on every release, whole or not at all.

use rstest::rstest;
use serde_json::json;
use testkit::host::{Error, Report, SetupOptions, prepare_lxd};
use testkit::lxd::Endpoint;

use crate::chain;
use crate::fake_lxd::release::{Release, answer};
use crate::fake_lxd::world::World;
use crate::fake_lxd::{FakeLxd, refusal};

fn options() -> SetupOptions {
    SetupOptions { project: "p".into(), pool: "pool".into(), bridge: "br".into(), ..SetupOptions::default() }
}

async fn prepare(fake: &FakeLxd) -> Result<Report, Error> {
    prepare_lxd(&Endpoint::Unix(fake.socket.clone()), &options(), false, &mut |_| {}).await
}

#[rstest]
#[tokio::test]
async fn all_is_made_once(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let world = World::new(release);
    let fake = world.serve();
    let made = prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((made.pool_driver.as_str(), made.changes.len()), ("btrfs", 3), "{made:?}");
    assert_eq!(world.names(), ["networks/br", "projects/p", "storage-pools/pool"]);
    let again = prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(again.changes, Vec::<String>::new());
}

#[rstest]
#[case::network("POST networks", 500, "Failed starting network: dnsmasq: Address already in use", None)]
#[case::network_left("POST networks", 500, "boom", Some("Errored"))]
#[case::project("POST projects", 500, "boom", None)]
#[case::pool("POST storage-pools", 500, "boom", None)]
#[case::pool_left("POST storage-pools", 500, "boom", Some("Pending"))]
#[tokio::test]
async fn a_setup_that_fails_leaves_nothing(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
    #[case] call: &str,
    #[case] code: u16,
    #[case] text: &str,
    #[case] left: Option<&'static str>,
) {
    let world = World::new(release);
    world.fail(call, code, text, left);
    let fake = world.serve();
    let error = prepare(&fake).await.expect_err("it fails");
    assert!(chain(&error).contains(text), "{}", chain(&error));
    assert_eq!(world.names(), Vec::<String>::new());
    world.mend();
    prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
}

#[rstest]
#[tokio::test]
async fn what_another_made_meanwhile_is_not_removed(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let world = World::new(release);
    world.fail("POST storage-pools", 409, "Storage pool \"pool\" already exists", Some("Created"));
    let fake = world.serve();
    prepare(&fake).await.expect_err("another was quicker");
    assert_eq!(world.names(), ["storage-pools/pool"]);
    world.mend();
    prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
}

#[rstest]
#[tokio::test]
async fn a_pool_that_an_earlier_setup_left_half_made_is_made_again(#[values("Pending", "Errored")] status: &str) {
    let world = World::new(Release::V6_9);
    let config = json!({"user.testkit.owner": "microovn-testkit", "size": "1MiB"});
    world.put("storage-pools", "pool", json!({"name": "pool", "driver": "btrfs", "status": status, "config": config}));
    let fake = world.serve();
    let made = prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(made.changes.len(), 3, "{made:?}");
    assert_eq!(world.find("storage-pools", "pool").expect("made")["status"], "Created");
}

#[tokio::test]
async fn what_cannot_be_removed_is_said() {
    let world = World::new(Release::V6_9);
    world.fail("POST networks", 500, "boom", None);
    world.fail("DELETE storage-pools", 400, "The storage pool is currently in use", None);
    let fake = world.serve();
    let error = prepare(&fake).await.expect_err("it fails");
    for said in ["storage pool pool", "it is in use", "testkit teardown", "boom"] {
        assert!(chain(&error).contains(said), "{said}: {}", chain(&error));
    }
    assert_eq!(world.names(), ["storage-pools/pool"]);
}

/// An LXD cluster of three, whose members have these states and versions, and whose pool is on these of them. What it is asked
/// to make, it makes.
fn cluster(
    members: &'static [(&'static str, &'static str, &'static str)],
    pool_on: &'static [&'static str],
) -> FakeLxd {
    FakeLxd::serve_whole(move |line, _| {
        let shown = |version: &str, name: &str| {
            json!({"auth": "trusted", "config": {}, "api_extensions": EXTENSIONS,
                   "environment": {"server_clustered": true, "server_name": name, "server_version": version,
                   "storage_supported_drivers": [{"Name": "btrfs"}]}})
        };
        let of = |target: &str| members.iter().find(|(name, ..)| *name == target);
        match line.split_once("?target=") {
            Some(("GET /1.0", target)) => {
                answer(&of(target).map_or(json!({}), |(name, _, version)| shown(version, name)))
            }
            _ if line == "GET /1.0" => answer(&shown("5.0.2", "a")),
            _ if line.starts_with("GET /1.0/cluster/members") => {
                let one = |(name, status, _): &(&str, &str, &str)| json!({"server_name": name, "status": status, "message": "No heartbeat for 25s", "config": {}});
                answer(&members.iter().map(one).collect())
            }
            _ if line.starts_with("GET /1.0/storage-pools/pool") && !pool_on.is_empty() => answer(
                &json!({"name": "pool", "driver": "dir", "status": "Pending", "config": {}, "locations": pool_on}),
            ),
            _ if line.starts_with("GET /1.0/networks") => answer(&json!([])),
            _ if line.starts_with("GET") => refusal(404, "not found"),
            _ => answer(&json!(null)),
        }
    })
}

const EXTENSIONS: [&str; 7] = [
    "clustering",
    "instances",
    "projects",
    "api_filtering",
    "instance_nic_network",
    "container_copy_project",
    "container_edit_metadata",
];
const WHOLE: &[(&str, &str, &str)] = &[("a", "Online", "5.0.2"), ("b", "Online", "5.0.2"), ("c", "Online", "5.0.2")];

#[tokio::test]
async fn in_a_cluster_pool_and_bridge_are_defined_on_each_member_and_then_made_on_all() {
    let fake = cluster(WHOLE, &[]);
    prepare(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    for kind in ["storage-pools", "networks"] {
        let asked = |rest: &str| fake.count(&format!("POST /1.0/{kind}{rest}"));
        let each = ["?target=a", "?target=b", "?target=c"].map(asked);
        assert_eq!((each, asked("")), ([1, 1, 1], 4), "{kind}");
    }
}

#[rstest]
#[case::one_is_away(
    &[("a", "Online", "5.0.2"), ("b", "Offline", "5.0.2"), ("c", "Online", "5.0.2")], &[],
    "\"b\" is Offline (No heartbeat for 25s)", "lxc cluster remove --force"
)]
#[case::versions_differ(
    &[("a", "Online", "5.0.2"), ("b", "Online", "5.0.2"), ("c", "Online", "5.0.3")], &[],
    "a 5.0.2, b 5.0.2, c 5.0.3", "snap refresh lxd"
)]
#[case::a_pool_that_some_have(WHOLE, &["b"], "is on the members b of the LXD cluster and not on a, c", "TESTKIT_POOL")]
#[tokio::test]
async fn a_cluster_that_cannot_be_used_is_refused_before_anything_is_made(
    #[case] members: &'static [(&'static str, &'static str, &'static str)],
    #[case] pool_on: &'static [&'static str],
    #[case] seen: &str,
    #[case] mend: &str,
) {
    let fake = cluster(members, pool_on);
    let error = prepare(&fake).await.expect_err("refused").to_string();
    assert!(error.contains(seen) && error.contains(mend), "{error}");
    assert_eq!(fake.count("POST"), 0, "something was made");
}
