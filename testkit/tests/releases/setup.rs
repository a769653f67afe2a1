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

#[tokio::test]
async fn a_cluster_is_refused_before_anything_is_made() {
    for server in [
        json!({"auth": "trusted", "api_extensions": ["clustering", "projects", "network_bridge_acl"],
               "config": {"cluster.https_address": "192.0.2.11:8443"},
               "environment": {"server_clustered": true, "server_name": "micro01", "server_version": "5.21.3"}}),
        json!({"auth": "trusted", "api_extensions": [], "config": {"cluster.https_address": "192.0.2.11:8443"},
               "environment": {"server_name": "micro01", "server_version": "5.0.2"}}),
    ] {
        let fake = FakeLxd::serve_whole(move |line, _| match line {
            "GET /1.0" => answer(&server),
            _ => refusal(400, "Network not pending on any node (use --target <node> first)"),
        });
        let error = prepare(&fake).await.expect_err("refused").to_string();
        for said in ["LXD is a cluster", "micro01", "LXD_SOCKET"] {
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(fake.count("POST"), 0, "something was made");
    }
}
