//! Every call takes what comes back, at once or by an operation, and fails with the same kind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rstest::rstest;
use testkit::lxd::{
    Client, Error, ErrorKind, Exec, FileSpec, InstanceSource, InstanceSpec, NetworkPut, NetworkSpec, ProfileSpec,
    ProjectSpec, StateAction, StateChange, StoragePoolPut, StoragePoolSpec,
};

use crate::chain;
use crate::fake_lxd::release::{Release, error_within};
use crate::fake_lxd::{Act, FakeLxd, OPERATION, accepted, operation, refusal, sync};

/// Far longer than anything here takes, also on a host that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// For what never ends. What comes before the deadline has that long to come.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes the call that this was recorded of.
async fn call(client: &Client, name: &str) -> Result<(), Error> {
    let instance = InstanceSpec::container("rec-a", InstanceSource::None);
    let project = ProjectSpec { name: "rec2".into(), config: [].into(), description: String::new() };
    let pool = StoragePoolSpec::new("recpool", "dir");
    let put = NetworkPut { config: [].into(), description: String::new() };
    match name {
        "network-create" | "network-create-again" | "network-create-long-name" | "network-create-bad-address" => {
            client.create_network(&NetworkSpec::bridge("recbr0", [].into())).await
        }
        "network-put" => client.update_network("recbr0", &put, None).await,
        "network-put-stale-etag" => client.update_network("recbr0", &put, Some("stale")).await,
        "network-patch" => client.patch_network("recbr0", [].into()).await,
        "network-delete" | "network-delete-in-use" | "network-delete-missing" => client.delete_network("recbr0").await,
        "storage-pool-create" | "storage-pool-create-again" | "storage-pool-create-bad-driver" => {
            client.create_storage_pool(&pool).await
        }
        "storage-pool-delete" | "storage-pool-delete-in-use" | "storage-pool-delete-missing" => {
            client.delete_storage_pool("recpool").await
        }
        "storage-pool-put" | "storage-pool-put-stale-etag" => {
            let put = StoragePoolPut { config: [].into(), description: String::new() };
            client.update_storage_pool("recpool", &put, Some("a")).await
        }
        "project-create" | "project-create-again" => client.create_project(&project).await,
        "project-delete" | "project-delete-missing" | "project-delete-not-empty" => client.delete_project("rec2").await,
        "profile-create" | "profile-create-again" => client.create_profile(&ProfileSpec::new("p1")).await,
        "profile-put" | "profile-put-bad" | "profile-put-stale-etag" => {
            client.update_profile(&ProfileSpec::new("p1"), Some("a")).await
        }
        "profile-delete" | "profile-delete-missing" => client.delete_profile("p1").await,
        "instance-copy" | "instance-create-exists" | "instance-create-missing-source" => {
            client.create_instance(&instance, PATIENCE).await
        }
        "instance-start" | "instance-start-missing" => client.start_instance("rec-a", PATIENCE).await,
        "instance-stop" | "instance-stop-stopped" => {
            let change = StateChange { action: StateAction::Stop, force: true, timeout: None };
            client.set_state("rec-a", change, PATIENCE).await
        }
        "instance-delete" | "instance-delete-missing" | "instance-delete-running" => {
            client.delete_instance("rec-a", PATIENCE).await
        }
        "exec-missing-command" => client.exec_recorded("rec-a", &Exec::new(["/nosuch"])).await.map(drop),
        "file-get-missing" => client.pull_file("rec-a", "/nosuch").await.map(drop),
        "file-delete-missing" => client.delete_file("rec-a", "/root/x").await,
        "operation-wait-unknown" => client.wait_operation(OPERATION, PATIENCE).await.map(drop),
        other => panic!("no call is known for {other}"),
    }
}

/// What a call ends in, whichever way it is answered; `None` for well.
fn expected(name: &str) -> Option<fn(&ErrorKind) -> bool> {
    use ErrorKind::{AlreadyExists, Api, EtagConflict, InUse, NotFound, OperationFailed, OperationLost};
    let kind: fn(&ErrorKind) -> bool = match name {
        "network-create-again"
        | "storage-pool-create-again"
        | "project-create-again"
        | "profile-create-again"
        | "instance-create-exists" => |kind| *kind == AlreadyExists,
        "network-delete-in-use" | "storage-pool-delete-in-use" | "project-delete-not-empty" => |kind| *kind == InUse,
        "network-put-stale-etag" | "storage-pool-put-stale-etag" | "profile-put-stale-etag" => {
            |kind| *kind == EtagConflict
        }
        "instance-create-missing-source" | "instance-start-missing" | "file-get-missing" => |kind| *kind == NotFound,
        "operation-wait-unknown" => |kind| *kind == OperationLost,
        "network-create-long-name"
        | "network-create-bad-address"
        | "storage-pool-create-bad-driver"
        | "storage-pool-put"
        | "profile-put-bad"
        | "instance-stop-stopped"
        | "instance-delete-running"
        | "exec-missing-command" => |kind| matches!(kind, Api | OperationFailed),
        // A deletion of what is not there is well.
        _ => return None,
    };
    Some(kind)
}

