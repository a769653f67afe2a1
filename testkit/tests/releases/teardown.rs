//! What is this framework's is removed on every release, also where somebody else is at the same.

use rstest::rstest;
use serde_json::json;
use testkit::host::{Error, SetupOptions, clear_lxd};
use testkit::lxd::Endpoint;

use crate::chain;
use crate::fake_lxd::FakeLxd;
use crate::fake_lxd::release::Release;
use crate::fake_lxd::world::World;

/// A project of ours with an instance that runs, and one of a person's that is none of our business.
fn world(release: Release) -> World {
    let world = World::new(release);
    let ours = json!({"user.testkit.owner": "microovn-testkit"});
    world.put("projects", "p", json!({"name": "p", "config": ours}));
    let instance = json!({"name": "a", "status": "Running", "type": "container", "config": {}, "devices": {}});
    world.put("instances", "a", instance);
    world.put("networks", "br", json!({"name": "br", "type": "bridge", "managed": true, "config": ours}));
    world.put("networks", "theirs", json!({"name": "theirs", "type": "bridge", "managed": true, "config": {}}));
    world.put("storage-pools", "pool", json!({"name": "pool", "driver": "btrfs", "config": ours}));
    world
}

async fn clear(fake: &FakeLxd, said: &mut Vec<String>) -> Result<Vec<String>, Error> {
    let options = SetupOptions { project: "p".into(), ..SetupOptions::default() };
    clear_lxd(&Endpoint::Unix(fake.socket.clone()), &options, &mut |text| said.push(text.to_owned())).await
}

/// Removes all, and fails unless that is what was done.
async fn cleared(world: &World) -> Vec<String> {
    let (fake, mut said) = (world.serve(), Vec::new());
    let changes = clear(&fake, &mut said).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(changes, ["removed instance a", "removed project p", "removed network br", "removed storage pool pool"]);
    assert_eq!(world.names(), ["networks/theirs"]);
    said
}

#[rstest]
#[case::being_stopped("PUT instances", "Instance is busy running a stop operation")]
#[case::being_deleted("DELETE instances", "Instance is busy running a \"delete\" operation")]
#[tokio::test]
async fn what_lxd_is_at_something_else_with_is_removed_when_that_has_ended(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
    #[case] call: &str,
    #[case] text: &str,
) {
    let world = world(release);
    world.fail_for_a_while(call, 2, 400, text);
    assert_eq!(cleared(&world).await, ["removing instance a"]);
    assert_eq!(world.asked("DELETE projects").len(), 1, "not before it is empty");
}

#[rstest]
#[tokio::test]
async fn what_lxd_still_makes_is_waited_for_and_removed(#[values(Release::V5_0_2, Release::V6_9)] release: Release) {
    let world = world(release);
    world.remove("instances", "a");
    world.make_for_a_while("/1.0/instances/a?project=p", 2);
    let said = cleared(&world).await;
    assert_eq!(said, ["waiting for what is still being done in the project", "removing instance a"]);
}

#[tokio::test]
async fn what_cannot_be_removed_for_another_reason_is_said_at_once() {
    let world = world(Release::V5_21_7);
    world.fail("DELETE instances", 500, "boom", None);
    let fake = world.serve();
    let error = clear(&fake, &mut Vec::new()).await.expect_err("it fails");
    assert!(
        chain(&error).contains("failed to remove instance a") && chain(&error).contains("boom"),
        "{}",
        chain(&error)
    );
    assert_eq!(world.asked("DELETE instances").len(), 1);
}
