//! Forming the cluster: in what order, and how it fails.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use testkit::clock::Clock;
use testkit::cluster::{ClusterError, Forming};
use testkit::plan::{Formation, Plan};
use testkit::report::{Evidence, Progress, Timeline, chain};
use tokio::sync::oneshot;

use crate::commands::Ended;
use crate::fake_lxd::FakeLxd;
use crate::fake_lxd::release::Release;
use crate::{common, instances};

/// The token for a member.
fn token(member: &str) -> String {
    STANDARD.encode(format!(r#"{{"secret":"of {member}","fingerprint":"f","join_addresses":["10.1.1.11:6686"]}}"#))
}

fn plan(formation: Formation) -> Plan {
    Plan { formation, ..common::plan(false, false) }
}

/// What members are told, in order: the member, then the words after `microovn`.
type Told = Arc<Mutex<Vec<String>>>;

/// Members that note what they are told, issue tokens, and answer as told to otherwise.
fn members(answer: impl Fn(&str, &[String]) -> Ended + Send + Sync + 'static) -> (FakeLxd, Told) {
    members_of(Release::V5_0_2, answer)
}

/// The same in this release of LXD.
fn members_of(release: Release, answer: impl Fn(&str, &[String]) -> Ended + Send + Sync + 'static) -> (FakeLxd, Told) {
    let told = Told::default();
    let noted = Arc::clone(&told);
    let lxd = FakeLxd::serve_commands_of(release, move |instance, argv| {
        noted.lock().expect("notes").push(format!("{instance} {}", argv[1..].join(" ")));
        match argv {
            [_, _, verb, joiner] if verb == "add" => Ended::well(format!("{}\n", token(joiner))),
            argv => answer(instance, argv),
        }
    });
    (lxd, told)
}

/// Forms the cluster of members that become ready in this order.
async fn formed(lxd: &FakeLxd, plan: &Plan, order: &[usize], dir: &Path) -> Result<(), ClusterError> {
    let (mut announce, ready): (Vec<_>, Vec<_>) =
        plan.state.members.iter().map(|_| oneshot::channel()).map(|(a, r)| (Some(a), r)).unzip();
    let client = lxd.client().await;
    let (instances, timeline, evidence) = (instances(plan), Timeline::new(dir, Clock::start()), Evidence::new(dir));
    let progress = Progress::new(dir);
    let cluster = Forming {
        client: &client,
        plan,
        instances: &instances,
        timeline: &timeline,
        evidence: &evidence,
        progress: &progress,
    };
    let forming = cluster.form(ready);
    let announcing = async {
        for n in order {
            // The formation may have failed already.
            let _ = announce[*n].take().expect("announced once").send(());
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(forming, announcing).0
}

/// All text of the evidence.
fn evidence(dir: &Path) -> String {
    let folders = std::fs::read_dir(dir).expect("evidence").map(|entry| entry.expect("an entry").path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|path| std::fs::read_dir(path).expect("a folder"));
    files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text")).collect()
}

/// Fails when a text holds what only a token holds.
fn assert_no_token(plan: &Plan, text: &str) {
    for member in plan.joiners() {
        assert!(!text.contains(&token(&member.name)), "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn the_first_member_bootstraps_and_the_others_join_in_order_whichever_is_ready_first(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9)] release: Release,
) {
    let plan = plan(Formation::Cli);
    let (lxd, told) = members_of(release, |_, _| Ended::default());
    let dir = tempfile::tempdir().expect("a folder");
    formed(&lxd, &plan, &[3, 1, 2, 0], dir.path()).await.expect("formed");
    let [first, second, third, fourth] =
        plan.state.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>()[..]
    else {
        panic!("four members")
    };
    let mut wanted = vec![format!("{first} cluster bootstrap")];
    wanted.extend([second, third, fourth].map(|joiner| format!("{first} cluster add {joiner}")));
    wanted.extend([second, third, fourth].map(|joiner| format!("{joiner} cluster join {}", token(joiner))));
    assert_eq!(*told.lock().expect("notes"), wanted);

    let text = evidence(dir.path());
    assert!(text.contains("$ microovn cluster add") && text.contains("[redacted join token]"), "{text}");
    assert_no_token(&plan, &text);
}

#[tokio::test]
async fn nobody_is_told_anything_before_it_is_ready() {
    let plan = plan(Formation::Cli);
    let (lxd, told) = members(|_, _| Ended::default());
    let dir = tempfile::tempdir().expect("a folder");
    let patience = Duration::from_millis(500);
    let waiting = tokio::time::timeout(patience, formed(&lxd, &plan, &[0, 2, 3], dir.path())).await;
    assert!(waiting.is_err(), "formed without the second member");
    let told = told.lock().expect("notes");
    assert!(told.iter().all(|line| line.starts_with(&plan.state.members[0].name)), "{told:?}");
}

#[tokio::test]
async fn nobody_joins_behind_a_member_that_failed_and_the_failure_shows_no_token() {
    let plan = plan(Formation::Cli);
    let second = plan.state.members[1].name.clone();
    let (failing, quoted) = (second.clone(), token(&second));
    let (lxd, told) = members(move |instance, _| {
        if instance == failing {
            return Ended { code: 7, stdout: String::new(), stderr: format!("cannot join with {quoted}\n") };
        }
        Ended::default()
    });
    let dir = tempfile::tempdir().expect("a folder");
    let error = formed(&lxd, &plan, &[0, 1, 2, 3], dir.path()).await.expect_err("a failure");
    assert_eq!(
        chain(&error),
        format!("`microovn cluster join` on {second:?} exited with 7: cannot join with [redacted join token]")
    );
    let told = told.lock().expect("notes");
    assert!(told.last().expect("commands").starts_with(&format!("{second} cluster join ")), "{told:?}");
    let text = evidence(dir.path());
    assert!(text.contains("exit code: 7"), "{text}");
    assert_no_token(&plan, &text);
}

#[tokio::test]
async fn a_bootstrap_that_issues_no_token_is_what_failed() {
    // In a dialog without questions the bootstrap member prints nothing, so no token either.
    let plan = plan(Formation::DialogPiped);
    let (lxd, told) = members(|_, _| Ended::default());
    let dir = tempfile::tempdir().expect("a folder");
    let error = formed(&lxd, &plan, &[0, 1, 2, 3], dir.path()).await.expect_err("a failure");
    let [first, second, ..] = plan.state.members.as_slice() else { panic!("four members") };
    let ClusterError::NoToken { bootstrap, member } = &error else { panic!("{}", chain(&error)) };
    assert_eq!((bootstrap, member), (&first.name, &second.name));
    assert_eq!(*told.lock().expect("notes"), [format!("{} init", first.name)]);
}

#[tokio::test]
async fn a_dialog_that_ends_with_an_exit_code_is_no_success() {
    let plan = plan(Formation::DialogPiped);
    let (lxd, _) = members(|_, _| Ended { code: 3, ..Ended::default() });
    let dir = tempfile::tempdir().expect("a folder");
    let error = formed(&lxd, &plan, &[0, 1, 2, 3], dir.path()).await.expect_err("a failure");
    let ClusterError::DialogExit { member, code, .. } = &error else { panic!("{}", chain(&error)) };
    assert_eq!((member, *code), (&plan.state.members[0].name, 3));
}
