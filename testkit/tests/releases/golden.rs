//! Golden images: a copy has all of it on every release, and one that another process makes is waited for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use testkit::image::{Error, Golden, GoldenSpec, Maker, Snap, Workspace, ensure_golden, golden_name, of_file};
use testkit::lxd::ImageRef;

use crate::chain;
use crate::fake_lxd::FakeLxd;
use crate::fake_lxd::release::Release;
use crate::fake_lxd::world::World;

/// A spec of a golden image of an image of ours, made by a process of this name.
fn spec(maker: &str) -> GoldenSpec {
    GoldenSpec {
        workspace: Workspace::new(&PathBuf::from("/nowhere")),
        image: ImageRef::Fingerprint("f".into()),
        extra_snaps: Vec::new(),
        snap: Snap {
            path: PathBuf::from("/nowhere/microovn.snap"),
            sha256: of_file(&PathBuf::from("/proc/self/cmdline")).expect("a hash"),
            name: "microovn".into(),
            version: "1".into(),
            kind: "app".into(),
            devmode: false,
            classic: false,
            architectures: Vec::new(),
            base: None,
            assumes: Vec::new(),
            apps: [].into(),
            services: [].into(),
            plugs: Vec::new(),
            commands: [].into(),
            timed: [].into(),
            schemas: None,
        },
        newer: None,
        beside: Vec::new(),
        pool: "pool".into(),
        network: None,
        tags: [].into(),
        maker: Maker { name: maker.into(), is_alive: |maker| (maker == "dead").then_some(false) },
    }
}

/// The configuration of a golden image of ours.
fn config(more: &[(&str, &str)]) -> Value {
    let mut config = json!({
        "user.testkit.owner": "microovn-testkit", "user.testkit.kind": "golden", "user.testkit.hash": "h",
        "security.nesting": "true", "environment.SNAP_REEXEC": "0", "image.os": "debian", "volatile.uuid": "v",
    });
    for (key, value) in more {
        config[key] = json!(value);
    }
    config
}

fn ready() -> Value {
    config(&[("user.testkit.ready", "true"), ("user.testkit.unconnected", "[]")])
}

/// Half made by this maker, which has until this time.
fn half_made(maker: &str, until: &str) -> Value {
    config(&[("user.testkit.ready", "false"), ("user.testkit.maker", maker), ("user.testkit.maker-until", until)])
}

fn instance(name: &str, config: Value) -> Value {
    json!({"name": name, "type": "container", "status": "Stopped", "profiles": ["nodes"], "config": config,
           "devices": {"root": {"type": "disk", "path": "/", "pool": "pool"}, "fuse": {"type": "unix-char"}}})
}

/// A world that has the node image and the storage pool, and the name that the golden image has in it.
async fn world(release: Release) -> (World, FakeLxd, String) {
    let world = World::new(release);
    world.put(
        "images",
        "f",
        json!({"fingerprint": "f", "properties": {"user.testkit.owner": "microovn-testkit", "user.testkit.hash": "n"}}),
    );
    let fake = world.serve();
    let name = golden_name(&fake.client().await, &spec("me")).await.expect("a name");
    (world, fake, name)
}

async fn ensure(fake: &FakeLxd) -> Result<Golden, Error> {
    ensure_golden(&fake.client().await, &spec("me"), &mut |_| {}).await
}

#[rstest]
#[tokio::test]
async fn a_copy_has_all_of_its_golden_image(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let (world, fake, name) = world(release).await;
    world.put("instances", &name, instance(&name, ready()));
    let golden = ensure(&fake).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(!golden.made && golden.instance == name, "{golden:?}");
    // As it is kept in a run's folder.
    let golden: Golden = serde_json::from_value(serde_json::to_value(golden).expect("JSON")).expect("read");
    let node = golden.node("node", "node-1", &[]);
    fake.client().await.create_instance(&node, Duration::from_secs(60)).await.expect("copied");
    let made = world.find("instances", "node").expect("made");
    for (key, value) in [
        ("security.nesting", "true"),
        ("environment.SNAP_REEXEC", "0"),
        ("image.os", "debian"),
        ("user.testkit.owner", "microovn-testkit"),
        ("user.testkit.hash", "h"),
        ("user.testkit.kind", "node"),
        ("user.testkit.ready", "false"),
        ("user.testkit.hostname", "node-1"),
    ] {
        assert_eq!(made["config"][key], value, "{key}: {made}");
    }
    assert_eq!(made["devices"], instance("", ready())["devices"]);
    let asked = &world.asked("POST instances")[0];
    assert_eq!(asked["profiles"], json!(["nodes"]));
    assert!(asked["config"].get("volatile.uuid").is_none(), "{asked}");
}

