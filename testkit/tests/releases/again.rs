//! What LXD never began with is asked for again, and told of; what may have begun is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use testkit::lxd::{Client, Exec, FileSpec};

use crate::fake_lxd::release::error_within;
use crate::fake_lxd::{Act, FakeLxd, Then, accepted, frame, operation, refusal, sync};

const FORKFILE: &str = "error receiving version packet from server: server unexpectedly closed connection: read unix \
                        @->/var/snap/lxd/common/lxd/run/a/forkfile.sock: read: connection reset by peer";

/// A client that notes what it does again.
async fn noting(fake: &FakeLxd) -> (Client, Arc<Mutex<Vec<String>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&notes);
    let note = move |attempt: &str, said: &str| noted.lock().expect("notes").push(format!("{attempt}: {said}"));
    (fake.client().await.noting(note), notes)
}

#[rstest]
#[case::reset(FORKFILE)]
#[case::refused("dial unix /var/lib/lxd/containers/a/forkfile.sock: connect: connection refused")]
#[tokio::test]
async fn a_file_that_lxd_never_began_with_is_pushed_again(#[case] text: &'static str) {
    let fake = FakeLxd::serve(move |_, before| if before < 2 { refusal(500, text) } else { sync("{}") });
    let (client, notes) = noting(&fake).await;
    client.push_file("a", "/etc/x", &FileSpec::new("x")).await.expect("pushed");
    assert_eq!(fake.count("POST "), 3);
    let notes = notes.lock().expect("notes");
    assert!(notes.len() == 2 && notes[0].starts_with("push file \"/etc/x\"") && notes[0].contains(text), "{notes:?}");
}

#[tokio::test]
async fn a_file_that_lxd_refuses_is_not_pushed_again() {
    let fake = FakeLxd::serve(|_, _| refusal(500, "No space left on device"));
    let (client, notes) = noting(&fake).await;
    client.push_file("a", "/etc/x", &FileSpec::new("x")).await.expect_err("refused");
    assert_eq!((fake.count("POST "), notes.lock().expect("notes").len()), (1, 0));
}

/// How the first of two commands does not begin.
#[derive(Clone, Copy, Debug)]
enum First {
    /// A socket is refused.
    Refused(u16, &'static str),
    /// LXD cuts the sockets, and its operation has failed.
    Failed(u16, &'static str),
}

/// Serves a command that does not begin the first time.
fn second_time(first: First) -> FakeLxd {
    let posts = Mutex::new(0);
    FakeLxd::serve(move |line, _| {
        let mut posts = posts.lock().expect("posts");
        if line.starts_with("POST ") {
            *posts += 1;
            return accepted(r#"{"fds":{"0":"s0","1":"s1","2":"s2","control":"sc"}}"#);
        }
        let end = |secret: &str| line.contains(&format!("secret={secret}"));
        match first {
            First::Refused(code, text) if *posts == 1 && end("s2") => refusal(code, text),
            First::Failed(..) if *posts == 1 && (end("s1") || end("s2")) => Act::WebSocket(Vec::new(), Then::Cut),
            First::Failed(code, text) if *posts == 1 && line.contains("/wait") => error_within(200, code, text),
            _ if end("s1") => Act::WebSocket(vec![frame(2, b"out"), frame(1, b"")], Then::Stay),
            _ if end("s2") => Act::WebSocket(vec![frame(1, b"")], Then::Stay),
            _ if end("s0") || end("sc") => Act::WebSocket(Vec::new(), Then::Stay),
            _ => sync(&operation("Success", 200, r#"{"return":0}"#, "")),
        }
    })
}

#[rstest]
#[case::not_running(First::Refused(400, "Only running operations can be connected"))]
#[case::forgotten(First::Refused(404, "Operation not found"))]
#[case::timed_out(First::Failed(400, "Timed out waiting for websockets to connect"))]
#[case::spelt_otherwise(First::Failed(500, "timed out waiting"))]
#[tokio::test]
async fn a_command_that_lxd_never_began_is_begun_again(#[case] first: First) {
    let fake = second_time(first);
    let (client, notes) = noting(&fake).await;
    let output = client.exec("a", &Exec::new(["cat"]).timeout(Duration::from_secs(60))).await.expect("it ran");
    assert_eq!((output.stdout_text().as_str(), fake.count("POST ")), ("out", 2));
    assert_eq!(notes.lock().expect("notes").len(), 1);
}

#[rstest]
#[case::refused_for_ever(First::Refused(403, "not your operation"))]
#[case::broken_while_it_ran(First::Failed(400, "Failed to retrieve PID of executing child process"))]
#[tokio::test]
async fn a_command_that_may_have_begun_is_not_begun_again(#[case] first: First) {
    let fake = second_time(first);
    let (client, notes) = noting(&fake).await;
    client.exec("a", &Exec::new(["cat"]).timeout(Duration::from_secs(60))).await.expect_err("failed");
    assert_eq!((fake.count("POST "), notes.lock().expect("notes").len()), (1, 0));
}

#[tokio::test]
async fn a_command_that_never_begins_ends_at_its_deadline() {
    let fake = FakeLxd::serve(|line, _| match line {
        line if line.starts_with("POST ") => accepted(r#"{"fds":{"0":"s0","1":"s1","2":"s2","control":"sc"}}"#),
        _ => refusal(400, "Only running operations can be connected"),
    });
    let client = fake.client().await;
    // Long enough for a host that is busy with other tests to come to the second try.
    let exec = Exec::new(["cat"]).timeout(Duration::from_secs(10));
    let ended = tokio::time::timeout(Duration::from_secs(60), client.exec("a", &exec)).await;
    let error = ended.expect("an end at the deadline").expect_err("never begins");
    assert!(error.never_began() || error.is_timeout(), "{error}");
    assert!(fake.count("POST ") > 1, "tried once");
}
