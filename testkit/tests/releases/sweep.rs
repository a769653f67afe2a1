//! What a run left is removed on every release, also what LXD still makes for it.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::session::sweep::{Target, sweep};
use testkit::session::{Kind, Ledger, Process, RunId, Tags};

use crate::chain;
use crate::fake_lxd::release::Release;
use crate::fake_lxd::world::World;

fn run() -> RunId {
    RunId::new("0badcafe".to_owned()).expect("an id")
}

fn tagged(name: &str) -> Value {
    let now = Timestamp::now();
    let expires = now.checked_add(1.hour()).expect("in range");
    let tags = Tags { run: run(), runner: Process::current(), cell: "c".into(), node: "n".into(), expires };
    json!({"name": name, "type": "container", "managed": true, "status": "Running", "config": tags.to_config(),
           "devices": {}})
}

#[rstest]
#[tokio::test]
async fn what_a_run_left_is_removed(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let world = World::new(release);
    world.put("instances", "ours", tagged("ours"));
    world.put("networks", "tkours", tagged("tkours"));
    world.put(
        "instances",
        "theirs",
        json!({"name": "theirs", "type": "container", "status": "Running", "config": {},
                                            "devices": {}}),
    );
    let fake = world.serve();
    let swept = sweep(&fake.client().await, &Target::Runner(Process::current()), None).await;
    let swept = swept.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((swept.instances.len(), swept.networks.len()), (1, 1));
    assert_eq!(world.names(), ["instances/theirs"]);
}

#[rstest]
#[tokio::test]
async fn what_lxd_still_makes_for_a_run_is_waited_for(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
    #[values("task", "durable")] class: &str,
) {
    let world = World::new(release);
    world.work_on("/1.0/instances/late?project=p", class);
    let fake = world.serve();
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::new(&dir.path().join("ledger"));
    ledger.intend(Kind::Instance, "late", "c").expect("noted");
    let (client, target) = (fake.client().await, Target::Runner(Process::current()));
    let sweeping = sweep(&client, &target, Some(&ledger));
    tokio::pin!(sweeping);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut sweeping).await;
    assert!(early.is_err(), "swept while LXD was at work");
    world.put("instances", "late", tagged("late"));
    world.work_on("", class);
    sweeping.await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(world.names(), Vec::<String>::new());
}
