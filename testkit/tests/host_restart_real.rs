//! LXD is killed while it runs commands: each ends in time, in an error that says what was attempted and where, and the
//! next LXD finds the instance as it was.

mod second_lxd;

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use second_lxd::words;
use testkit::config::{Config, Layer};
use testkit::host::{SetupOptions, setup, started_lxd, teardown};
use testkit::image::{Cache, NODE_ALIAS, Workspace, build_node, ensure_node_image};
use testkit::lxd::{Client, Error, Exec, InstanceSource, InstanceSpec};
use testkit::wait::{self, Pace, Poll};

/// Far longer than the loss of a connection may take to be noticed, and far shorter than the commands run.
const NOTICED: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(120);
const INSTANCE: &str = "restarted";

#[tokio::test]
async fn commands_end_with_the_lxd_that_runs_them() {
    second_lxd::with(kill_lxd_under_commands).await;
}

async fn kill_lxd_under_commands(options: SetupOptions) {
    let options = SetupOptions { pool_size: Some(2 << 30), ..options };
    let report = setup(&options, &mut |_| {}).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    let everywhere = Client::connect(&report.endpoint).await.expect("LXD");
    let client = everywhere.with_project(&options.project);
    boot(&everywhere, &client, &options).await;

    let sleep = || Exec::new(["sleep", "100"]).timeout(LONG);
    let (exec, recorded) = (sleep(), sleep());
    let on_a_terminal = async {
        let mut pty = client.exec_pty(INSTANCE, &sleep(), (80, 25)).await.expect("a terminal");
        while pty.read().await?.is_some() {}
        Ok::<_, Error>(())
    };
    let attempts =
        async { tokio::join!(client.exec(INSTANCE, &exec), client.exec_recorded(INSTANCE, &recorded), on_a_terminal) };
    let killed = async {
        all_run(&client, 3).await;
        let lxd = started_lxd(&options.state_dir).and_then(Pid::from_raw).expect("the LXD of this setup");
        kill_process(lxd, Signal::KILL).expect("killed");
        Instant::now()
    };
    let ((exec, recorded, terminal), killed) =
        tokio::time::timeout(NOTICED + LONG / 2, async { tokio::join!(attempts, killed) }).await.expect("an end");
    assert!(killed.elapsed() < NOTICED, "noticed after {:?}", killed.elapsed());
    for (how, error) in [("exec", exec.err()), ("recorded", recorded.err()), ("terminal", terminal.err())] {
        let error = error.unwrap_or_else(|| panic!("{how}: a command that was cut off is no success"));
        let text = error.to_string();
        assert!(error.is_unreachable(), "{how}: {text}");
        assert!(text.contains("run \"sleep\" in instance \"restarted\""), "{how}: {text}");
    }

    setup(&options, &mut |_| {}).await.unwrap_or_else(|error| panic!("{}", words(&error)));
    let again = client.exec(INSTANCE, &Exec::new(["true"])).await.expect("the instance still runs");
    assert!(again.success(), "{again:?}");
    teardown(&options, &mut |_| {}).await.unwrap_or_else(|error| panic!("{}", words(&error)));
}

/// Boots an instance of the node image.
async fn boot(everywhere: &Client, client: &Client, options: &SetupOptions) {
    let config = Config::resolve(Layer::default()).expect("the workspace");
    let cache = Cache::open(&config.cache_dir).expect("the cache");
    let node = build_node(&Workspace::new(&config.root), &cache, &mut |_| {}).expect("the node image");
    ensure_node_image(everywhere, &node, NODE_ALIAS).await.expect("imported");
    let mut spec = InstanceSpec::container(INSTANCE, InstanceSource::ImageAlias(NODE_ALIAS.to_owned()));
    let root = [("type", "disk"), ("path", "/"), ("pool", options.pool.as_str())];
    let root = root.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    spec.devices.insert("root".to_owned(), root);
    spec.config.insert("security.nesting".to_owned(), "true".to_owned());
    spec.start = true;
    client.create_instance(&spec, LONG).await.expect("an instance");
}

/// Waits until `count` commands of the test run.
async fn all_run(client: &Client, count: usize) {
    let look = Exec::new(["pgrep", "--count", "sleep"]);
    let running =
        wait::until("the commands to run", Pace::new(60, 100), async || match client.exec(INSTANCE, &look).await {
            Ok(output) if output.stdout_text().trim() == count.to_string() => Poll::Ready(()),
            Ok(output) => Poll::NotYet(format!("{} of them", output.stdout_text().trim())),
            Err(error) => Poll::Failed(error),
        });
    running.await.expect("running");
}
