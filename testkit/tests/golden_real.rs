//! Golden images and copies of them on the real LXD, beside whatever else uses it.
//!
//! The shared golden image is only found and copied. What is spoilt on purpose is one of this test's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::{Timestamp, ToSpan};
use testkit::cluster;
use testkit::config::{Config, Layer};
use testkit::host;
use testkit::image::{
    Cache, Golden, GoldenSpec, NodeNic, READY_KEY, Snap, Workspace, build_node, build_snaps, choose_release,
    ensure_golden, golden_lock_path,
};
use testkit::lxd::{Client, Exec, ImageRef, InstancePatch};
use testkit::session::{Process, RunId, Tags, key};
use testkit::wait::{self, Pace, Poll};

const MINUTE: Duration = Duration::from_secs(60);
/// From started to MicroOVN's daemon answering, on a host that is busy with other suites.
const READY: Pace = Pace::new(120, 50);

async fn connect() -> (Config, Client) {
    let config = Config::resolve(Layer::default()).expect("a workspace");
    let client = host::connect(&config).await.expect("LXD");
    (config, client)
}

/// Says what is being made.
fn say(text: &str) {
    eprintln!("{text}");
}

/// What a sweep goes by, should this process be killed.
fn tags(node: &str) -> BTreeMap<String, String> {
    let now = Timestamp::now();
    let tags = Tags {
        run: RunId::new(format!("real{}", std::process::id())).expect("an id"),
        runner: Process::current(),
        cell: "golden-real".to_owned(),
        node: node.to_owned(),
        expires: now.checked_add(1.hour()).expect("in range"),
    };
    tags.to_config()
}

/// Runs a test, then deletes these instances, however the test ended.
async fn and_delete<T>(client: &Client, instances: &[String], test: impl Future<Output = T>) -> T {
    let outcome = AssertUnwindSafe(test).catch_unwind().await;
    let mut left = Vec::new();
    for name in instances {
        if let Err(error) = client.delete_instance_forced(name, MINUTE).await {
            left.push(format!("{name}: {error}"));
        }
    }
    let value = outcome.unwrap_or_else(|panic| {
        eprintln!("left behind: {left:?}");
        resume_unwind(panic)
    });
    assert_eq!(left, Vec::<String>::new(), "left behind");
    value
}

async fn ask(client: &Client, instance: &str, argv: &[&str]) -> String {
    let output = client.exec(instance, &Exec::new(argv.iter().copied())).await.expect("exec");
    assert!(output.success(), "{argv:?}: {}{}", output.stdout_text(), output.stderr_text());
    output.stdout_text()
}

/// Copies a golden image, with one NIC, and waits until MicroOVN's daemon answers in the copy.
async fn copy(client: &Client, golden: &Golden, name: &str, hostname: &str, addresses: &[&str]) {
    let mut networkd = "[Match]\nName=eth0\n[Network]\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n".to_owned();
    for address in addresses {
        networkd += &format!("Address={address}\n");
    }
    let nic = NodeNic { device: "eth0".to_owned(), network: Some(host::BRIDGE.to_owned()), networkd };
    let mut node = golden.node(name, hostname, &[nic]);
    node.config.extend(tags(hostname));
    node.start = true;
    let begun = Instant::now();
    client.create_instance(&node, MINUTE).await.expect("copy");
    let running = begun.elapsed();
    // Fails while snapd has not mounted the snap.
    let probe = Exec::new(["/snap/bin/microovn", "waitready", "--timeout", "30"]).timeout(MINUTE);
    let ready = wait::until("MicroOVN's daemon to answer", READY, async || match client.exec(name, &probe).await {
        Ok(output) if output.success() => Poll::Ready(()),
        Ok(output) => Poll::NotYet(format!("exit code {}: {}", output.exit_code, output.stderr_text().trim())),
        Err(error) => Poll::Failed(error),
    });
    ready.await.expect("an answer");
    eprintln!("{name}: running after {running:?}, answering after {:?}", begun.elapsed());

    assert_eq!(ask(client, name, &["hostname"]).await.trim(), hostname);
    // No wait: a daemon that answers must find its addresses there.
    let seen = ask(client, name, &["ip", "-o", "address", "show", "eth0"]).await;
    let seen: BTreeSet<&str> = seen.split_whitespace().collect();
    for address in addresses {
        assert!(seen.contains(address), "{address} is not among {seen:?}");
    }
}

