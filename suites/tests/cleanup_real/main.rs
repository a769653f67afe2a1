//! Nothing outlives its run, however the run ends: on the real LXD, with the runner killed while it makes a cluster.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rstest::rstest;
use testkit::config::{Config, Layer};
use testkit::host;
use testkit::lxd::{Client, Error, InstanceSource, InstanceSpec, NetworkSpec};
use testkit::session::{Process, RunId, Tags};
use testkit::wait::{self, Pace, Poll};
use tokio::runtime::Handle;

const DEADLINE: Duration = Duration::from_secs(60);
/// The golden image may have to be made first.
const MAKING: Pace = Pace::new(300, 20);
const GONE: Pace = Pace::new(120, 100);

/// Objects that look like the framework's and carry no tag. They go with this, by their exact names, also when a test
/// panics; nothing else would ever remove them.
struct Canary {
    client: Client,
    instance: String,
    bridge: String,
}

impl Canary {
    async fn make(client: &Client, name: &str) -> Self {
        let canary = Self {
            client: client.clone(),
            instance: format!("microovn-init-cluster-1-{name}"),
            bridge: format!("tk{name}u"),
        };
        canary.remove().await.expect("an older canary goes");
        let mut spec = InstanceSpec::container(&canary.instance, InstanceSource::None);
        let root = [("type", "disk"), ("pool", "testkit"), ("path", "/")];
        spec.devices.insert("root".into(), root.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
        client.create_instance(&spec, DEADLINE).await.expect("a canary instance");
        let config = [("ipv4.address", "none"), ("ipv6.address", "none")];
        let config = config.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<BTreeMap<String, String>>();
        client.create_network(&NetworkSpec::bridge(&canary.bridge, config)).await.expect("a canary bridge");
        canary
    }

    /// Fails when somebody removed it.
    async fn assert_alive(&self) {
        let found = self.client.find_instance(&self.instance).await.expect("LXD");
        assert!(found.is_some(), "the canary instance is gone");
        assert!(self.client.find_network(&self.bridge).await.expect("LXD").is_some(), "the canary bridge is gone");
    }

    async fn remove(&self) -> Result<(), Error> {
        self.client.delete_instance(&self.instance, DEADLINE).await?;
        self.client.delete_network(&self.bridge).await
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let removed = tokio::task::block_in_place(|| Handle::current().block_on(self.remove()));
        if let Err(error) = removed {
            let left = format!("left behind: {} and {}: {error}", self.instance, self.bridge);
            // A second panic would hide the first.
            if std::thread::panicking() { eprintln!("{left}") } else { panic!("{left}") }
        }
    }
}

/// A `testkit up`, killed with this: one that outlived its test would leave a cluster up.
struct Maker(Child);

impl Drop for Maker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What LXD has that this process as a runner owns.
async fn owned(client: &Client, runner: &Process) -> Vec<String> {
    let ours = |config: &BTreeMap<String, String>| Tags::find(config).is_some_and(|tags| tags.runner == *runner);
    let instances = client.list_instances(None).await.expect("LXD").into_iter();
    let networks = client.list_networks().await.expect("LXD").into_iter();
    instances
        .filter(|it| ours(&it.config))
        .map(|it| it.name)
        .chain(networks.filter(|it| ours(&it.config)).map(|it| it.name))
        .collect()
}

fn testkit(out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit"));
    command.env("TESTKIT_OUT_DIR", out).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Processes of the reaper of runs below `out`.
fn reapers(out: &Path) -> Vec<u32> {
    let out = out.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).into_owned();
            command.contains("\0reap\0") && command.contains(&out)
        })
        .collect()
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Starts making a cluster and returns when LXD has at least `objects` of it.
async fn start(client: &Client, out: &Path, objects: usize) -> (Maker, Process) {
    let mut maker = Maker(testkit(out).args(["up", "init_cluster"]).spawn().expect("testkit starts"));
    let runner = Process::find(maker.0.id()).expect("it runs");
    let made = wait::until("a cluster to be in the making", MAKING, || {
        let (ended, runner) = (maker.0.try_wait(), &runner);
        async move {
            match ended {
                Ok(None) => {}
                Ok(Some(status)) => return Poll::Failed(io::Error::other(format!("it was not killed, and {status}"))),
                Err(error) => return Poll::Failed(error),
            }
            let count = owned(client, runner).await.len();
            if count >= objects { Poll::Ready(()) } else { Poll::NotYet(format!("{count} objects")) }
        }
    });
    made.await.expect("objects");
    (maker, runner)
}

#[rstest]
#[case::while_bridges_are_made(1)]
#[case::while_instances_are_cloned(4)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_runner_leaves_nothing(#[case] objects: usize) {
    let out = tempfile::tempdir().expect("a folder");
    let client = host::connect(&Config::resolve(Layer::default()).expect("a workspace")).await.expect("LXD");
    let canary = Canary::make(&client, &format!("canary{objects}")).await;
    let (maker, runner) = start(&client, out.path(), objects).await;
    drop(maker);
    let gone = wait::until("the reaper to remove everything", GONE, async || {
        let left = owned(&client, &runner).await;
        let alive = reapers(out.path());
        if left.is_empty() && alive.is_empty() {
            Poll::Ready(())
        } else {
            Poll::<_, Infallible>::NotYet(format!("{left:?}, reapers {alive:?}"))
        }
    });
    gone.await.expect("nothing is left");
    canary.assert_alive().await;
}

