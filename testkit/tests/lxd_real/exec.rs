//! Commands and terminals in real instances.

use std::time::{Duration, Instant};

use bytes::Bytes;
use testkit::lxd::{ErrorKind, Exec};

use crate::world::{LONG, World, chain, in_world};

#[tokio::test]
async fn exec_keeps_outputs_apart_and_ends_commands_in_time() {
    in_world("exec", |world: World| async move {
        world.start("a").await;
        let client = &world.client;
        let output = world.sh("a", "echo out; echo err >&2; exit 7").await;
        assert_eq!((output.exit_code, &*output.stdout, &*output.stderr), (7, &b"out\n"[..], &b"err\n"[..]));
        assert_eq!(world.sh("a", "exec >&- 2>&-; sleep 1; exit 3").await.exit_code, 3);

        let input: Bytes = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>().into();
        let output = client.exec("a", &Exec::new(["/bin/cat"]).stdin(input.clone())).await.expect("cat");
        assert_eq!(output.stdout, input);
        let unread = client.exec("a", &Exec::new(["/bin/true"]).stdin(input)).await.expect("true");
        assert!(unread.success());
        let exec = Exec::new(["/bin/sh", "-c", "echo $K; pwd; id -u"]).env("K", "v w").cwd("/tmp").user(5, 5);
        assert_eq!(client.exec("a", &exec).await.expect("env").stdout_text(), "v w\n/tmp\n5\n");

        // So long it has to begin on a host that forms clusters meanwhile.
        let exec = Exec::new(["/bin/sleep", "987"]).timeout(Duration::from_secs(10));
        let ended = tokio::time::timeout(LONG, client.exec("a", &exec)).await.expect("an end at its timeout");
        let error = ended.expect_err("timeout");
        assert!(error.is_timeout(), "{}", chain(&error));
        assert!(error.to_string().starts_with("failed to run \"/bin/sleep\" in instance \"a\""), "{error}");
        assert!(error.to_string().contains("killed"), "{error}");
        assert_eq!(world.sh("a", "pidof sleep").await.stdout_text(), "", "the command lives on");

        let exec = Exec::new(["/bin/yes"]).output_limit(100_000);
        let error = client.exec("a", &exec).await.expect_err("too much");
        assert_eq!(*error.kind(), ErrorKind::Truncated { limit: 100_000 }, "{}", chain(&error));

        let recorded = Exec::new(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
        let output = client.exec_recorded("a", &recorded).await.expect("recorded");
        assert_eq!((output.exit_code, &*output.stdout, &*output.stderr), (7, &b"out\n"[..], &b"err\n"[..]));
        let logs = client.list_instance_logs("a").await.expect("logs");
        assert!(!logs.iter().any(|log| log.starts_with("exec_")), "recorded output stays: {logs:?}");

        let error = client.exec("a", &Exec::new(["/no/such"])).await;
        assert!(error.as_ref().map_or(true, |output| output.exit_code == 127), "{error:?}");
        let error = client.exec("absent", &Exec::new(["/bin/true"])).await.expect_err("no instance");
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

        let pty = world.client.exec_pty("a", &Exec::new(["/bin/sleep", "985"]), (80, 24)).await.expect("terminal");
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
        assert!(begun.elapsed() < LONG, "not {wanted}, sleeping: {pids:?}");
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

        let pty = world.client.exec_pty("a", &Exec::new(["/bin/sleep", "984"]), (80, 24)).await.expect("terminal");
        let (reader, writer, mut control) = pty.split();
        control.signal(15).await.expect("signalled");
        drop((reader, writer));
        assert_eq!(control.wait(LONG).await.expect("ended"), 128 + 15);

        let pty = world.client.exec_pty("a", &Exec::new(["/bin/sleep", "983"]), (80, 24)).await.expect("terminal");
        let error = pty.wait(Duration::from_millis(500)).await.expect_err("timeout");
        assert!(error.is_timeout(), "{}", chain(&error));
    })
    .await;
}

async fn read_until(pty: &mut testkit::lxd::Pty, shown: &mut String, wanted: &str) {
    let from = shown.len();
    while !shown[from..].contains(wanted) {
        let piece = tokio::time::timeout(LONG, pty.read()).await.unwrap_or_else(|_| panic!("{shown:?}"));
        shown.push_str(&String::from_utf8_lossy(&piece.expect("read").expect("no end yet")));
    }
}

#[tokio::test]
async fn an_output_of_100_mib_is_refused_or_whole() {
    in_world("large", |world: World| async move {
        world.start("a").await;
        let size: u64 = 100 << 20;
        let exec = Exec::new(["/bin/head".to_owned(), "-c".to_owned(), size.to_string(), "/dev/zero".to_owned()]);
        let error = world.client.exec("a", &exec).await.expect_err("more than the default limit");
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{}", chain(&error));
        let output = world.client.exec("a", &exec.output_limit(size + 1)).await.expect("whole");
        assert_eq!(output.stdout.len() as u64, size);
    })
    .await;
}

#[tokio::test]
async fn a_command_in_an_instance_that_stops_by_itself_ends() {
    in_world("stops", |world: World| async move {
        world.start("a").await;
        let client = world.client.clone();
        let running =
            tokio::spawn(async move { client.exec("a", &Exec::new(["/bin/sleep", "984"]).timeout(LONG)).await });
        until(&world, "running", |pids| !pids.is_empty()).await;
        let begun = Instant::now();
        world.client.stop_instance("a", true, LONG).await.expect("stopped");
        let ended = running.await.expect("no panic");
        assert!(begun.elapsed() < LONG, "it waited for its own timeout");
        match ended {
            Ok(output) => assert!(!output.success(), "a command that was ended is no success"),
            Err(error) => assert!(error.to_string().contains("in instance \"a\""), "{}", chain(&error)),
        }
        let error = world.client.exec("a", &Exec::new(["/bin/true"])).await.expect_err("it does not run");
        assert!(error.to_string().contains("in instance \"a\""), "{}", chain(&error));
    })
    .await;
}

#[tokio::test]
async fn a_command_on_pipes_is_talked_to() {
    in_world("pipes", |world: World| async move {
        world.start("a").await;
        let script = "printf 'name: '; read -r name; echo \"hello $name\" >&2; exit 4";
        let mut pipes = world.client.exec_pipes("a", &Exec::new(["/bin/sh", "-c", script])).await.expect("pipes");
        assert_eq!(pipes.read().await.expect("a prompt").as_deref(), Some(&b"name: "[..]));
        pipes.write(b"you\n").await.expect("written");
        let mut rest = Vec::new();
        while let Some(piece) = pipes.read().await.expect("output") {
            rest.extend_from_slice(&piece);
        }
        assert_eq!(rest, b"hello you\n", "nothing is echoed, and both outputs are read");
        assert_eq!(pipes.wait(LONG).await.expect("an end"), 4);
    })
    .await;
}