/// The snap that the configuration names and those to install before it.
fn snaps(config: &Config, cache: &Cache) -> (Snap, Vec<Snap>) {
    let inspect = |path: &Path| Snap::inspect(path).expect("a snap");
    match &config.snap {
        Some(snap) => (inspect(snap), config.extra_snaps.iter().map(|path| inspect(path)).collect()),
        None => {
            let workspace = Workspace::new(&config.root);
            let release = choose_release(&workspace, cache, config.stand_in).expect("a release");
            let built = build_snaps(&workspace, cache, release, &mut say).expect("snaps");
            (inspect(&built.stand_in), vec![inspect(&built.snapd), inspect(&built.base)])
        }
    }
}

/// The plugs of a snap that no slot is connected to, and those that are, from snapd's own table.
async fn plugs(client: &Client, instance: &str, snap: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let table = ask(client, instance, &["snap", "connections", snap]).await;
    let prefix = format!("{snap}:");
    let rows = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let plug = columns.next()?.strip_prefix(&prefix)?.to_owned();
        Some((plug, columns.next()?.to_owned()))
    });
    let (open, connected): (Vec<_>, Vec<_>) = rows.partition(|(_, slot)| slot == "-");
    let names = |rows: Vec<(String, String)>| rows.into_iter().map(|(plug, _)| plug).collect();
    (names(open), names(connected))
}

#[tokio::test]
async fn a_copy_of_the_golden_image_has_its_own_identity_and_addresses() {
    let (config, client) = connect().await;
    let begun = Instant::now();
    let (golden, product) = cluster::golden(&config, &client, &mut say).await.expect("golden image");
    eprintln!("{product}: {} made={} in {:?}", golden.instance, golden.made, begun.elapsed());
    let begun = Instant::now();
    let (again, _) = cluster::golden(&config, &client, &mut say).await.expect("golden image");
    assert_eq!((&again.instance, again.made), (&golden.instance, false), "made twice");
    assert_eq!(again.unconnected, golden.unconnected);
    eprintln!("found again in {:?}", begun.elapsed());
    let (snap, _) = snaps(&config, &Cache::open(&config.cache_dir).expect("cache"));

    let names: Vec<String> = (1..=2).map(|n| format!("golden-copy-{}-{n}", std::process::id())).collect();
    and_delete(&client, &names, async {
        let mut seen = Vec::new();
        for (name, n) in names.iter().zip(1..) {
            let addresses = [format!("192.0.2.{n}/24"), format!("fd42:aaaa::{n}/64")];
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            copy(&client, &golden, name, &format!("node-{n}.example"), &addresses).await;
            let machine = ask(&client, name, &["cat", "/etc/machine-id"]).await;
            assert_eq!(machine.trim().len(), 32, "{machine:?}");
            let certificate = ask(&client, name, &["cat", "/var/snap/microovn/common/state/server.crt"]).await;
            assert!(certificate.contains("BEGIN CERTIFICATE"), "{certificate:?}");
            seen.push((machine, certificate));
        }
        assert_ne!(seen[0].0, seen[1].0, "machine ids");
        assert_ne!(seen[0].1, seen[1].1, "certificates");

        // Each plug that the snap declares is connected, or the golden image says why not.
        let (open, connected) = plugs(&client, &names[0], &snap.name).await;
        assert!(!snap.plugs.is_empty(), "a MicroOVN without plugs");
        eprintln!("connected: {connected:?}, open: {open:?}, excused: {:?}", golden.unconnected);
        for plug in snap.plugs.iter().map(|plug| &plug.name) {
            let excused = golden.unconnected.iter().any(|excused| excused.plug == *plug && !excused.reason.is_empty());
            assert!(connected.contains(plug) || excused, "{plug} is not connected: {open:?}");
            assert!(!(connected.contains(plug) && excused), "{plug} is connected and excused");
        }

        // No clock starts anything.
        assert!(!snap.timed.is_empty(), "a MicroOVN without a timer");
        for app in &snap.timed {
            let timer = format!("snap.{}.{app}.timer", snap.name);
            let next = ask(&client, &names[0], &["systemctl", "show", "--property=TimersCalendar", &timer]).await;
            assert!(next.matches("OnCalendar=").count() == 1 && next.contains("2199-01-01"), "{timer}: {next}");
        }
    })
    .await;
}