/// The cells of the runs below `out` that LXD has instances of.
async fn cells(client: &Client, out: &Path) -> BTreeSet<String> {
    let runs: Vec<_> = std::fs::read_dir(out).into_iter().flatten().flatten().map(|run| run.file_name()).collect();
    let instances = client.list_instances(None).await.expect("LXD").into_iter();
    let tags = instances.filter_map(|instance| Tags::find(&instance.config));
    tags.filter(|tags| runs.iter().any(|run| *run == *tags.run.to_string())).map(|tags| tags.cell).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_when_its_suite_is_done() {
    let out = tempfile::tempdir().expect("a folder");
    let client = host::connect(&Config::resolve(Layer::default()).expect("a workspace")).await.expect("LXD");
    let mut command = testkit(out.path());
    // The inner runner is not part of the outer one's run, and has a JUnit file of its own.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
    }
    command.env("TESTKIT_PARALLEL", "1").current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command.args(["run", "init_cluster", "init_cluster_ipv6", "--", "--profile", "skips"]);
    let run = RefCell::new(Maker(command.spawn().expect("testkit starts")));
    let seen = RefCell::new(BTreeSet::new());
    let gone = wait::until("one suite's cluster to be gone before the run ends", MAKING, async || {
        if let Some(status) = run.borrow_mut().0.try_wait().expect("its state") {
            return Poll::Failed(io::Error::other(format!("the run ended with {status}")));
        }
        let there = cells(&client, out.path()).await;
        seen.borrow_mut().extend(there.clone());
        if seen.borrow().len() == 2 && there.len() == 1 { Poll::Ready(()) } else { Poll::NotYet(format!("{there:?}")) }
    });
    let gone = gone.await;
    let status = run.borrow_mut().0.wait().expect("it ends");
    let swept = testkit(out.path()).args(["sweep", "--wait", "--quiet"]).status().expect("testkit runs");
    assert!(swept.success() && cells(&client, out.path()).await.is_empty());
    gone.expect("a cluster that went early");
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_reaper_left_is_swept() {
    let out = tempfile::tempdir().expect("a folder");
    let client = host::connect(&Config::resolve(Layer::default()).expect("a workspace")).await.expect("LXD");
    let canary = Canary::make(&client, "canarysw").await;
    let (maker, runner) = start(&client, out.path(), 3).await;
    for reaper in reapers(out.path()) {
        kill(reaper);
    }
    drop(maker);
    assert!(!owned(&client, &runner).await.is_empty(), "somebody else removed it; the test shows nothing");
    // LXD may still be making what it was told to: a sweep later there is nothing.
    let gone = wait::until("a sweep to leave nothing", GONE, async || {
        let swept = testkit(out.path()).arg("sweep").status().expect("testkit runs");
        let left = owned(&client, &runner).await;
        if swept.success() && left.is_empty() {
            Poll::Ready(())
        } else {
            Poll::<_, Infallible>::NotYet(format!("{left:?}"))
        }
    });
    gone.await.expect("nothing is left");
    canary.assert_alive().await;
}

/// What a run made last before it died.
#[derive(Clone, Copy)]
enum Leftover {
    /// An instance that never started: its maker died between creation and start.
    Instance,
    /// A bridge that no instance is on.
    Network,
}

/// A process that has ended, as the runner of a dead run.
fn ended() -> Process {
    let mut child = Command::new("sleep").arg("60").spawn().expect("sleep runs");
    let process = Process::find(child.id()).expect("it runs");
    child.kill().expect("SIGKILL");
    child.wait().expect("it died");
    process
}

#[rstest]
#[case::a_half_made_instance(Leftover::Instance, "deadi")]
#[case::a_network_alone(Leftover::Network, "deadn")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leftover_is_swept_by_its_tags_alone(#[case] leftover: Leftover, #[case] name: &str) {
    // No ledger speaks of it: the run's folder may be gone, or on another host.
    let out = tempfile::tempdir().expect("a folder");
    let client = host::connect(&Config::resolve(Layer::default()).expect("a workspace")).await.expect("LXD");
    let canary = Canary::make(&client, &format!("can{name}")).await;
    let runner = ended();
    let tags = Tags {
        run: RunId::new(format!("{:08x}", std::process::id())).expect("an id"),
        runner: runner.clone(),
        cell: "init_cluster".to_owned(),
        node: "microovn-init-cluster-1".to_owned(),
        // Its time is not up: it goes because its runner has ended.
        expires: Timestamp::now().checked_add(1.hour()).expect("in range"),
    };
    match leftover {
        Leftover::Instance => {
            let mut spec = InstanceSpec::container(format!("microovn-init-cluster-1-{name}"), InstanceSource::None);
            let root = [("type", "disk"), ("pool", "testkit"), ("path", "/")];
            spec.devices.insert("root".into(), root.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
            spec.config = tags.to_config();
            client.create_instance(&spec, DEADLINE).await.expect("a leftover instance");
        }
        Leftover::Network => {
            let mut config = tags.to_config();
            config.extend([("ipv4.address", "none"), ("ipv6.address", "none")].map(|(k, v)| (k.into(), v.into())));
            client.create_network(&NetworkSpec::bridge(format!("tk{name}m"), config)).await.expect("a leftover bridge");
        }
    }
    let swept = testkit(out.path()).arg("sweep").status().expect("testkit runs");
    assert!(swept.success(), "{swept}");
    assert_eq!(owned(&client, &runner).await, Vec::<String>::new());
    canary.assert_alive().await;
}
