//! Bad input that LXD alone can tell: one error that names the thing and the mend, exit code 2, and nothing new in LXD.

#[expect(dead_code, reason = "a part of it is used here")]
mod bad_input_common;

use std::collections::BTreeSet;

use bad_input_common::World;
use rstest::rstest;
use testkit::config::{Config, Layer, LxdTarget};
use testkit::host::{self, SetupOptions};
use testkit::image::{is_golden, is_ours};
use testkit::lxd::{Client, Endpoint, StoragePoolSpec};

/// LXD as this checkout is configured, and its socket where one was named.
async fn lxd() -> (Client, Option<String>) {
    let config = Config::resolve(Layer::default()).expect("a workspace");
    let socket = match &config.lxd {
        LxdTarget::Local { socket: Some(socket), .. } => Some(socket.display().to_string()),
        _ => None,
    };
    (host::connect(&config).await.expect("LXD that is set up"), socket)
}

/// What a build could have left: golden images and images of the framework. Nothing else is looked at, because other
/// tests make and remove pools and images of theirs meanwhile.
async fn listing(client: &Client) -> BTreeSet<String> {
    let instances = client.list_instances(None).await.expect("instances").into_iter();
    let images = client.list_images().await.expect("images").into_iter();
    instances
        .filter(|it| is_golden(&it.config))
        .map(|it| it.name)
        .chain(images.filter(is_ours).map(|it| it.fingerprint))
        .collect()
}

/// An empty socket name stands for not set: LXD is then looked for in the usual places.
fn with_socket<'a>(socket: Option<&'a str>, env: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    env.iter().copied().chain([("LXD_SOCKET", socket.unwrap_or_default())]).collect()
}

#[rstest]
#[case::image(
    &[("MICROOVN_TEST_CONTAINER_IMAGE", "nosuch")],
    &["LXD has no image \"nosuch\"", "lxc image copy", "unset MICROOVN_TEST_CONTAINER_IMAGE"]
)]
#[case::pool(&[("TESTKIT_POOL", "nosuch")], &["LXD has no storage pool \"nosuch\"", "run `make setup`", "TESTKIT_POOL"])]
#[case::project(&[("TESTKIT_PROJECT", "nosuch")], &["LXD has no project \"nosuch\"", "run `make setup`"])]
#[case::project_of_others(&[("TESTKIT_PROJECT", "default")], &["project default", "is not ours", "TESTKIT_PROJECT"])]
#[case::subnet(
    &[("TESTKIT_SUBNET", "203.0.113.0/24")],
    &["network 203.0.113.0/24 for bridge tkbr0 collides with its own network", "`testkit teardown`", "TESTKIT_SUBNET"]
)]
#[tokio::test]
async fn what_lxd_does_not_have_is_refused_before_anything_is_built(
    #[case] env: &[(&str, &str)],
    #[case] parts: &[&str],
) {
    let (client, socket) = lxd().await;
    let before = listing(&client).await;
    let world = World::new();
    world.run(&["image", "build"], &with_socket(socket.as_deref(), env)).refused(parts);
    let made: Vec<_> = listing(&client).await.difference(&before).cloned().collect();
    assert!(made.is_empty(), "{made:?}");
    assert!(!world.path().join("cache/tmp").exists(), "something was built");
}

#[tokio::test]
async fn a_full_pool_is_refused_and_stays_as_it_was() {
    const POOL: &str = "tkbadfull";
    let (client, socket) = lxd().await;
    client.delete_storage_pool(POOL).await.expect("an older one goes");
    let mut spec = StoragePoolSpec::new(POOL, "btrfs");
    spec.config.insert("size".to_owned(), "160MiB".to_owned());
    client.create_storage_pool(&spec).await.expect("a small pool");
    let before = listing(&client).await;
    let root = Config::resolve(Layer::default()).expect("a workspace").root;
    // The node image and the stand-in come from this checkout's cache, so that the pool is what stops the build.
    let out = tempfile::tempdir().expect("a folder");
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_testkit"))
        .args(["image", "build"])
        .current_dir(root)
        .envs(socket.map(|socket| ("LXD_SOCKET", socket)))
        .env("TESTKIT_POOL", POOL)
        .env("TESTKIT_OUT_DIR", out.path())
        .output()
        .expect("testkit runs");
    let after = listing(&client).await;
    let pool = client.get_storage_pool(POOL).await.expect("the pool").value;
    client.delete_storage_pool(POOL).await.expect("nothing is in it");
    bad_input_common::Ended::from(ran).refused(&[
        "storage pool \"tkbadfull\" has too little room",
        " MiB are free",
        "TESTKIT_POOL",
    ]);
    assert_eq!(pool.used_by, Vec::<String>::new());
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn a_subnet_that_a_route_of_the_host_has_is_refused_before_a_setup_makes_anything() {
    const BRIDGE: &str = "tkbadsub0";
    const NAME: &str = "tkbadsubnet";
    let (client, socket) = lxd().await;
    let Some(std::net::IpAddr::V4(taken)) = host::routes().first().map(ipnet::IpNet::network) else {
        panic!("this host has no route but its default one");
    };
    let state = tempfile::tempdir().expect("a folder");
    let options = SetupOptions {
        endpoint: socket.map(|socket| Endpoint::Unix(socket.into())),
        state_dir: state.path().join("state"),
        project: NAME.to_owned(),
        pool: NAME.to_owned(),
        bridge: BRIDGE.to_owned(),
        subnet: Some(ipnet::Ipv4Net::new_assert(taken, 24).trunc()),
        install: false,
        ..SetupOptions::default()
    };
    let error = host::setup(&options, &mut |_| {}).await.expect_err("it collides").to_string();
    for part in
        [BRIDGE, "collides with", "choose another with TESTKIT_SUBNET", &options.subnet.expect("set").to_string()]
    {
        assert!(error.contains(part), "no {part:?} in: {error}");
    }
    assert!(client.find_project(NAME).await.expect("LXD").is_none(), "a project was made");
    assert!(client.find_storage_pool(NAME).await.expect("LXD").is_none(), "a pool was made");
    assert!(client.find_network(BRIDGE).await.expect("LXD").is_none(), "a bridge was made");
}
