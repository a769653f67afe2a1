//! What a run left is removed on every release, also what LXD still makes for it.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::session::sweep::{Target, sweep, sweep_late};
use testkit::session::{Kind, Ledger, Process, RunId, Tags};

use crate::chain;
use crate::fake_lxd::release::{Release, answer};
use crate::fake_lxd::world::World;
use crate::fake_lxd::{FakeLxd, refusal};

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

#[tokio::test]
async fn a_network_that_comes_when_its_maker_is_dead_is_removed_and_one_of_others_is_not() {
    let world = World::new(Release::V5_0_2);
    let fake = world.serve();
    let client = fake.client().await;
    let names = ["tklate", "tknever"].map(str::to_owned).into();
    let runner = Process::current();
    let sweeping = sweep_late(&client, &runner, &names);
    tokio::pin!(sweeping);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut sweeping).await;
    assert!(early.is_err(), "it was not looked for what may come");
    world.put("networks", "tklate", tagged("tklate"));
    // Of the same name and without a tag: somebody else's.
    let theirs = json!({"name": "tknever", "type": "bridge", "managed": true, "status": "Created", "config": {}});
    world.put("networks", "tknever", theirs);
    let swept = sweeping.await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(swept, ["tklate".to_owned()].into());
    assert_eq!(world.names(), ["networks/tknever"]);
}

/// An LXD cluster whose member c is away, with an instance of the run on a that goes when it is deleted, one on c that is listed
/// without its tags, and a bridge of the run; LXD would remove no network now.
fn cluster_without_c() -> FakeLxd {
    FakeLxd::serve_whole(move |line, before| {
        let path = line.split_once(" /1.0").map_or("", |(_, path)| path);
        if line == "GET /1.0" {
            let environment = json!({"server_clustered": true, "server_name": "a", "server_version": "5.0.2"});
            return answer(&json!({"auth": "trusted", "api_extensions": [], "config": {}, "environment": environment}));
        }
        if line.starts_with("GET") && path.starts_with("/cluster/members") {
            let member = |name, status| json!({"server_name": name, "status": status, "message": "No heartbeat"});
            return answer(&json!([member("a", "Online"), member("c", "Offline")]));
        }
        if line.starts_with("GET") && path.starts_with("/instances?") {
            let bare = json!({"name": "lost", "type": "container", "status": "Error", "config": null, "devices": null,
                              "location": "c"});
            let mut ours = tagged("ours");
            ours["location"] = json!("a");
            ours["status"] = json!("Stopped");
            return answer(&if before == 0 { json!([ours, bare]) } else { json!([bare]) });
        }
        if line.starts_with("GET") && path.starts_with("/instances/ours") {
            let mut ours = tagged("ours");
            ours["status"] = json!("Stopped");
            return answer(&ours);
        }
        if line.starts_with("GET") && path.starts_with("/networks") {
            return answer(&json!([tagged("tkours")["config"].as_object().map(|config| {
                json!({"name": "tkours", "type": "bridge", "managed": true, "status": "Created", "config": config})
            })]));
        }
        if line.starts_with("DELETE") && path.starts_with("/instances/ours") {
            return answer(&json!(null));
        }
        refusal(500, "peer node 198.51.100.3:8443 is down")
    })
}

#[tokio::test]
async fn while_a_member_is_away_the_rest_is_removed_and_what_waits_is_said() {
    let fake = cluster_without_c();
    let swept = sweep(&fake.client().await, &Target::Runner(Process::current()), None).await;
    let swept = swept.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(swept.instances, ["ours".to_owned()].into());
    let later = swept.later.as_ref().expect("something waits");
    assert_eq!((later.instances, &later.networks), (1, &["tkours".to_owned()].into()));
    assert!(swept.to_string().contains("\"c\" is Offline (No heartbeat)"), "{swept}");
    assert_eq!(fake.count("DELETE /1.0/networks"), 0, "LXD would remove it on some members");
}
