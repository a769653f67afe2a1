//! What the client makes of an LXD that misbehaves: each fault has a name, ends in time, and says what was attempted.

#[expect(dead_code, reason = "a part of it is used here")]
mod fake_lxd;

use std::path::Path;
use std::time::{Duration, Instant};

use fake_lxd::{Act, FakeLxd, OPERATION, Then, accepted, frame, operation, refusal, sync};
use rstest::rstest;
use testkit::config::LxdTarget;
use testkit::host::Capacity;
use testkit::lxd::{
    Client, Endpoint, Error, ErrorKind, Exec, InstancePatch, InstanceSource, InstanceSpec, NetworkSpec,
};

/// Far longer than any of these faults may take to be reported, also on a host that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// For what never ends. What comes before the deadline has that long to come.
const DEADLINE: Duration = Duration::from_secs(10);

/// Runs a call that must fail in time and name what it attempted.
async fn failure<T: std::fmt::Debug>(attempt: &str, call: impl Future<Output = Result<T, Error>>) -> Error {
    let outcome = tokio::time::timeout(PATIENCE, call).await.expect("an end in time");
    let error = outcome.expect_err("a failure");
    assert!(error.to_string().starts_with(&format!("failed to {attempt}: ")), "{error}");
    error
}

fn spec() -> InstanceSpec {
    InstanceSpec::container("a", InstanceSource::ImageAlias("i".to_owned()))
}

fn is_protocol(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Protocol { .. })
}

#[tokio::test]
async fn connection_refused() {
    let dir = tempfile::tempdir().expect("directory");
    let socket = dir.path().join("lxd.socket");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("socket"));
    let attempt = format!("connect to LXD at {}", socket.display());
    let error = failure(&attempt, Client::connect(&Endpoint::Unix(socket))).await;
    assert!(error.is_unreachable() && error.to_string().contains("make setup"), "{error}");
}

#[test]
fn no_socket() {
    // Without a timer, whoever waited for a socket that is not there would panic.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let missing = Endpoint::Unix("/nowhere/lxd.socket".into());
    let error = runtime.block_on(Client::connect(&missing)).expect_err("a failure");
    assert!(error.to_string().starts_with("failed to connect to LXD at /nowhere/lxd.socket: "), "{error}");
    assert!(error.is_unreachable() && error.to_string().contains("make setup"), "{error}");
}

#[tokio::test]
async fn not_trusted() {
    // The fake always answers GET /1.0 well, so this one speaks for itself.
    let dir = tempfile::tempdir().expect("directory");
    let socket = dir.path().join("lxd.socket");
    let listener = tokio::net::UnixListener::bind(&socket).expect("socket");
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.expect("a client");
        let _ = stream.read(&mut [0; 4096]).await;
        let body = r#"{"type":"sync","metadata":{"auth":"untrusted","api_extensions":[]}}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    });
    let attempt = format!("connect to LXD at {}", socket.display());
    let error = failure(&attempt, Client::connect(&Endpoint::Unix(socket))).await;
    assert_eq!(*error.kind(), ErrorKind::Forbidden, "{error}");
}

#[rstest]
#[case::reset_in_the_middle_of_a_body(Act::CutBody)]
#[case::hangup(Act::Hangup)]
#[tokio::test]
async fn a_lost_connection_is_unreachable(#[case] act: Act) {
    let fake = FakeLxd::serve(move |_, _| act.clone());
    let error = failure("get instance \"a\"", fake.client().await.get_instance("a")).await;
    assert!(error.is_unreachable(), "{error:?}");
}

