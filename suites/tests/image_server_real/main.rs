//! Images of an image server, which runs here: one is pulled and becomes a node, and of a server at fault there is one clear error
//! with exit code 2, and nothing new in LXD.

#[path = "../bad_input_common/mod.rs"]
#[expect(dead_code, reason = "a part of it is used here")]
mod bad_input_common;
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bad_input_common::World;
use rstest::rstest;
use server::{ALIAS, Fault, Parts, Server};
use testkit::config::{Config, Layer, LxdTarget};
use testkit::host;
use testkit::image::{Cache, Workspace, build_node, is_golden, is_ours};
use testkit::lxd::{Client, ImageRef};

/// What the server is called.
const REMOTE: &str = "tkmirror";
const DEADLINE: Duration = Duration::from_secs(120);

/// LXD as this checkout is configured, on this host, and its socket where one was named.
async fn lxd() -> (Config, Client, String) {
    let config = Config::resolve(Layer::default()).expect("a workspace");
    let LxdTarget::Local { socket, .. } = &config.lxd else {
        panic!("nothing is tested: the LXD of another host does not reach a server that runs here");
    };
    let socket = socket.as_ref().map(|socket| socket.display().to_string()).unwrap_or_default();
    let client = host::connect(&config).await.expect("LXD that is set up");
    (config, client, socket)
}

/// The images that LXD has, and the golden images of the framework.
async fn listing(client: &Client) -> BTreeSet<String> {
    let instances = client.list_instances(None).await.expect("instances").into_iter();
    let images = client.list_images().await.expect("images").into_iter();
    let golden = instances.filter(|it| is_golden(&it.config)).map(|it| it.name);
    golden.chain(images.map(|it| it.fingerprint)).collect()
}

/// A small image, which nothing boots.
fn small(folder: &Path) -> Parts {
    let parts = Parts { metadata: folder.join("metadata.tar"), rootfs: folder.join("rootfs.squashfs") };
    fs::write(&parts.metadata, format!("metadata of {}", folder.display())).expect("written");
    fs::write(&parts.rootfs, "root").expect("written");
    parts
}

#[rstest]
#[case::broken_index(Fault::BrokenIndex, ALIAS, &["says that it has cannot be read", "keeps what it was told for an hour", "decoding stream JSON"])]
#[case::wrong_fingerprint(Fault::OtherContent, ALIAS, &["is not what it says it has", "try again later"])]
#[case::unknown_alias(Fault::None, "22.04", &["has no image \"22.04\" of containers", "image list tkmirror:` shows what it has"])]
#[case::hanging(Fault::Hangs, ALIAS, &["does not go on sending", "or use another server", "nothing came from the server"])]
#[tokio::test]
async fn a_server_at_fault_is_one_clear_error_and_nothing_is_made(
    #[case] fault: Fault,
    #[case] alias: &str,
    #[case] parts: &[&str],
) {
    let (_, client, socket) = lxd().await;
    let world = World::new();
    let server = Server::start(&small(world.path()), fault);
    let conf = world.path().join("conf");
    server.named(REMOTE, &conf);
    let before = listing(&client).await;
    let (image, conf) = (format!("{REMOTE}:{alias}"), conf.display().to_string());
    let env = [("MICROOVN_TEST_CONTAINER_IMAGE", image.as_str()), ("LXD_CONF", &conf), ("LXD_SOCKET", &socket)];
    let refused = format!("failed to pull image {image:?}: ");
    let parts: Vec<&str> = parts.iter().copied().chain([refused.as_str(), &server.url]).collect();
    world.run(&["image", "build"], &env).refused(&parts);
    let made: Vec<String> = listing(&client).await.difference(&before).cloned().collect();
    assert!(made.is_empty(), "{made:?}");
    assert!(!world.path().join("cache/tmp").exists(), "something was built");
}

/// The node image of this checkout, as a server of images would have it: LXD is to take it for another one.
fn whole(config: &Config, folder: &Path) -> Parts {
    let cache = Cache::open(&config.cache_dir).expect("the cache");
    let node = build_node(&Workspace::new(&config.root), &cache, &mut |_| {}).expect("a node image");
    let metadata = folder.join("metadata.tar");
    fs::copy(&node.metadata, &metadata).expect("copied");
    // Behind the end of a tar nothing counts.
    let more = fs::File::options().append(true).open(&metadata).expect("a file");
    more.set_len(more.metadata().expect("its size").len() + 1024).expect("longer");
    Parts { metadata, rootfs: node.rootfs }
}

#[tokio::test]
async fn an_image_of_a_server_becomes_a_node() {
    let (config, client, socket) = lxd().await;
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&whole(&config, folder.path()), Fault::None);
    server.named(REMOTE, folder.path());
    let kept_as = ImageRef::Alias(format!("testkit/{REMOTE}/{ALIAS}"));
    // What a test that was killed left.
    if let Some(left) = client.find_image(&kept_as).await.expect("LXD") {
        client.delete_image(&left.value.fingerprint, DEADLINE).await.expect("removed");
    }
    let before = listing(&client).await;
    // The snaps come from the cache of this checkout.
    let built = Command::new(env!("CARGO_BIN_EXE_testkit"))
        .args(["image", "build"])
        .current_dir(&config.root)
        .env("MICROOVN_TEST_CONTAINER_IMAGE", format!("{REMOTE}:{ALIAS}"))
        .env("LXD_CONF", folder.path())
        .env("LXD_SOCKET", socket)
        .env("TESTKIT_OUT_DIR", folder.path().join("out"))
        .output()
        .expect("testkit runs");
    let pulled = client.find_image(&kept_as).await.expect("LXD").map(|image| image.value);
    let made: Vec<String> = listing(&client).await.difference(&before).cloned().collect();
    for name in &made {
        client.delete_instance_forced(name, DEADLINE).await.expect("removed");
    }
    if let Some(pulled) = &pulled {
        client.delete_image(&pulled.fingerprint, DEADLINE).await.expect("removed");
    }
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    let pulled = pulled.expect("kept under its own name");
    assert!(is_ours(&pulled), "{pulled:?}");
    assert_eq!(made.len(), 2, "an image and a golden image of it: {made:?}");
    assert!(said.contains("giving the image what a node needs"), "taken for one that was built here: {said}");
}
