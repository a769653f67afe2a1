//! The client against a real LXD, each test in a project of its own that it deletes.

mod real_lxd;

use std::time::{Duration, Instant};

use bytes::Bytes;
use real_lxd::{LONG, World, chain, connect, in_world};
use testkit::lxd::{
    AddressScope, Client, Config, Endpoint, ErrorKind, Exec, FileSpec, ImageRef, InstancePatch, InstanceSource,
    NetworkPut, NetworkSpec, ProfileSpec, PublishSpec,
};

#[tokio::test]
async fn the_server_says_what_it_is() {
    let client = connect().await;
    let server = client.server();
    assert!(!server.environment.server_version.is_empty());
    assert!(server.has_storage_driver("dir"));
    client
        .require_extensions(&["etag", "projects", "instances"])
        .expect("known extensions");
    let error = client
        .require_extensions(&["etag", "no_such_thing"])
        .expect_err("missing");
    assert!(
        error.to_string().contains("no_such_thing") && !error.to_string().contains("etag"),
        "{error}"
    );
}

#[tokio::test]
async fn an_instance_is_created_copied_started_changed_and_deleted() {
    in_world("life", |world: World| async move {
        let client = &world.client;
        assert!(client.find_instance("a").await.expect("asked").is_none());
        assert!(client.get_instance("a").await.expect_err("absent").is_not_found());
        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        let error = client
            .create_instance(&world.spec("a"), LONG)
            .await
            .expect_err("duplicate");
        assert!(error.is_already_exists(), "{}", chain(&error));
        let mut absent = world.spec("c");
        absent.source = InstanceSource::ImageAlias("no-such-alias".to_owned());
        let error = client.create_instance(&absent, LONG).await.expect_err("no image");
        assert!(
            error.to_string().starts_with("failed to create instance \"c\": "),
            "{}",
            chain(&error)
        );

        let mut copy = world.spec("b");
        copy.source = InstanceSource::Copy {
            instance: "a".to_owned(),
            project: Some(world.name.clone()),
        };
        copy.config.insert("user.owner".to_owned(), "b".to_owned());
        copy.start = true;
        client.create_instance(&copy, LONG).await.expect("copied and started");
        let names = |instances: Vec<testkit::lxd::Instance>| instances.into_iter().map(|i| i.name).collect::<Vec<_>>();
        assert_eq!(names(client.list_instances(None).await.expect("listed")), ["a", "b"]);
        let filtered = client
            .list_instances(Some("config.user.owner eq b"))
            .await
            .expect("listed");
        assert_eq!(names(filtered), ["b"]);

        let state = client.get_instance_state("b").await.expect("state");
        assert_eq!(state.status, "Running");
        assert!(state.pid > 0);
        assert!(
            client
                .exec("b", &Exec::new(["/bin/ifconfig", "lo", "127.0.0.1"]))
                .await
                .expect("ran")
                .success()
        );
        let state = client.get_instance_state("b").await.expect("state");
        let local = state.network["lo"]
            .addresses
            .iter()
            .find(|a| a.address.is_ipv4())
            .copied()
            .expect("loopback");
        assert_eq!(
            (local.address.to_string().as_str(), local.prefix, local.scope),
            ("127.0.0.1", 8, AddressScope::Local)
        );

        let patch = InstancePatch {
            config: Config::from([("user.k".to_owned(), "v".to_owned())]),
            ..Default::default()
        };
        client.patch_instance("b", &patch, None).await.expect("patched");
        let read = client.get_instance("b").await.expect("read");
        assert_eq!(read.value.config["user.k"], "v");
        assert!(read.value.is_running());

        assert!(!client.list_instance_logs("b").await.expect("logs").is_empty());
        client.get_instance_log("b", "lxc.log").await.expect("log");
        client.get_console_log("b").await.expect("console log");
        assert!(
            client.delete_instance("b", LONG).await.is_err(),
            "a running instance was deleted"
        );
        client.stop_instance("b", true, LONG).await.expect("stopped");
        client.start_instance("b", LONG).await.expect("started");
        client.delete_instance_forced("b", LONG).await.expect("deleted");
        client.delete_instance_forced("b", LONG).await.expect("gone already");
        client.delete_instance("b", LONG).await.expect("gone already");
    })
    .await;
}