#[rstest]
#[case::server_error(refusal(500, "boom"), "500: boom")]
#[case::garbage(Act::Answer(200, "", "{nonsense".to_owned()), "{nonsense")]
#[case::unknown_reply_type(Act::Answer(200, "", r#"{"type":"later"}"#.to_owned()), "later")]
#[case::html(Act::Answer(502, "", "<html>Bad Gateway</html>".to_owned()), "<html>Bad Gateway</html>")]
#[case::missing_field(sync(r#"{"name":"a","status":"Running"}"#), r#"{\"name\":\"a\",\"status\":\"Running\"}"#)]
#[tokio::test]
async fn an_answer_that_is_none_is_quoted(#[case] act: Act, #[case] shown: &str) {
    let fake = FakeLxd::serve(move |_, _| act.clone());
    let error = failure("get instance \"a\"", fake.client().await.get_instance("a")).await;
    assert!(error.to_string().contains(shown), "{error}");
    assert_eq!(fake.count("GET /1.0/instances/a"), 1, "asked again for what was answered");
}

/// LXD takes no connection as long as one is open on which nothing was sent, so a caller must not get between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_sent_although_its_caller_is_held_up() {
    let fake = FakeLxd::serve(|_, _| sync("[]"));
    let client = fake.client().await;
    let held_up = async {
        let begun = Instant::now();
        while fake.count("GET /1.0/instances") == 0 && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        begun.elapsed()
    };
    let (asked, waited) = tokio::join!(client.list_instances(None), held_up);
    asked.expect("an answer");
    assert!(waited < PATIENCE, "nothing was sent while the caller was held up");
}

#[tokio::test]
async fn a_get_is_retried_after_a_lost_connection() {
    let fake = FakeLxd::serve(|_, before| if before < 2 { Act::Hangup } else { sync("[]") });
    assert!(fake.client().await.list_instances(None).await.expect("an answer").is_empty());
    assert_eq!(fake.count("GET /1.0/instances"), 3);
}

