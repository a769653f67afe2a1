//! Makes a golden image and copies nodes of it on the real LXD. Runs only when asked for:
//! `TESTKIT_CACHE=/path TESTKIT_POOL=testkit TESTKIT_NETWORK=tkbr0 cargo test -p testkit --test golden -- --ignored`.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::image::{
    Cache, GoldenSpec, NODE_ALIAS, NodeNic, Snap, Workspace, build_node, build_snaps, ensure_golden, ensure_node_image,
};
use testkit::lxd::{Client, Endpoint, Exec, ImageRef, InstancePatch};

const MINUTE: Duration = Duration::from_secs(60);

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

async fn ask(client: &Client, instance: &str, argv: &[&str]) -> String {
    let output = client.exec(instance, &Exec::new(argv.iter().copied())).await.expect("exec");
    assert!(output.success(), "{argv:?}: {}{}", output.stdout_text(), output.stderr_text());
    output.stdout_text()
}

/// Until the daemon's service is active; a copy may start it before or after the first exec.
async fn until_active(client: &Client, instance: &str) {
    let end = Instant::now() + MINUTE;
    loop {
        let exec = Exec::new(["systemctl", "is-active", "snap.microovn.daemon.service"]);
        let output = client.exec(instance, &exec).await.expect("exec");
        if output.success() {
            return;
        }
        assert!(Instant::now() < end, "not active: {}", output.stdout_text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
#[ignore = "needs LXD and the distribution's mirror"]
async fn a_copy_of_the_golden_image_has_its_own_identity_and_addresses() {
    let workspace = Workspace::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let root = env::var_os("TESTKIT_CACHE").map_or_else(|| env::temp_dir().join("testkit-cache"), PathBuf::from);
    let cache = Cache::open(&root).expect("cache");
    let progress = &mut |text: &str| eprintln!("{text}");
    let image = build_node(&workspace, &cache, progress).expect("node image");
    let snaps = build_snaps(&workspace, &cache, progress).expect("snaps");

    let endpoint = Endpoint::Unix(setting("LXD_SOCKET", "/var/lib/lxd/unix.socket").into());
    let client =
        Client::connect(&endpoint).await.expect("LXD").with_project(&setting("TESTKIT_PROJECT", "microovn-testkit"));
    let begun = Instant::now();
    let fingerprint = ensure_node_image(&client, &image, NODE_ALIAS).await.expect("import");
    eprintln!("import {:?}", begun.elapsed());
    assert_eq!(ensure_node_image(&client, &image, NODE_ALIAS).await.expect("import again"), fingerprint);

    let spec = GoldenSpec {
        workspace,
        image: ImageRef::Alias(NODE_ALIAS.to_owned()),
        extra_snaps: vec![Snap::inspect(&snaps.snapd).expect("snapd"), Snap::inspect(&snaps.base).expect("base")],
        snap: Snap::inspect(&snaps.stand_in).expect("stand-in"),
        pool: setting("TESTKIT_POOL", "testkit"),
        network: None,
    };
    let begun = Instant::now();
    let golden = ensure_golden(&client, &spec, progress).await.expect("golden image");
    eprintln!(
        "golden {} made={} in {:?}, unconnected: {:?}",
        golden.instance,
        golden.made,
        begun.elapsed(),
        golden.unconnected
    );
    let begun = Instant::now();
    assert!(!ensure_golden(&client, &spec, progress).await.expect("golden image").made, "made twice");
    eprintln!("golden again in {:?}", begun.elapsed());

    // What its maker did not come to mark is made again.
    let config = [("user.testkit.ready".to_owned(), "false".to_owned())].into();
    let patch = InstancePatch { config, ..InstancePatch::default() };
    client.patch_instance(&golden.instance, &patch, None).await.expect("patch");
    assert!(ensure_golden(&client, &spec, progress).await.expect("golden image").made, "took a half made one");

    let network = setting("TESTKIT_NETWORK", "tkbr0");
    let mut seen = Vec::new();
    for n in 1..=2 {
        let (name, hostname) = (format!("golden-copy-{n}"), format!("node-{n}.example"));
        client.delete_instance_forced(&name, MINUTE).await.expect("delete");
        let networkd = format!(
            "[Match]\nName=eth0\n[Network]\nAddress=192.0.2.{n}/24\nAddress=fd42:aaaa::{n}/64\nIPv6AcceptRA=no\n\
             LinkLocalAddressing=ipv6\n"
        );
        let nic = NodeNic { device: "eth0".into(), network: network.clone(), networkd };
        let mut node = golden.node(&name, &hostname, &[nic]);
        node.start = true;
        let begun = Instant::now();
        client.create_instance(&node, MINUTE).await.expect("copy");
        let running = begun.elapsed();
        until_active(&client, &name).await;
        let active = begun.elapsed();
        ask(&client, &name, &["/snap/bin/microovn", "waitready", "--timeout", "30"]).await;
        eprintln!("{name}: running {running:?}, daemon active {active:?}, answering {:?}", begun.elapsed());

        assert_eq!(ask(&client, &name, &["hostname"]).await.trim(), hostname);
        // No wait: a daemon that answers must find its addresses there.
        let addresses = ask(&client, &name, &["ip", "-o", "address", "show", "eth0"]).await;
        assert!(addresses.contains(&format!("192.0.2.{n}/24")), "{addresses}");
        assert!(addresses.contains(&format!("fd42:aaaa::{n}/64")), "{addresses}");
        let certificate = "/var/snap/microovn/common/state/server.crt";
        let own =
            (ask(&client, &name, &["cat", "/etc/machine-id"]).await, ask(&client, &name, &["cat", certificate]).await);
        assert_eq!(own.0.trim().len(), 32, "{own:?}");
        seen.push(own);
        eprint!(
            "{}",
            ask(&client, &name, &["journalctl", "-b", "-u", "testkit-nspush", "-o", "cat", "--no-pager"]).await
        );
        eprint!("{}", ask(&client, &name, &["systemctl", "--failed", "--no-legend", "--no-pager"]).await);
    }
    assert_ne!(seen[0].0, seen[1].0, "machine ids");
    assert_ne!(seen[0].1, seen[1].1, "certificates");
    if env::var_os("TESTKIT_KEEP").is_none() {
        for n in 1..=2 {
            client.delete_instance_forced(&format!("golden-copy-{n}"), MINUTE).await.expect("delete");
        }
    }
}

#[tokio::test]
#[ignore = "needs LXD and the distribution's mirror"]
async fn an_image_of_a_person_is_made_a_node() {
    let workspace = Workspace::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let root = env::var_os("TESTKIT_CACHE").map_or_else(|| env::temp_dir().join("testkit-cache"), PathBuf::from);
    let cache = Cache::open(&root).expect("cache");
    let progress = &mut |text: &str| eprintln!("{text}");
    let image = build_node(&workspace, &cache, progress).expect("node image");
    let snaps = build_snaps(&workspace, &cache, progress).expect("snaps");
    drop(cache);

    // The same root file system with metadata that knows no templates: an image of somebody else.
    let folder = tempfile::tempdir().expect("folder");
    let metadata = folder.path().join("metadata.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&metadata).expect("tar"));
    let text = format!(r#"{{"architecture": "{}", "creation_date": 1}}"#, env::consts::ARCH);
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    builder.append_data(&mut header, "metadata.yaml", text.as_bytes()).expect("tar");
    builder.into_inner().expect("tar");

    let endpoint = Endpoint::Unix(setting("LXD_SOCKET", "/var/lib/lxd/unix.socket").into());
    let client =
        Client::connect(&endpoint).await.expect("LXD").with_project(&setting("TESTKIT_PROJECT", "microovn-testkit"));
    let none = std::collections::BTreeMap::new();
    let fingerprint = client.import_split(&metadata, &image.rootfs, &none, &[], MINUTE).await.expect("import");
    let spec = GoldenSpec {
        workspace,
        image: ImageRef::Fingerprint(fingerprint.clone()),
        extra_snaps: vec![Snap::inspect(&snaps.snapd).expect("snapd"), Snap::inspect(&snaps.base).expect("base")],
        snap: Snap::inspect(&snaps.stand_in).expect("stand-in"),
        pool: setting("TESTKIT_POOL", "testkit"),
        network: Some(setting("TESTKIT_NETWORK", "tkbr0")),
    };
    let begun = Instant::now();
    let golden = ensure_golden(&client, &spec, progress).await.expect("golden image");
    eprintln!("golden of a foreign image in {:?}", begun.elapsed());

    let name = "foreign-copy-1";
    client.delete_instance_forced(name, MINUTE).await.expect("delete");
    let networkd = "[Match]\nName=eth0\n[Network]\nAddress=192.0.2.9/24\nIPv6AcceptRA=no\n".to_owned();
    let nic = NodeNic { device: "eth0".into(), network: setting("TESTKIT_NETWORK", "tkbr0"), networkd };
    let mut node = golden.node(name, "foreign.example", &[nic]);
    node.start = true;
    client.create_instance(&node, MINUTE).await.expect("copy");
    until_active(&client, name).await;
    ask(&client, name, &["/snap/bin/microovn", "waitready", "--timeout", "30"]).await;
    assert_eq!(ask(&client, name, &["hostname"]).await.trim(), "foreign.example");
    let addresses = ask(&client, name, &["ip", "-o", "address", "show", "eth0"]).await;
    assert!(addresses.contains("192.0.2.9/24"), "{addresses}");
    for left in [name, &golden.instance] {
        client.delete_instance_forced(left, MINUTE).await.expect("delete");
    }
    client.delete_image(&fingerprint, MINUTE).await.expect("delete");
}