#[tokio::test]
async fn an_update_of_what_changed_meanwhile_is_an_etag_conflict() {
    in_world("etag", |world: World| async move {
        let client = &world.client;
        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        let read = client.get_instance("a").await.expect("read");
        let mut put = read.value.to_put();
        put.config.insert("user.k".to_owned(), "1".to_owned());
        client
            .update_instance("a", &put, read.etag.as_deref(), LONG)
            .await
            .expect("updated");
        let error = client
            .update_instance("a", &put, read.etag.as_deref(), LONG)
            .await
            .expect_err("stale");
        assert!(error.is_etag_conflict(), "{}", chain(&error));
        assert_eq!(error.code(), Some(412));
        assert!(error.to_string().contains("update instance \"a\""), "{error}");
    })
    .await;
}

#[tokio::test]
async fn exec_keeps_outputs_apart_and_ends_commands_in_time() {
    in_world("exec", |world: World| async move {
        world.start("a").await;
        let client = &world.client;
        let output = world.sh("a", "echo out; echo err >&2; exit 7").await;
        assert_eq!(
            (output.exit_code, &*output.stdout, &*output.stderr),
            (7, &b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(world.sh("a", "exec >&- 2>&-; sleep 1; exit 3").await.exit_code, 3);

        let input: Bytes = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>().into();
        let output = client
            .exec("a", &Exec::new(["/bin/cat"]).stdin(input.clone()))
            .await
            .expect("cat");
        assert_eq!(output.stdout, input);
        let unread = client
            .exec("a", &Exec::new(["/bin/true"]).stdin(input))
            .await
            .expect("true");
        assert!(unread.success());
        let exec = Exec::new(["/bin/sh", "-c", "echo $K; pwd; id -u"])
            .env("K", "v w")
            .cwd("/tmp")
            .user(5, 5);
        assert_eq!(
            client.exec("a", &exec).await.expect("env").stdout_text(),
            "v w\n/tmp\n5\n"
        );

        let begun = Instant::now();
        let exec = Exec::new(["/bin/sleep", "987"]).timeout(Duration::from_secs(1));
        let error = client.exec("a", &exec).await.expect_err("timeout");
        assert!(error.is_timeout(), "{}", chain(&error));
        assert!(
            error
                .to_string()
                .starts_with("failed to run \"/bin/sleep\" in instance \"a\""),
            "{error}"
        );
        assert!(error.to_string().contains("killed"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(4));
        assert_eq!(
            world.sh("a", "pidof sleep").await.stdout_text(),
            "",
            "the command lives on"
        );

        let exec = Exec::new(["/bin/yes"]).output_limit(100_000);
        let error = client.exec("a", &exec).await.expect_err("too much");
        assert_eq!(
            *error.kind(),
            ErrorKind::Truncated { limit: 100_000 },
            "{}",
            chain(&error)
        );

        let recorded = Exec::new(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
        let output = client.exec_recorded("a", &recorded).await.expect("recorded");
        assert_eq!(
            (output.exit_code, &*output.stdout, &*output.stderr),
            (7, &b"out\n"[..], &b"err\n"[..])
        );
        let logs = client.list_instance_logs("a").await.expect("logs");
        assert!(
            !logs.iter().any(|log| log.starts_with("exec_")),
            "recorded output stays: {logs:?}"
        );

        let error = client.exec("a", &Exec::new(["/no/such"])).await;
        assert!(
            error.as_ref().map_or(true, |output| output.exit_code == 127),
            "{error:?}"
        );
        let error = client
            .exec("absent", &Exec::new(["/bin/true"]))
            .await
            .expect_err("no instance");
        assert!(error.is_not_found(), "{}", chain(&error));
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_caller_goes_away_is_killed() {
    in_world("drop", |world: World| async move {
        world.start("a").await;
        let client = world.client.clone();
        let task = tokio::spawn(async move { client.exec("a", &Exec::new(["/bin/sleep", "986"])).await });
        until(&world, "running", |pids| !pids.is_empty()).await;
        task.abort();
        until(&world, "killed", str::is_empty).await;

        let pty = world
            .client
            .exec_pty("a", &Exec::new(["/bin/sleep", "985"]), (80, 24))
            .await
            .expect("terminal");
        until(&world, "running", |pids| !pids.is_empty()).await;
        drop(pty);
        until(&world, "killed", str::is_empty).await;
    })
    .await;
}

/// Asks for the sleeping processes until they are as wanted.
async fn until(world: &World, wanted: &str, good: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let pids = world.sh("a", "pidof sleep").await.stdout_text();
        if good(pids.trim()) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "not {wanted}, sleeping: {pids:?}"
        );
    }
}

#[tokio::test]
async fn a_terminal_echoes_resizes_and_ends_with_its_exit_code() {
    in_world("pty", |world: World| async move {
        world.start("a").await;
        let exec = Exec::new(["/bin/sh"]).env("TERM", "dumb");
        let mut pty = world.client.exec_pty("a", &exec, (91, 31)).await.expect("terminal");
        let mut shown = String::new();
        pty.write(b"stty size\n").await.expect("typed");
        read_until(&mut pty, &mut shown, "31 91").await;
        assert!(shown.contains("stty size"), "no echo: {shown:?}");
        pty.resize(92, 32).await.expect("resized");
        // The size arrives over another socket than the keys: ask until it is there.
        let begun = Instant::now();
        while !shown.contains("32 92") {
            assert!(begun.elapsed() < LONG, "{shown:?}");
            pty.write(b"stty size; echo end\n").await.expect("typed");
            read_until(&mut pty, &mut shown, "\nend").await;
        }
        pty.write(b"exit 5\n").await.expect("typed");
        while pty.read().await.expect("read").is_some() {}
        assert_eq!(pty.wait(LONG).await.expect("ended"), 5);

        let pty = world
            .client
            .exec_pty("a", &Exec::new(["/bin/sleep", "984"]), (80, 24))
            .await
            .expect("terminal");
        let (reader, writer, mut control) = pty.split();
        control.signal(15).await.expect("signalled");
        drop((reader, writer));
        assert_eq!(control.wait(LONG).await.expect("ended"), 128 + 15);

        let pty = world
            .client
            .exec_pty("a", &Exec::new(["/bin/sleep", "983"]), (80, 24))
            .await
            .expect("terminal");
        let error = pty.wait(Duration::from_millis(500)).await.expect_err("timeout");
        assert!(error.is_timeout(), "{}", chain(&error));
    })
    .await;
}

async fn read_until(pty: &mut testkit::lxd::Pty, shown: &mut String, wanted: &str) {
    let from = shown.len();
    while !shown[from..].contains(wanted) {
        let piece = tokio::time::timeout(LONG, pty.read())
            .await
            .unwrap_or_else(|_| panic!("{shown:?}"));
        shown.push_str(&String::from_utf8_lossy(&piece.expect("read").expect("no end yet")));
    }
}

#[tokio::test]
async fn files_and_templates_arrive_as_given() {
    in_world("files", |world: World| async move {
        let client = &world.client;
        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        client
            .put_template("a", "name.tpl", Bytes::from_static(b"I am {{ container.name }}"))
            .await
            .expect("template");
        let mut metadata = client.get_instance_metadata("a").await.expect("metadata");
        metadata["templates"] = serde_json::json!({"/etc/name": {"when": ["start"], "template": "name.tpl"}});
        client.put_instance_metadata("a", &metadata).await.expect("metadata");
        client.start_instance("a", LONG).await.expect("started");
        assert_eq!(
            client.pull_file("a", "/etc/name").await.expect("rendered").content,
            "I am a"
        );

        let content: Bytes = vec![0, 255, b'\n'].into();
        let spec = FileSpec {
            uid: 12,
            gid: 34,
            ..FileSpec::new(content.clone()).mode(0o640)
        };
        client.push_file("a", "/root/b c", &spec).await.expect("pushed");
        let file = client.pull_file("a", "/root/b c").await.expect("pulled");
        assert_eq!((file.content, file.uid, file.gid, file.mode), (content, 12, 34, 0o640));
        client
            .push_file("a", "/root/b c", &FileSpec::new("new"))
            .await
            .expect("replaced");
        assert_eq!(client.pull_file("a", "/root/b c").await.expect("pulled").content, "new");

        assert!(client.find_file("a", "/root/absent").await.expect("asked").is_none());
        assert!(
            client
                .pull_file("a", "/root/absent")
                .await
                .expect_err("absent")
                .is_not_found()
        );
        assert!(
            client.find_file("absent", "/x").await.is_err(),
            "no instance is taken for no file"
        );
        client.make_dir("a", "/root/d", 0o750).await.expect("made");
        client.make_dir("a", "/root/d", 0o750).await.expect("there already");
        let mut names = client.list_dir("a", "/root").await.expect("listed");
        names.sort();
        assert_eq!(names, ["b c", "d"]);
        assert!(
            client.pull_file("a", "/root/d").await.is_err(),
            "a directory is taken for a file"
        );
        client.delete_file("a", "/root/b c").await.expect("deleted");
        client.delete_file("a", "/root/b c").await.expect("gone already");
    })
    .await;
}

#[tokio::test]
async fn images_are_imported_published_named_and_deleted() {
    in_world("image", |world: World| async move {
        let client = &world.client;
        let image = client.get_image(&world.alias()).await.expect("image").value;
        assert_eq!(image.fingerprint, world.image);
        assert_eq!(image.properties["os"], "busybox & co");
        assert!(
            client
                .create_alias("tiny", &world.image, "")
                .await
                .expect_err("duplicate")
                .is_already_exists()
        );
        client.create_alias("other", &world.image, "").await.expect("named");
        assert_eq!(
            client.find_alias("other").await.expect("asked").expect("there").target,
            world.image
        );
        client.delete_alias("other").await.expect("deleted");
        client.delete_alias("other").await.expect("gone already");
        assert!(client.find_alias("other").await.expect("asked").is_none());
        assert!(
            client
                .find_image(&ImageRef::Alias("other".to_owned()))
                .await
                .expect("asked")
                .is_none()
        );

        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        let spec = PublishSpec {
            instance: "a".to_owned(),
            properties: [("os".to_owned(), "golden".to_owned())].into(),
            aliases: vec!["golden".to_owned()],
            compression: Some("none".to_owned()),
        };
        let golden = client.publish(&spec, LONG).await.expect("published");
        assert_eq!(client.list_images().await.expect("listed").len(), 2);
        let read = client
            .get_image(&ImageRef::Alias("golden".to_owned()))
            .await
            .expect("image")
            .value;
        assert_eq!(
            (read.fingerprint, read.properties["os"].as_str()),
            (golden.clone(), "golden")
        );
        client.delete_image(&golden, LONG).await.expect("deleted");
        client.delete_image(&golden, LONG).await.expect("gone already");
    })
    .await;
}

#[tokio::test]
async fn profiles_networks_projects_and_pools_are_made_read_changed_and_deleted() {
    in_world("rest", |world: World| async move {
        let client = &world.client;
        let mut profile = ProfileSpec::new("p");
        client.create_profile(&profile).await.expect("created");
        assert!(
            client
                .create_profile(&profile)
                .await
                .expect_err("duplicate")
                .is_already_exists()
        );
        profile.config.insert("user.k".to_owned(), "v".to_owned());
        let etag = client.get_profile("p").await.expect("read").etag;
        client.update_profile(&profile, etag.as_deref()).await.expect("updated");
        assert!(
            client
                .update_profile(&profile, etag.as_deref())
                .await
                .expect_err("stale")
                .is_etag_conflict()
        );
        assert_eq!(client.list_profiles().await.expect("listed").len(), 2);
        client.delete_profile("p").await.expect("deleted");
        client.delete_profile("p").await.expect("gone already");
        assert!(client.find_profile("p").await.expect("asked").is_none());

        let name = format!("tkc{}", std::process::id());
        let none = ["ipv4.address", "ipv6.address"].map(|key| (key.to_owned(), "none".to_owned()));
        let spec = NetworkSpec::bridge(&name, none.into_iter().collect());
        client.create_network(&spec).await.expect("created");
        let outcome = async {
            assert!(
                client
                    .create_network(&spec)
                    .await
                    .expect_err("duplicate")
                    .is_already_exists()
            );
            let mut config = client.get_network(&name).await.expect("read").value.config;
            config.insert("user.testkit.run".to_owned(), "x".to_owned());
            client
                .update_network(
                    &name,
                    &NetworkPut {
                        config,
                        description: "d".to_owned(),
                    },
                    None,
                )
                .await
                .expect("updated");
            let read = client.find_network(&name).await.expect("asked").expect("there").value;
            assert!(read.managed && read.kind == "bridge" && read.config["user.testkit.run"] == "x");
        };
        let outcome = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(outcome)).await;
        client.delete_network(&name).await.expect("deleted");
        client.delete_network(&name).await.expect("gone already");
        outcome.expect("network");

        let root = &world.root;
        assert!(
            root.get_project(&world.name).await.expect("read").value.config["user.testkit.run"].starts_with("client")
        );
        assert!(
            root.list_projects()
                .await
                .expect("listed")
                .iter()
                .any(|project| project.name == world.name)
        );
        let error = root.delete_project(&world.name).await.expect_err("not empty");
        assert!(!error.is_not_found(), "{error}");
        let pool = root.get_storage_pool(&world.name).await.expect("read").value;
        assert_eq!((pool.driver.as_str(), pool.status.as_str()), ("dir", "Created"));
        let space = root
            .get_storage_pool_resources(&world.name)
            .await
            .expect("resources")
            .space;
        assert!(space.total > 0 && space.used <= space.total);
        assert!(root.find_storage_pool("no-such-pool").await.expect("asked").is_none());
    })
    .await;
}

#[tokio::test]
async fn events_and_operations_show_what_goes_on() {
    in_world("events", |world: World| async move {
        let mut events = world.client.events(&["lifecycle"]).await.expect("events");
        world
            .client
            .create_instance(&world.spec("a"), LONG)
            .await
            .expect("created");
        let created = async {
            while let Some(event) = events.next().await.expect("event") {
                if event.metadata["action"] == "instance-created" {
                    return event.project;
                }
            }
            panic!("the stream ended");
        };
        assert_eq!(tokio::time::timeout(LONG, created).await.expect("seen"), world.name);
        world.client.list_operations().await.expect("listed");
        let gone = "/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1";
        let error = world.client.wait_operation(gone, LONG).await.expect_err("unknown");
        assert_eq!(*error.kind(), ErrorKind::OperationLost, "{}", chain(&error));
        world.client.cancel_operation(gone).await.expect("gone is cancelled");
    })
    .await;
}

#[tokio::test]
async fn https_takes_the_pinned_certificate_and_refuses_another() {
    let root = connect().await;
    let address = root
        .server()
        .config
        .get("core.https_address")
        .and_then(|v| v.as_str())
        .unwrap_or_default()
        .to_owned();
    let (listen, mine) = match address.strip_prefix(':').map(|port| format!("127.0.0.1:{port}")) {
        Some(local) => (local, false),
        None if address.is_empty() => {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
            (free.local_addr().expect("address").to_string(), true)
        }
        None => (address, false),
    };
    let set = |value: &str| Config::from([("core.https_address".to_owned(), value.to_owned())]);
    let made = rcgen::generate_simple_self_signed(["testkit".to_owned()]).expect("certificate");
    let (cert, key) = (
        made.cert.pem().into_bytes(),
        made.signing_key.serialize_pem().into_bytes(),
    );
    let server_cert = root.server().environment.certificate.clone().into_bytes();
    let endpoint = |server_cert_pem: Vec<u8>| Endpoint::Https {
        url: format!("https://{listen}"),
        client_cert_pem: cert.clone(),
        client_key_pem: key.clone(),
        server_cert_pem,
    };
    if mine {
        root.patch_server_config(&set(&listen)).await.expect("listening");
    }
    let untrusted = Client::connect(&endpoint(server_cert.clone())).await;
    let trusted = root
        .trust_certificate(&format!("testkit-client-{}", std::process::id()), &cert)
        .await;
    let right = Client::connect(&endpoint(server_cert)).await;
    let wrong = Client::connect(&endpoint(cert.clone())).await;
    // Everything is put back before anything is judged.
    if let Ok(fingerprint) = &trusted {
        root.delete_certificate(fingerprint).await.expect("no longer trusted");
    }
    if mine {
        root.patch_server_config(&set("")).await.expect("no longer listening");
    }

    assert_eq!(*untrusted.expect_err("untrusted").kind(), ErrorKind::Forbidden);
    let right = right.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(
        right.server().environment.server_version,
        root.server().environment.server_version
    );
    let wrong = wrong.expect_err("refused");
    assert_eq!(*wrong.kind(), ErrorKind::UntrustedServer, "{}", chain(&wrong));
    assert!(
        chain(&wrong).contains(&root.server().environment.certificate_fingerprint),
        "{}",
        chain(&wrong)
    );
}
