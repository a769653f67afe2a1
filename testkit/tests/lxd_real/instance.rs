//! Real instances: their life, their ETags, their files.

use bytes::Bytes;
use testkit::lxd::{AddressScope, Config, Exec, FileSpec, InstancePatch, InstanceSource};

use crate::world::{LONG, World, chain, in_world};

#[tokio::test]
async fn an_instance_is_created_copied_started_changed_and_deleted() {
    in_world("life", |world: World| async move {
        let client = &world.client;
        assert!(client.find_instance("a").await.expect("asked").is_none());
        assert!(client.get_instance("a").await.expect_err("absent").is_not_found());
        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        let error = client.create_instance(&world.spec("a"), LONG).await.expect_err("duplicate");
        assert!(error.is_already_exists(), "{}", chain(&error));
        let mut absent = world.spec("c");
        absent.source = InstanceSource::ImageAlias("no-such-alias".to_owned());
        let error = client.create_instance(&absent, LONG).await.expect_err("no image");
        assert!(error.to_string().starts_with("failed to create instance \"c\": "), "{}", chain(&error));

        let mut copy = world.spec("b");
        copy.source = InstanceSource::Copy { instance: "a".to_owned(), project: Some(world.name.clone()) };
        copy.config.insert("user.owner".to_owned(), "b".to_owned());
        copy.start = true;
        client.create_instance(&copy, LONG).await.expect("copied and started");
        let names = |instances: Vec<testkit::lxd::Instance>| instances.into_iter().map(|i| i.name).collect::<Vec<_>>();
        assert_eq!(names(client.list_instances(None).await.expect("listed")), ["a", "b"]);
        let filtered = client.list_instances(Some("config.user.owner eq b")).await.expect("listed");
        assert_eq!(names(filtered), ["b"]);

        let state = client.get_instance_state("b").await.expect("state");
        assert_eq!(state.status, "Running");
        assert!(state.pid > 0);
        assert!(client.exec("b", &Exec::new(["/bin/ifconfig", "lo", "127.0.0.1"])).await.expect("ran").success());
        let state = client.get_instance_state("b").await.expect("state");
        let local = state.network["lo"].addresses.iter().find(|a| a.address.is_ipv4()).copied().expect("loopback");
        assert_eq!(
            (local.address.to_string().as_str(), local.prefix, local.scope),
            ("127.0.0.1", 8, AddressScope::Local)
        );

        let patch =
            InstancePatch { config: Config::from([("user.k".to_owned(), "v".to_owned())]), ..Default::default() };
        client.patch_instance("b", &patch, None).await.expect("patched");
        let read = client.get_instance("b").await.expect("read");
        assert_eq!(read.value.config["user.k"], "v");
        assert!(read.value.is_running());

        assert!(!client.list_instance_logs("b").await.expect("logs").is_empty());
        client.get_instance_log("b", "lxc.log").await.expect("log");
        assert!(client.delete_instance("b", LONG).await.is_err(), "a running instance was deleted");
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
        client.update_instance("a", &put, read.etag.as_deref(), LONG).await.expect("updated");
        let error = client.update_instance("a", &put, read.etag.as_deref(), LONG).await.expect_err("stale");
        assert!(error.is_etag_conflict(), "{}", chain(&error));
        assert_eq!(error.code(), Some(412));
        assert!(error.to_string().contains("update instance \"a\""), "{error}");
    })
    .await;
}

#[tokio::test]
async fn files_and_templates_arrive_as_given() {
    in_world("files", |world: World| async move {
        let client = &world.client;
        client.create_instance(&world.spec("a"), LONG).await.expect("created");
        client.put_template("a", "name.tpl", Bytes::from_static(b"I am {{ container.name }}")).await.expect("template");
        let mut metadata = client.get_instance_metadata("a").await.expect("metadata");
        metadata["templates"] = serde_json::json!({"/etc/name": {"when": ["start"], "template": "name.tpl"}});
        client.put_instance_metadata("a", &metadata).await.expect("metadata");
        client.start_instance("a", LONG).await.expect("started");
        assert_eq!(client.pull_file("a", "/etc/name").await.expect("rendered").content, "I am a");

        let content: Bytes = vec![0, 255, b'\n'].into();
        let spec = FileSpec { uid: 12, gid: 34, ..FileSpec::new(content.clone()).mode(0o640) };
        client.push_file("a", "/root/b c", &spec).await.expect("pushed");
        let file = client.pull_file("a", "/root/b c").await.expect("pulled");
        assert_eq!((file.content, file.uid, file.gid, file.mode), (content, 12, 34, 0o640));
        client.push_file("a", "/root/b c", &FileSpec::new("new")).await.expect("replaced");
        assert_eq!(client.pull_file("a", "/root/b c").await.expect("pulled").content, "new");

        assert!(client.find_file("a", "/root/absent").await.expect("asked").is_none());
        assert!(client.pull_file("a", "/root/absent").await.expect_err("absent").is_not_found());
        assert!(client.find_file("absent", "/x").await.is_err(), "no instance is taken for no file");
        assert!(client.pull_file("a", "/root").await.is_err(), "a directory is taken for a file");
        client.delete_file("a", "/root/b c").await.expect("deleted");
        client.delete_file("a", "/root/b c").await.expect("gone already");
    })
    .await;
}

#[tokio::test]
async fn an_instance_whose_files_were_looked_at_stops_at_once() {
    in_world("stop", |world: World| async move {
        let client = &world.client;
        world.start("a").await;
        client.pull_file("a", "/etc/inittab").await.expect("pulled");
        assert!(client.find_file("a", "/root/absent").await.expect("asked").is_none());
        // A connection that is kept holds it up for a minute and a half.
        client.stop_instance("a", true, LONG).await.expect("stopped in time");
    })
    .await;
}
