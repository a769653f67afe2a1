//! Sets up a second LXD in a folder of its own, and tears it down. The LXD of the host, and what it has, stays as it is.

mod second_lxd;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use second_lxd::words;
use testkit::host::{SetupOptions, setup, teardown};
use testkit::lxd::{Client, Config, InstanceSource, InstanceSpec, NetworkSpec, ProjectSpec, StoragePoolSpec};

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

fn limits() -> BTreeMap<&'static str, String> {
    let names = ["kernel/keys/maxkeys", "kernel/keys/maxbytes", "fs/inotify/max_user_instances"];
    names.map(|name| (name, fs::read_to_string(format!("/proc/sys/{name}")).expect("limit"))).into()
}

/// Where the daemons that a setup started work.
fn working_folders(state_dir: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(state_dir.join("host.json")).expect("what was started");
    let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let daemons = state["daemons"].as_array().expect("daemons");
    let folder = |daemon: &serde_json::Value| fs::read_link(format!("/proc/{}/cwd", daemon["pid"])).expect("running");
    daemons.iter().map(folder).collect()
}

#[tokio::test]
async fn a_teardown_leaves_what_it_found() {
    let limits_before = limits();
    second_lxd::with(set_up_and_tear_down).await;
    assert_eq!(limits(), limits_before);
}

async fn set_up_and_tear_down(options: SetupOptions) {
    let options = &options;
    let SetupOptions { project, pool, bridge, .. } = options;
    let progress = &mut |text: &str| eprintln!("{text}");
    let begun = Instant::now();
    let report = setup(options, progress).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    eprintln!("set up in {:?}: {report:#?}", begun.elapsed());
    assert_eq!(report.pool_driver, "btrfs");
    for made in [format!("project {project}"), format!("storage pool {pool}"), format!("network {bridge}")] {
        assert!(report.changes.iter().any(|change| change.contains(&made)), "{made}: {:?}", report.changes);
    }
    // Others rely on the limits while this runs: they are as they have to be, so a teardown here has none to lower.
    assert!(!report.changes.iter().any(|change| change.contains("raised")), "{:?}", report.changes);
    assert_eq!(
        working_folders(&options.state_dir),
        BTreeSet::from(["/".into()]),
        "a daemon holds on to a folder of its caller"
    );
    let begun = Instant::now();
    let again = setup(options, progress).await.expect("second setup");
    eprintln!("again in {:?}", begun.elapsed());
    assert_eq!(again.changes, Vec::<String>::new());
    assert_eq!(again.subnet, report.subnet);

    let client = Client::connect(&report.endpoint).await.expect("LXD");
    nodes_may_not_do_what_they_need_not(&client.with_project(project), pool).await;
    an_older_project_is_restricted(&client, options).await;

    // A person's own objects, two of them with names that begin like ours.
    let (their_project, their_pool) = (format!("{project}-2"), format!("{pool}2"));
    let (their_bridge, free_bridge) = (format!("tkt{}", std::process::id()), format!("tkf{}", std::process::id()));
    let theirs = ProjectSpec { name: their_project.clone(), config: Config::new(), description: String::new() };
    client.create_project(&theirs).await.expect("project");
    client.create_storage_pool(&StoragePoolSpec::new(&their_pool, "dir")).await.expect("pool");
    let config = ["ipv4.address", "ipv6.address"].map(|key| (key.to_owned(), "none".to_owned())).into();
    client.create_network(&NetworkSpec::bridge(&their_bridge, config)).await.expect("network");
    let mut before = listing(&client).await;
    for name in [format!("project {project}"), format!("pool {pool}"), format!("network {bridge}")] {
        assert!(before.remove(&name), "no {name} in {before:?}");
    }

    // Names of ours that are taken by others, and a network that is.
    for (wrong, expected) in [
        (
            SetupOptions { project: their_project.clone(), ..options.clone() },
            format!("project {their_project} in LXD is not ours"),
        ),
        (
            SetupOptions { pool: their_pool.clone(), ..options.clone() },
            format!("storage pool {their_pool} in LXD is not ours"),
        ),
        (
            SetupOptions { bridge: their_bridge.clone(), ..options.clone() },
            format!("network {their_bridge} in LXD is not ours"),
        ),
        (
            SetupOptions { bridge: free_bridge, subnet: Some(report.subnet), ..options.clone() },
            format!("collides with LXD network {bridge}"),
        ),
    ] {
        let error = setup(&wrong, progress).await.expect_err(&expected);
        assert!(words(&error).contains(&expected), "{}", words(&error));
    }

    // Without what was written down, only what is tagged goes.
    let elsewhere = SetupOptions { state_dir: options.state_dir.join("elsewhere"), ..options.clone() };
    let removal = teardown(&elsewhere, progress).await.expect("teardown");
    eprintln!("{removal:#?}");
    assert_eq!(listing(&client).await, before);

    client.delete_storage_pool(&their_pool).await.expect("pool");
    client.delete_network(&their_bridge).await.expect("network");
    client.delete_project(&their_project).await.expect("project");
    setup(options, progress).await.expect("third setup");
    let begun = Instant::now();
    let removal = teardown(options, progress).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    eprintln!("torn down in {:?}: {removal:#?}", begun.elapsed());
    assert!(removal.changes.contains(&"stopped lxd".to_owned()), "{removal:?}");
    assert!(!options.state_dir.exists());
    assert!(Client::connect(&report.endpoint).await.is_err(), "LXD still answers");
}

/// What reaches out of a container is refused by LXD itself, whoever asks for it in the framework's project.
async fn nodes_may_not_do_what_they_need_not(client: &Client, pool: &str) {
    let folder = [("type", "disk"), ("path", "/host"), ("source", "/etc")];
    let socket = [("type", "proxy"), ("connect", "tcp:127.0.0.1:1"), ("listen", "tcp:127.0.0.1:1")];
    for (key, value, device) in [
        ("security.privileged", "true", None),
        ("raw.lxc", "lxc.mount.auto = proc:rw", None),
        ("linux.kernel_modules", "openvswitch", None),
        ("user.a", "folder of the host", Some(&folder[..])),
        ("user.a", "socket of the host", Some(&socket[..])),
    ] {
        let mut spec = InstanceSpec::container("outside", InstanceSource::None);
        spec.config.insert(key.to_owned(), value.to_owned());
        let root = [("type", "disk"), ("path", "/"), ("pool", pool)];
        for (name, device) in [("root", Some(&root[..])), ("outside", device)] {
            let Some(device) = device else { continue };
            let device = device.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            spec.devices.insert(name.to_owned(), device);
        }
        let made = client.create_instance(&spec, Duration::from_secs(30)).await;
        client.delete_instance("outside", Duration::from_secs(30)).await.expect("gone");
        let error = made.expect_err(&format!("{key}={value} is allowed"));
        assert!(error.to_string().contains("forbidden"), "{key}={value}: {error}");
    }
}

/// A project that a version made which did not restrict it yet.
async fn an_older_project_is_restricted(client: &Client, options: &SetupOptions) {
    let found = client.get_project(&options.project).await.expect("project").value;
    let mut config = found.config.clone();
    config.retain(|key, _| !key.starts_with("restricted"));
    let older = ProjectSpec { name: found.name, config, description: found.description };
    client.update_project(&older, None).await.expect("an older project");
    let report = setup(options, &mut |_| {}).await.expect("setup");
    assert_eq!(report.changes, [format!("restricted project {}", options.project)]);
    assert_eq!(client.get_project(&options.project).await.expect("project").value.config, found.config);
}