/// Removes images that a killed run of this test left; a sweep removes its instances.
async fn remove_abandoned_images(client: &Client) {
    let now = Timestamp::now();
    for image in client.list_images().await.expect("images") {
        if Tags::find(&image.properties).is_some_and(|tags| tags.is_abandoned(now)) {
            client.delete_image(&image.fingerprint, MINUTE).await.expect("delete");
        }
    }
}

/// Metadata of an image of somebody else: it knows no templates. Unlike any other, so that the golden image of it is
/// this process's own.
fn foreign_metadata(path: &Path) {
    let text = serde_json::json!({
        "architecture": std::env::consts::ARCH,
        "creation_date": 1,
        "properties": {"description": format!("of process {}", Process::current())},
    });
    let text = text.to_string();
    let mut builder = tar::Builder::new(File::create(path).expect("tar"));
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    builder.append_data(&mut header, "metadata.yaml", text.as_bytes()).expect("tar");
    builder.into_inner().expect("tar");
}

#[tokio::test]
async fn an_image_of_a_person_is_made_a_node() {
    let (config, client) = connect().await;
    remove_abandoned_images(&client).await;
    let workspace = Workspace::new(&config.root);
    let cache = Cache::open(&config.cache_dir).expect("cache");
    let image = build_node(&workspace, &cache, &mut say).expect("node image");
    let (snap, extra_snaps) = snaps(&config, &cache);
    drop(cache);

    let folder = tempfile::tempdir().expect("folder");
    let metadata = folder.path().join("metadata.tar");
    foreign_metadata(&metadata);
    let mut properties = tags("image");
    // With this one it would count as an image of ours, which has templates.
    properties.remove(key::OWNER);
    let imported = client.import_split(&metadata, &image.rootfs, &properties, &[], MINUTE).await;
    let fingerprint = imported.expect("import");
    let tested = AssertUnwindSafe(foreign(&config, &client, &fingerprint, snap, extra_snaps, folder.path()));
    let outcome = tested.catch_unwind().await;
    let deleted = client.delete_image(&fingerprint, MINUTE).await;
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
    deleted.expect("delete");
}

/// Makes a golden image of the image, twice, and a node of that.
async fn foreign(
    config: &Config,
    client: &Client,
    fingerprint: &str,
    snap: Snap,
    extra_snaps: Vec<Snap>,
    folder: &Path,
) {
    let spec = GoldenSpec {
        workspace: Workspace::new(&config.root),
        image: ImageRef::Fingerprint(fingerprint.to_owned()),
        extra_snaps,
        snap,
        newer: None,
        beside: Vec::new(),
        pool: config.pool.clone(),
        network: Some(host::BRIDGE.to_owned()),
        tags: tags("golden"),
        maker: cluster::maker(),
    };
    // Nobody else can want this golden image, so nobody else has to wait for the minute that it takes: the lock is not
    // the one of the shared cache.
    let lock = File::create(golden_lock_path(folder)).expect("lock file");
    lock.lock().expect("lock");
    let begun = Instant::now();
    let golden = ensure_golden(client, &spec, &mut say).await.expect("golden image");
    eprintln!("golden of a foreign image in {:?}", begun.elapsed());
    let name = format!("foreign-copy-{}-1", std::process::id());
    and_delete(client, &[name.clone(), golden.instance.clone()], async {
        assert!(golden.made, "{golden:?}");
        assert!(!ensure_golden(client, &spec, &mut say).await.expect("golden image").made, "made twice");

        // What its maker did not come to mark is made again.
        let config = [(READY_KEY.to_owned(), "false".to_owned())].into();
        let patch = InstancePatch { config, ..InstancePatch::default() };
        client.patch_instance(&golden.instance, &patch, None).await.expect("patch");
        let again = ensure_golden(client, &spec, &mut say).await.expect("golden image");
        assert_eq!((&again.instance, again.made), (&golden.instance, true), "took a half made one");

        copy(client, &again, &name, "foreign.example", &["192.0.2.9/24"]).await;
    })
    .await;
}