#[tokio::test]
async fn a_get_is_retried_while_lxd_starts() {
    let fake = FakeLxd::serve(|_, before| if before < 1 { refusal(503, "starting") } else { sync("[]") });
    assert!(fake.client().await.list_instances(None).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn an_inventory_that_lost_a_file_is_asked_for_again() {
    let trouble = "read /sys/class/block/vda/dev: bad file descriptor";
    let resources = r#"{"cpu":{"total":2},"memory":{"used":1,"total":4}}"#;
    let fake = FakeLxd::serve(move |_, before| if before < 2 { refusal(500, trouble) } else { sync(resources) });
    assert_eq!(fake.client().await.get_resources().await.expect("an answer").cpu.total, 2);

    let fake = FakeLxd::serve(move |_, _| refusal(500, trouble));
    let error = failure("get the resources of the LXD host", fake.client().await.get_resources()).await;
    assert!(error.to_string().contains(trouble), "{error}");
}

#[tokio::test]
async fn an_lxd_on_this_host_is_not_asked_what_the_host_has() {
    let fake = FakeLxd::serve(|_, _| sync(r#"{"cpu":{"total":3},"memory":{"used":1,"total":4}}"#));
    let client = fake.client().await;
    let local = LxdTarget::Local { socket: None, dir: None, daemon: None };
    Capacity::of(&local, &client).await.expect("the kernel's answer");
    assert_eq!(fake.count("GET /1.0/resources"), 0);

    let (client_cert, client_key, server_cert) = Default::default();
    let remote = LxdTarget::Remote { url: String::new(), client_cert, client_key, server_cert };
    let capacity = Capacity::of(&remote, &client).await.expect("LXD's answer");
    assert_eq!(capacity, Capacity { memory: 3, processors: 3 });
}

#[tokio::test]
async fn a_post_is_not_retried() {
    let fake = FakeLxd::serve(|_, _| Act::Hangup);
    let client = fake.client().await;
    let error = failure("create network \"n\"", client.create_network(&NetworkSpec::bridge("n", [].into()))).await;
    assert!(error.is_unreachable(), "{error:?}");
    assert_eq!(fake.count("POST"), 1);
}

#[tokio::test]
async fn an_etag_conflict() {
    let fake = FakeLxd::serve(|_, _| refusal(412, "ETag doesn't match"));
    let client = fake.client().await;
    let error = failure("patch instance \"a\"", client.patch_instance("a", &InstancePatch::default(), Some("x"))).await;
    assert!(error.is_etag_conflict() && error.code() == Some(412), "{error:?}");
}

#[tokio::test]
async fn an_operation_that_never_ends_is_cancelled_and_named_with_its_last_status() {
    let fake = FakeLxd::serve(|line, _| match line {
        "POST /1.0/instances" => accepted("null"),
        line if line.contains("/wait") => Act::Silence,
        _ => refusal(400, "This operation can't be cancelled"),
    });
    let client = fake.client().await;
    let error = failure("create instance \"a\"", client.create_instance(&spec(), DEADLINE)).await;
    let ErrorKind::Timeout { last_seen, after } = error.kind() else { panic!("{error:?}") };
    assert_eq!(*last_seen, format!("operation {OPERATION} (Creating instance) Running"));
    assert_eq!(fake.count(&format!("DELETE /1.0/operations/{OPERATION}")), 1);
    assert!(*after >= DEADLINE, "{after:?}");
}

#[rstest]
#[case::still_running(operation("Running", 103, "null", ""), Duration::from_millis(1500), false)]
#[case::ended(operation("Success", 200, "null", ""), PATIENCE, true)]
#[tokio::test]
async fn an_operation_is_asked_for_until_its_deadline(
    #[case] state: String,
    #[case] deadline: Duration,
    #[case] ends: bool,
) {
    let fake = FakeLxd::serve(move |line, before| match line {
        "POST /1.0/instances" => accepted("null"),
        line if line.contains("/wait") && before > 2 => sync(&state),
        line if line.contains("/wait") => sync(&operation("Running", 103, "null", "")),
        _ => refusal(404, "no"),
    });
    let outcome = fake.client().await.create_instance(&spec(), deadline).await;
    assert_eq!(outcome.is_ok(), ends, "{outcome:?}");
    assert!(outcome.err().is_none_or(|error| error.is_timeout()));
}

#[rstest]
#[case::failed(400, "Failed to run: boom", ErrorKind::OperationFailed)]
#[case::duplicate(400, "Instance \\\"a\\\" already exists", ErrorKind::AlreadyExists)]
#[case::no_image(400, "Image not found", ErrorKind::NotFound)]
#[case::cancelled(401, "", ErrorKind::OperationFailed)]
#[tokio::test]
async fn an_operation_that_fails_says_why(#[case] code: u16, #[case] err: &'static str, #[case] kind: ErrorKind) {
    let fake = FakeLxd::serve(move |line, _| match line {
        "POST /1.0/instances" => accepted("null"),
        _ => sync(&operation("Failure", code, "null", err)),
    });
    let error = failure("create instance \"a\"", fake.client().await.create_instance(&spec(), PATIENCE)).await;
    assert_eq!(*error.kind(), kind, "{error}");
    assert!(error.to_string().contains(&err.replace('\\', "")), "{error}");
}

#[rstest]
#[case::it_stops("shutting down the container failed", 2, Duration::from_secs(30), true)]
#[case::it_runs_on("shutting down the container failed", usize::MAX, Duration::from_secs(2), false)]
#[case::it_was_never_asked("no such container", 2, Duration::from_secs(30), false)]
#[tokio::test]
async fn a_shutdown_that_lxd_lost_sight_of_ends_when_the_instance_has_stopped(
    #[case] why: &'static str,
    #[case] looks: usize,
    #[case] deadline: Duration,
    #[case] stops: bool,
) {
    let fake = FakeLxd::serve(move |line, before| match line {
        "PUT /1.0/instances/a/state" => accepted("null"),
        "GET /1.0/instances/a/state" => {
            let status = if before < looks { "Running" } else { "Stopped" };
            sync(&format!(r#"{{"status":"{status}","network":null,"pid":0,"memory":{{}},"cpu":{{"usage":0}}}}"#))
        }
        _ => sync(&operation("Failure", 400, "null", why)),
    });
    let ended = fake.client().await.shut_down_instance("a", deadline).await;
    match ended {
        Ok(()) => assert!(stops),
        Err(error) => assert!(!stops && error.to_string().contains(why), "{error}"),
    }
}

#[rstest]
#[case::once(1, true)]
#[case::for_ever(usize::MAX, false)]
#[tokio::test]
async fn a_wait_that_is_answered_with_nothing_is_made_again(#[case] times: usize, #[case] ends: bool) {
    let fake = FakeLxd::serve(move |line, before| match line {
        "POST /1.0/instances" => accepted("null"),
        _ if before < times => sync("null"),
        _ => sync(&operation("Success", 200, "null", "")),
    });
    let client = fake.client().await;
    let created = client.create_instance(&spec(), PATIENCE).await;
    match created {
        Ok(()) => assert!(ends),
        Err(error) => assert!(!ends && is_protocol(&error), "{error}"),
    }
}

#[tokio::test]
async fn an_operation_that_lxd_forgot_is_not_taken_for_gone() {
    let fake = FakeLxd::serve(|line, _| match line {
        "DELETE /1.0/instances/a" => accepted("null"),
        _ => refusal(404, "Operation not found"),
    });
    let error = failure("delete instance \"a\"", fake.client().await.delete_instance("a", PATIENCE)).await;
    assert_eq!(*error.kind(), ErrorKind::OperationLost, "{error}");
}

#[tokio::test]
async fn a_delete_whose_operation_misses_something_is_not_taken_for_gone() {
    let there = r#"{"name":"a","status":"Stopped","type":"container","config":{},"devices":{}}"#;
    let fake = FakeLxd::serve(move |line, _| match line {
        "DELETE /1.0/instances/a" => accepted("null"),
        "GET /1.0/instances/a" => sync(there),
        _ => sync(&operation("Failure", 400, "null", "Storage volume not found")),
    });
    let error = failure("delete instance \"a\"", fake.client().await.delete_instance("a", PATIENCE)).await;
    assert!(error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn a_stuck_server_meets_the_deadline() {
    let fake = FakeLxd::serve(|_, _| Act::Silence);
    let client = fake.client().await;
    let wait = client.wait_operation(OPERATION, Duration::from_millis(500));
    let error = failure(&format!("wait for operation {OPERATION}"), wait).await;
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn an_upload_of_what_is_not_there_is_not_sent() {
    let fake = FakeLxd::serve(|_, _| refusal(500, "unexpected"));
    let client = fake.client().await;
    let nowhere = Path::new("/nowhere/rootfs");
    let properties = [].into();
    let import = client.import_split(nowhere, nowhere, &properties, &[], PATIENCE);
    let error = failure("import image from \"/nowhere/rootfs\"", import).await;
    assert_eq!((error.kind(), fake.count("POST")), (&ErrorKind::Invalid, 0), "{error}");
}

/// Serves a command whose stdout does as told and whose operation ends as told.
fn running(stdout: (Vec<Vec<u8>>, Then), end: Option<String>) -> FakeLxd {
    FakeLxd::serve(move |line, _| {
        let socket = |secret: &str| line.contains(&format!("secret={secret}"));
        match line {
            "POST /1.0/instances/a/exec" => {
                accepted(r#"{"fds":{"0":"s0","1":"s1","2":"s2","control":"sc"},"command":["SECRET"]}"#)
            }
            _ if socket("s1") => Act::WebSocket(stdout.0.clone(), stdout.1),
            _ if socket("s2") => Act::WebSocket(vec![frame(1, b"")], Then::Stay),
            _ if socket("s0") || socket("sc") => Act::WebSocket(Vec::new(), Then::Stay),
            line if line.contains("/wait") => end.as_deref().map_or(Act::Silence, sync),
            _ => refusal(404, "no"),
        }
    })
}

async fn exec(fake: &FakeLxd, exec: Exec) -> Error {
    let error = failure("run \"cat\" in instance \"a\"", fake.client().await.exec("a", &exec)).await;
    assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
    error
}

/// With time enough for a host that is busy with other tests.
fn cat() -> Exec {
    Exec::new(["cat", "SECRET"]).timeout(PATIENCE * 2)
}

#[tokio::test]
async fn a_command_on_pipes_that_is_ended_is_killed_before_its_sockets_go() {
    let fake = running((Vec::new(), Then::Stay), Some(operation("Success", 200, r#"{"return":137}"#, "")));
    let pipes = fake.client().await.exec_pipes("a", &cat()).await.expect("started");
    tokio::time::timeout(PATIENCE, pipes.end()).await.expect("an end in time");
    let told = async {
        while fake.count(r#"{"command":"signal","signal":9}"#) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("a signal");
    assert!(fake.count("GET /1.0/operations/") > 4, "nobody waited for its end");
}

#[tokio::test]
async fn exec_whose_output_is_cut_off_is_no_success() {
    let done = operation("Success", 200, r#"{"return":0}"#, "");
    let fake = running((vec![frame(2, b"half of it")], Then::Cut), Some(done));
    let error = exec(&fake, cat()).await;
    assert!(error.is_unreachable() && error.to_string().contains("stdout"), "{error}");
}

#[tokio::test]
async fn exec_whose_output_is_cut_inside_a_frame_is_no_success() {
    let half = frame(2, b"half of it")[..6].to_vec();
    let error = exec(&running((vec![half], Then::Cut), None), cat()).await;
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn exec_over_its_output_limit_is_refused() {
    let fake = running((vec![frame(2, &[b'x'; 600]), frame(2, &[b'x'; 600])], Then::Stay), None);
    let error = exec(&fake, cat().output_limit(1000)).await;
    assert_eq!(*error.kind(), ErrorKind::Truncated { limit: 1000 });
}

#[tokio::test]
async fn exec_whose_sockets_close_before_the_exit_code_ends_at_its_timeout() {
    let fake = running((vec![frame(2, b"out"), frame(8, &[3, 232])], Then::Cut), None);
    let error = exec(&fake, cat().timeout(DEADLINE)).await;
    let ErrorKind::Timeout { last_seen, after } = error.kind() else { panic!("{error:?}") };
    assert!(last_seen.contains("3 bytes of output"), "{last_seen}");
    assert!(*after >= DEADLINE, "{after:?}");
}

#[tokio::test]
async fn exec_that_ends_without_an_exit_code_is_no_success() {
    let done = operation("Success", 200, "null", "");
    let error = exec(&running((vec![frame(1, b"")], Then::Stay), Some(done)), cat()).await;
    assert!(is_protocol(&error), "{error:?}");
}

#[tokio::test]
async fn exec_that_offers_no_sockets_does_not_quote_its_arguments() {
    let fake = FakeLxd::serve(|_, _| accepted(r#"{"command":["SECRET"]}"#));
    assert!(is_protocol(&exec(&fake, cat()).await));
}

#[tokio::test]
async fn exec_whose_socket_is_refused_says_why() {
    let fake = FakeLxd::serve(|line, _| match line {
        "POST /1.0/instances/a/exec" => accepted(r#"{"fds":{"0":"s0","1":"s1","2":"s2","control":"sc"}}"#),
        _ => refusal(403, "not your operation"),
    });
    let error = exec(&fake, cat()).await;
    assert!(error.to_string().contains("not your operation"), "{error}");
}

#[tokio::test]
async fn exec_whose_sockets_close_behind_a_ping_keeps_its_output() {
    let frames = vec![frame(9, b"keepalive"), frame(2, b"out"), frame(1, b"")];
    let fake = running((frames, Then::Cut), Some(operation("Success", 200, r#"{"return":0}"#, "")));
    let output = fake.client().await.exec("a", &cat()).await.expect("output");
    assert_eq!(output.stdout, "out");
}
