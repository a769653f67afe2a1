//! Sets up a second LXD in a folder of its own, and tears it down. Needs root and runs only when asked for:
//! `cargo test -p testkit --test host -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use testkit::host::{Error, SetupOptions, setup, teardown};
use testkit::lxd::{Client, Config, Endpoint, NetworkSpec, ProjectSpec, StoragePoolSpec};

/// Names of all that LXD has, of the kinds that this framework makes.
async fn listing(client: &Client) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    names.extend(client.list_projects().await.expect("projects").into_iter().map(|it| format!("project {}", it.name)));
    names.extend(client.list_storage_pools().await.expect("pools").into_iter().map(|it| format!("pool {}", it.name)));
    names.extend(client.list_images().await.expect("images").into_iter().map(|it| format!("image {}", it.fingerprint)));
    let networks = client.list_networks().await.expect("networks").into_iter().filter(|it| it.managed);
    names.extend(networks.map(|it| format!("network {}", it.name)));
    for profile in client.list_profiles().await.expect("profiles") {
        names.insert(format!("profile {} {:?} {:?}", profile.name, profile.config, profile.devices));
    }
    names
}

fn limits() -> Vec<String> {
    let names = ["kernel/keys/maxkeys", "kernel/keys/maxbytes", "fs/inotify/max_user_instances"];
    names.iter().map(|name| fs::read_to_string(format!("/proc/sys/{name}")).expect("limit")).collect()
}

fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

#[tokio::test]
#[ignore = "starts a second LXD as root"]
async fn a_teardown_leaves_what_it_found() {
    let folder = tempfile::tempdir().expect("folder");
    let options = SetupOptions {
        lxd_dir: Some(folder.path().join("lxd")),
        state_dir: folder.path().join("state"),
        project: "tk-host-test".into(),
        pool: "tkhosttest".into(),
        pool_size: Some(1 << 30),
        bridge: "tkhosttest0".into(),
        install: false,
        ..SetupOptions::default()
    };
    let progress = &mut |text: &str| eprintln!("{text}");
    let limits_before = limits();

    let begun = Instant::now();
    let report = setup(&options, progress).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    eprintln!("set up in {:?}: {:#?}", begun.elapsed(), report);
    assert_eq!(report.pool_driver, "btrfs");
    for made in ["project tk-host-test", "storage pool tkhosttest", "network tkhosttest0"] {
        assert!(report.changes.iter().any(|change| change.contains(made)), "{made}: {:?}", report.changes);
    }
    let begun = Instant::now();
    let again = setup(&options, progress).await.expect("second setup");
    let took = begun.elapsed();
    assert_eq!(again.changes, Vec::<String>::new());
    assert_eq!(again.subnet, report.subnet);
    assert!(took.as_millis() < 1000, "{took:?}");
    eprintln!("again in {took:?}");

    // A person's own objects, two of them with names that begin like ours.
    let client = Client::connect(&report.endpoint).await.expect("LXD");
    let theirs = ProjectSpec { name: "tk-host-test-2".into(), config: Config::new(), description: String::new() };
    client.create_project(&theirs).await.expect("project");
    client.create_storage_pool(&StoragePoolSpec::new("tkhosttest2", "dir")).await.expect("pool");
    let config = BTreeMap::from([("ipv4.address", "none"), ("ipv6.address", "none")]);
    let config: Config = config.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    client.create_network(&NetworkSpec::bridge("tktheirs0", config)).await.expect("network");
    let ours = ["project tk-host-test", "pool tkhosttest", "network tkhosttest0"];
    let mut before = listing(&client).await;
    for name in ours {
        assert!(before.remove(name), "no {name} in {before:?}");
    }

    // Names of ours that are taken by others, and a network that is.
    for (wrong, expected) in [
        (
            SetupOptions { project: "tk-host-test-2".into(), ..options.clone() },
            "project tk-host-test-2 in LXD is not ours",
        ),
        (SetupOptions { pool: "tkhosttest2".into(), ..options.clone() }, "storage pool tkhosttest2 in LXD is not ours"),
        (SetupOptions { bridge: "tktheirs0".into(), ..options.clone() }, "network tktheirs0 in LXD is not ours"),
        (
            SetupOptions { bridge: "tkhosttest1".into(), subnet: Some(report.subnet), ..options.clone() },
            "collides with LXD network tkhosttest0",
        ),
    ] {
        let error = setup(&wrong, progress).await.expect_err(expected);
        assert!(words(&error).contains(expected), "{}", words(&error));
    }

    // Without what was written down, only what is tagged goes.
    let elsewhere = SetupOptions { state_dir: folder.path().join("elsewhere"), ..options.clone() };
    let removal = teardown(&elsewhere, progress).await.expect("teardown");
    eprintln!("{removal:#?}");
    assert_eq!(listing(&client).await, before);

    for name in ["tkhosttest2"] {
        client.delete_storage_pool(name).await.expect("pool");
    }
    client.delete_network("tktheirs0").await.expect("network");
    client.delete_project("tk-host-test-2").await.expect("project");
    setup(&options, progress).await.expect("third setup");
    let begun = Instant::now();
    let removal = teardown(&options, progress).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    eprintln!("torn down in {:?}: {removal:#?}", begun.elapsed());
    assert!(removal.changes.contains(&"stopped lxd".to_owned()), "{removal:?}");
    assert_eq!(limits(), limits_before);
    assert!(!options.state_dir.exists());
    let Endpoint::Unix(socket) = report.endpoint else { panic!("not a socket") };
    assert!(Client::connect(&Endpoint::Unix(socket)).await.is_err(), "LXD still answers");
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    let left: Vec<_> = mounts.lines().filter(|line| line.contains(&folder.path().display().to_string())).collect();
    eprintln!("mounts left by LXD: {left:?}");
}