#[rstest]
#[tokio::test]
async fn every_call_takes_what_comes_back_and_fails_with_the_same_kind(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    // What is no call of the client, or depends on what was said before; tested for itself.
    let others = [
        "exec-false-record",
        "operation-wait-timeout",
        "instance-create-missing-image",
        "profile-patch",
        "storage-pool-create-bad-size",
        "storage-volume-create",
        "storage-volume-delete",
    ];
    let mut operations = 0;
    for name in release.recorded().into_keys().filter(|name| !others.contains(&name.as_str())) {
        let recorded = release.recorded();
        let verb = recorded[&name].request.split(' ').next().expect("a verb").to_owned();
        operations += usize::from(recorded[&name].is_operation());
        let asked = name.clone();
        let fake = FakeLxd::serve(move |line, _| match line {
            line if line.contains("/wait") && asked != "operation-wait-unknown" => recorded[&asked].wait(),
            line if line.starts_with(&verb) => recorded[&asked].reply(),
            _ => refusal(404, "not asked for"),
        });
        let ended = call(&fake.client().await, &name).await;
        match (expected(&name), &ended) {
            (None, Ok(())) => {}
            (Some(is_it), Err(error)) if is_it(error.kind()) => {}
            _ => panic!("{name}: {ended:?}"),
        }
    }
    assert!(operations > if release == Release::V6_9 { 20 } else { 4 }, "{operations} became operations");
}

/// Serves a creation whose operation is waited for more often than one wait lasts.
fn slow(release: Release, waits: usize, failed: Option<(u16, String)>) -> FakeLxd {
    let asked = AtomicUsize::new(0);
    let url = "/1.0/instances/a";
    FakeLxd::serve(move |line, _| {
        let ended = asked.load(Ordering::Relaxed) > waits;
        match line {
            line if line.starts_with("POST ") => release.accepted(0, url),
            line if line.contains("/wait") => match asked.fetch_add(1, Ordering::Relaxed) < waits {
                // As one wait lasts, which is not asked for again at once.
                true => Act::Later(Duration::from_millis(100), Box::new(release.wait_timed_out(0, url))),
                false => release.waited(0, url, failed.as_ref()),
            },
            line if line.starts_with("GET /1.0/operations/") && !ended => {
                sync(&release.operation(0, url, ("Running", 103), "").to_string())
            }
            line if line.starts_with("GET /1.0/operations/") => {
                sync(&release.operation(0, url, ("Failure", 400), "it failed").to_string())
            }
            _ => refusal(404, "no"),
        }
    })
}

#[rstest]
#[tokio::test]
async fn an_operation_may_take_longer_than_one_wait(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let fake = slow(release, 3, None);
    let spec = InstanceSpec::container("a", InstanceSource::None);
    fake.client().await.create_instance(&spec, PATIENCE).await.unwrap_or_else(|error| panic!("{}", chain(&error)));

    let fake = slow(release, usize::MAX, None);
    let client = fake.client().await;
    let ended = tokio::time::timeout(PATIENCE, client.create_instance(&spec, DEADLINE)).await;
    let error = ended.expect("an end at the deadline").expect_err("never ends");
    assert!(error.is_timeout() && error.to_string().contains("Running"), "{error}");
}

#[rstest]
#[tokio::test]
async fn an_operation_that_fails_in_the_words_of_a_wait_has_failed(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let fake = slow(release, 0, Some((500, "context deadline exceeded".to_owned())));
    let spec = InstanceSpec::container("a", InstanceSource::None);
    let error = fake.client().await.create_instance(&spec, PATIENCE).await.expect_err("it failed");
    assert_eq!(*error.kind(), ErrorKind::OperationFailed, "{error}");
    assert!(error.is_of_operation() && error.to_string().contains("context deadline exceeded"), "{error}");
}

#[tokio::test]
async fn a_404_within_a_success_is_the_operations_and_http_404_is_that_it_is_not_known() {
    let spec = InstanceSpec::container("a", InstanceSource::None);
    for (status, lost) in [(200, false), (404, true)] {
        let fake = FakeLxd::serve(move |line, _| match line {
            line if line.starts_with("POST ") => accepted("null"),
            _ => error_within(status, 404, "Image not found"),
        });
        let error = fake.client().await.create_instance(&spec, PATIENCE).await.expect_err("it failed");
        let wanted = if lost { ErrorKind::OperationLost } else { ErrorKind::NotFound };
        assert_eq!(*error.kind(), wanted, "{error}");
    }
}

#[rstest]
#[tokio::test]
async fn a_deletion_whose_operation_misses_something_else_is_not_taken_for_gone(
    #[values("networks", "storage-pools", "projects")] kind: &'static str,
) {
    let there = r#"{"name":"n"}"#;
    let fake = FakeLxd::serve(move |line, _| match line {
        line if line.starts_with("DELETE ") => accepted("null"),
        line if line.contains("/wait") => error_within(200, 404, "Storage volume not found"),
        _ => sync(there),
    });
    let client = fake.client().await;
    let error = match kind {
        "networks" => client.delete_network("n").await,
        "storage-pools" => client.delete_storage_pool("n").await,
        _ => client.delete_project("n").await,
    };
    assert!(error.expect_err("it is there").is_not_found());
}

