//! Waiting until the cluster is as planned.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::cluster::{Before, settle};
use testkit::expect::{Known, Observation, Read, Subject, unsatisfied};
use testkit::plan::{Changes, Plan, Programs};
use testkit::report::{Doing, Progress};

use crate::commands::Ended;
use crate::fake_lxd::FakeLxd;
use crate::{common, instances};

/// How often each thing was read on each member.
type Looks = Arc<Mutex<BTreeMap<(String, Read), usize>>>;

/// A cluster formed as planned, in which members call each other UNREACHABLE for this many looks.
fn cluster(plan: &Plan, unreachable: usize) -> (FakeLxd, Looks) {
    regressing(plan, unreachable, 0..0)
}

/// The same, whose Encap rows are wrong in these looks at the Southbound, counted from 1.
fn regressing(plan: &Plan, unreachable: usize, wrong: Range<usize>) -> (FakeLxd, Looks) {
    let looks = Looks::default();
    let (plan, counted) = (plan.clone(), Arc::clone(&looks));
    let lxd = FakeLxd::serve_commands(move |instance, argv| {
        let member = plan.state.members.iter().find(|member| member.name == instance).expect("a member");
        let mut reads = Subject::ALL.into_iter().flat_map(|subject| subject.reads(&plan.state, member));
        let read = reads.find(|read| read.argv(&plan.state, member) == argv).expect("a read");
        let mut counted = counted.lock().expect("looks");
        let count = counted.entry((instance.to_owned(), read)).or_default();
        *count += 1;
        let printed = common::printed(&plan.state, member, read, &Changes::default()).expect("it can be read");
        let early = read == Read::Members && *count <= unreachable;
        let regressed = read == Read::Southbound && wrong.contains(count);
        Ended::well(match () {
            () if early => printed.replace("ONLINE", "UNREACHABLE"),
            () if regressed => printed.replace("geneve", "vxlan"),
            () => printed,
        })
    });
    (lxd, looks)
}

#[tokio::test]
async fn only_what_is_not_yet_as_planned_is_read_again_and_in_the_end_everything() {
    let plan = common::plan(false, true);
    let (lxd, looks) = cluster(&plan, 2);
    let dir = tempfile::tempdir().expect("a folder");
    let progress = Progress::new(dir.path());
    let client = lxd.client().await;
    let (settled, seen) =
        settle(&client, &plan.state, &instances(&plan), None, Duration::from_secs(60), &progress).await;
    assert_eq!((settled.looks, settled.unsatisfied), (4, Vec::new()));
    assert_eq!(seen, common::observe(&plan.state));
    // What was told before the last look.
    let told = progress.read().expect("read").expect("a step");
    assert_eq!((told.doing, told.detail.as_str()), (Doing::Settling, "reading every member once more"));
    for ((member, read), count) in looks.lock().expect("looks").iter() {
        assert_eq!(*count, if *read == Read::Members { 4 } else { 2 }, "{member}: {read:?}");
    }
}

#[tokio::test]
async fn at_the_deadline_what_was_seen_last_is_judged() {
    let plan = common::plan(false, true);
    let (lxd, _) = cluster(&plan, usize::MAX);
    let client = lxd.client().await;
    let deadline = Duration::from_millis(500);
    let instances = instances(&plan);
    let dir = tempfile::tempdir().expect("a folder");
    let progress = Progress::new(dir.path());
    let settling = settle(&client, &plan.state, &instances, None, deadline, &progress);
    let ended = tokio::time::timeout(Duration::from_secs(120), settling).await;
    let (settled, seen) = ended.expect("an end at the deadline");
    assert_eq!(settled.unsatisfied, ["members"]);
    assert!(settled.ms >= 500, "gave up after {} ms", settled.ms);
    let list = seen.members[&plan.state.members[0].name].members.get().expect("a list");
    assert!(list.iter().all(|row| row.status == "UNREACHABLE"), "{list:?}");
}