#[rstest]
#[tokio::test]
async fn one_that_another_makes_is_waited_for(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let (world, fake, name) = world(release).await;
    world.put("instances", &name, instance(&name, half_made("other", "2999-01-01T00:00:00Z")));
    let (seen, named) = (world.clone(), name.clone());
    let mut told = Vec::new();
    let mut progress = |text: &str| {
        told.push(text.to_owned());
        seen.put("instances", &named, instance(&named, ready()));
    };
    let golden = ensure_golden(&fake.client().await, &spec("me"), &mut progress).await;
    let golden = golden.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(!golden.made, "made although it is there");
    assert_eq!(told, [format!("waiting for golden image {name}, which other makes")]);
    assert!(world.asked("DELETE instances").is_empty() && world.asked("POST instances").is_empty());
}

#[rstest]
#[case::of_a_dead_maker("dead", "2999-01-01T00:00:00Z")]
#[case::past_its_time("other", "2020-01-01T00:00:00Z")]
#[case::of_this_process("me", "2999-01-01T00:00:00Z")]
#[case::of_an_older_version("", "")]
#[tokio::test]
async fn one_that_nobody_makes_any_more_is_made_again(#[case] maker: &str, #[case] until: &str) {
    let (world, fake, name) = world(Release::V6_9).await;
    world.put("instances", &name, instance(&name, half_made(maker, until)));
    // Nothing runs in the instances of this fake: it ends at the first step.
    ensure(&fake).await.expect_err("no step can be made");
    let taken = &world.asked("PATCH instances")[0];
    assert_eq!(taken["config"]["user.testkit.maker"], "me");
    let made = &world.asked("POST instances")[0];
    assert_eq!(made["config"]["user.testkit.maker"], "me", "its maker is on it from the first moment");
    assert_eq!(world.find("instances", &name), None, "half made, it stays");
}

#[tokio::test]
async fn one_that_another_takes_over_first_is_the_others() {
    let (world, fake, name) = world(Release::V5_21_7).await;
    world.put("instances", &name, instance(&name, half_made("dead", "2999-01-01T00:00:00Z")));
    world.fail("PATCH instances", 412, "ETag doesn't match", None);
    let taken_over = async {
        while world.asked("PATCH instances").is_empty() {
            tokio::task::yield_now().await;
        }
        world.put("instances", &name, instance(&name, ready()));
    };
    let (ensured, ()) = tokio::join!(ensure(&fake), taken_over);
    assert!(!ensured.unwrap_or_else(|error| panic!("{}", chain(&error))).made);
    assert!(world.asked("DELETE instances").is_empty(), "removed what another makes");
}

#[rstest]
#[tokio::test]
async fn two_that_begin_at_once_make_one(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let (world, fake, name) = world(release).await;
    // Between the look and the request, another was quicker.
    let (other, named) = (world.clone(), name.clone());
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let (client, spec) = (fake.client().await, spec("me"));
    let mut progress = move |text: &str| {
        noted.lock().expect("texts").push(text.to_owned());
        if text.starts_with("making") {
            other.put("instances", &named, instance(&named, half_made("other", "2999-01-01T00:00:00Z")));
        }
        if text.starts_with("waiting") {
            other.put("instances", &named, instance(&named, ready()));
        }
    };
    let golden = ensure_golden(&client, &spec, &mut progress).await;
    let golden = golden.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(!golden.made && told.lock().expect("texts").len() == 2, "{golden:?}");
    assert!(world.asked("DELETE instances").is_empty(), "removed what another makes");
}