#[rstest]
#[tokio::test]
async fn recorded_output_is_read_and_removed_wherever_the_release_has_it(
    #[values(Release::V5_0_2, Release::V5_21_7, Release::V6_9, Release::Incus6_0_4, Release::Incus7_0_2)]
    release: Release,
) {
    let fake = FakeLxd::serve(move |line, _| {
        let exchange = &release.recorded()["exec-false-record"];
        let deeper = if release == Release::V5_0_2 { "" } else { "exec-output/" };
        match line {
            line if line.starts_with("POST ") => exchange.reply(),
            line if line.contains("/wait") => exchange.wait(),
            line if line.starts_with("DELETE ") => sync("{}"),
            line if line.starts_with(&format!("GET /1.0/instances/rec-a/logs/{deeper}exec_")) => {
                let end = if line.contains(".stdout") { "out\n" } else { "err\n" };
                Act::Answer(200, "", end.to_owned())
            }
            _ => refusal(404, "no"),
        }
    });
    let output = fake.client().await.exec_recorded("rec-a", &Exec::new(["sh"])).await;
    let output = output.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((output.exit_code, &*output.stdout, &*output.stderr), (3, &b"out\n"[..], &b"err\n"[..]));
    assert_eq!(fake.count("DELETE /1.0/instances/rec-a/logs/"), 2, "recorded output stays");
}

#[rstest]
#[case::lxd(Release::V6_9, "x-lxd-")]
#[case::incus(Release::Incus6_0_4, "x-incus-")]
#[tokio::test]
async fn what_the_bytes_are_is_said_and_understood_in_the_daemons_own_headers(
    #[case] release: Release,
    #[case] prefix: &'static str,
) {
    let fake = FakeLxd::serve_whole(move |line, _| match line {
        "GET /1.0" => release.server(),
        line if line.starts_with("GET ") && line.contains("/files") => {
            let named = [("type", "file"), ("uid", "7"), ("gid", "8"), ("mode", "0640")];
            let headers: String = named.iter().map(|(name, value)| format!("{prefix}{name}: {value}\r\n")).collect();
            Act::Answer(200, headers.leak(), "content".to_owned())
        }
        line if line.contains("/wait") => sync(&operation("Success", 200, r#"{"fingerprint":"f"}"#, "")),
        line if line.starts_with("POST /1.0/images") => accepted("null"),
        _ => sync("{}"),
    });
    let client = fake.client().await;
    assert_eq!(client.server().daemon(), release.daemon());

    let file = client.pull_file("a", "/etc/x").await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((file.uid, file.gid, file.mode), (7, 8, 0o640));
    client.push_file("a", "/etc/x", &FileSpec::new("x").mode(0o600)).await.expect("pushed");
    let headers = fake.headers("POST /1.0/instances/a/files");
    for (name, value) in [("type", "file"), ("write", "overwrite"), ("uid", "0"), ("gid", "0"), ("mode", "0600")] {
        assert_eq!(headers.get(&format!("{prefix}{name}")).map(String::as_str), Some(value), "{name}: {headers:?}");
    }

    let dir = tempfile::tempdir().expect("a folder");
    let part = dir.path().join("part");
    std::fs::write(&part, "x").expect("a file");
    let properties = [("os".to_owned(), "a".to_owned())].into();
    client
        .import_split(&part, &part, &properties, &[], PATIENCE)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(fake.headers("POST /1.0/images")[&format!("{prefix}properties")], "os=a");
}

#[rstest]
#[case::lxd(Release::V6_9, "LXD")]
#[case::incus(Release::Incus6_0_4, "Incus")]
#[tokio::test]
async fn an_error_names_who_answered(#[case] release: Release, #[case] name: &str) {
    let fake = FakeLxd::serve_whole(move |line, _| match line {
        "GET /1.0" => release.server(),
        line if line.contains("/wait") => refusal(404, "Operation not found"),
        line if line.starts_with("POST ") => accepted("null"),
        line if line.contains("/networks") => Act::Hangup,
        _ => refusal(500, "boom"),
    });
    let client = fake.client().await;
    let spec = InstanceSpec::container("a", InstanceSource::None);
    for (error, says) in [
        (client.get_instance("a").await.map(drop), "refused (500: boom)"),
        (client.list_networks().await.map(drop), "does not answer"),
        (client.create_instance(&spec, PATIENCE).await, "no longer knows the operation"),
        (client.require_extensions(&["nothing_has_it"]), "lacks the API extensions nothing_has_it"),
    ] {
        let error = error.expect_err("refused");
        assert_eq!(error.daemon(), release.daemon());
        assert!(
            error.to_string().contains(&format!("{name} {says}"))
                || error.to_string().contains(&format!("{name} {} {says}", release.version())),
            "{error}"
        );
    }
}