#[tokio::test]
async fn what_is_known_to_be_wrong_is_not_waited_for_and_stays_red() {
    let plan = common::plan(false, true);
    let dir = tempfile::tempdir().expect("a folder");
    let (instances, progress) = (instances(&plan), Progress::new(dir.path()));
    let look = async |seen: &Observation, known: &Known, deadline| {
        let (lxd, _) = cluster(&plan, usize::MAX);
        let before = Some(Before { seen, known });
        settle(&lxd.client().await, &plan.state, &instances, before, Duration::from_millis(deadline), &progress).await
    };
    let nothing = Known::default();
    let (_, seen) = look(&Observation::default(), &nothing, 500).await;
    let failed: Vec<_> = unsatisfied(&plan.state, &seen, None).into_iter().map(|(_, verdict)| verdict).collect();
    // Longer than a test may take.
    let (settled, _) = look(&seen, &nothing.after("s1_x", &failed), 3_600_000).await;
    assert_eq!((settled.looks, settled.unsatisfied), (1, vec!["members".to_owned()]));
}

#[tokio::test]
async fn what_is_read_of_a_program_of_the_snap_is_read_in_the_snap() {
    let mut plan = common::plan(false, true);
    let files = [("microovn.ovn-sbctl".to_owned(), "commands/ovn-sbctl".to_owned())];
    plan.state.release.programs = Programs { app: "microovn.ovn-nbctl".to_owned(), files: files.into() };
    let programs = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&programs);
    let lxd = FakeLxd::serve_commands(move |_, argv| {
        seen.lock().expect("programs").insert(argv[0].clone());
        Ended::well(String::new())
    });
    let dir = tempfile::tempdir().expect("a folder");
    let progress = Progress::new(dir.path());
    settle(&lxd.client().await, &plan.state, &instances(&plan), None, Duration::ZERO, &progress).await;
    let programs = programs.lock().expect("programs");
    let has = |name: &str| programs.contains(name);
    assert!(has("$SNAP/commands/ovn-sbctl") && !has("microovn.ovn-sbctl"), "{programs:?}");
    assert!(has("microovn.ovs-vsctl"), "one that the release does not tell of is run by itself: {programs:?}");
}

#[tokio::test]
async fn a_cluster_that_is_as_planned_at_once_is_looked_at_once() {
    let plan = common::plan(false, true);
    let (lxd, looks) = cluster(&plan, 0);
    let dir = tempfile::tempdir().expect("a folder");
    let settling = settle(
        &lxd.client().await,
        &plan.state,
        &instances(&plan),
        None,
        Duration::from_secs(60),
        &Progress::new(dir.path()),
    )
    .await;
    assert_eq!(settling.0.looks, 1);
    assert!(looks.lock().expect("looks").values().all(|count| *count == 1));
}

#[tokio::test]
async fn what_was_right_at_first_and_is_wrong_when_everything_is_read_again_is_waited_for() {
    let plan = common::plan(false, true);
    let (lxd, _) = regressing(&plan, 2, 2..3);
    let dir = tempfile::tempdir().expect("a folder");
    let (client, progress) = (lxd.client().await, Progress::new(dir.path()));
    let (settled, _) = settle(&client, &plan.state, &instances(&plan), None, Duration::from_secs(60), &progress).await;
    // All, twice the members, all, the Southbound, all.
    assert_eq!((settled.looks, settled.unsatisfied), (6, Vec::new()));
}

#[tokio::test]
async fn what_was_right_at_first_and_is_wrong_at_the_deadline_is_red() {
    let plan = common::plan(false, true);
    // Where the host is so busy that the first look is over behind the deadline, nothing was right at first.
    for deadline in [500, 4000, 20_000].map(Duration::from_millis) {
        let (lxd, _) = regressing(&plan, usize::MAX, 2..usize::MAX);
        let dir = tempfile::tempdir().expect("a folder");
        let (client, progress) = (lxd.client().await, Progress::new(dir.path()));
        let (settled, _) = settle(&client, &plan.state, &instances(&plan), None, deadline, &progress).await;
        if settled.looks > 1 {
            assert!(settled.unsatisfied.iter().any(|check| check == "sb_encap"), "{:?}", settled.unsatisfied);
            return;
        }
    }
    panic!("no look ended within the deadline");
}
