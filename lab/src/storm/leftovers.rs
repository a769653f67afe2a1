//! What can be left of a run, and objects that look alike and must stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Pid;

use testkit::cli::Failure;
use testkit::folder::RunFolder;
use testkit::host;
use testkit::lxd::{self, Client, InstanceSource, InstanceSpec, NetworkSpec};
use testkit::session::{Ledger, Process, Tags};

const DEADLINE: Duration = Duration::from_secs(60);

/// Everything of a run that is still there.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    found: BTreeSet<String>,
}

impl Leftovers {
    /// Looks for what carries the runner's tags, what the ledgers below `out` name, processes that know of `out`, locks
    /// that are held there, and network devices and mounts of what is named.
    pub(super) async fn find(client: &Client, out: &Path, runner: Option<&Process>) -> Result<Self, lxd::Error> {
        let mut found = BTreeSet::new();
        let runs: Vec<_> = fs::read_dir(out).into_iter().flatten().flatten().map(|run| run.path()).collect();
        let named: BTreeSet<String> = runs
            .iter()
            .flat_map(|run| Ledger::new(&RunFolder::new(run).ledger()).read().unwrap_or_default())
            .map(|made| made.name)
            .collect();
        let ours = |name: &String, config: &BTreeMap<String, String>| {
            let tagged = runner.is_some_and(|runner| Tags::find(config).is_some_and(|tags| tags.runner == *runner));
            tagged || named.contains(name)
        };
        for instance in client.list_instances(None).await? {
            if ours(&instance.name, &instance.config) {
                found.insert(format!("instance {}", instance.name));
            }
        }
        for network in client.list_networks().await? {
            if ours(&network.name, &network.config) {
                found.insert(format!("network {}", network.name));
            }
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        for name in &named {
            if Path::new("/sys/class/net").join(name).exists() {
                found.insert(format!("network device {name}"));
            }
            if mounts.lines().any(|mount| mount.contains(&format!("_{name} ")) || mount.contains(&format!("/{name} ")))
            {
                found.insert(format!("mount of {name}"));
            }
        }
        for pid in processes(out, Role::Any) {
            found.insert(format!("process {}", pid.as_raw_nonzero()));
        }
        for lock in runs.iter().flat_map(|run| locks(run)) {
            found.insert(format!("lock {lock}"));
        }
        Ok(Self { found })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found.iter().cloned().collect::<Vec<_>>().join(", "))
    }
}

/// The locks in a run's folder, and in those of its cells, that somebody holds.
fn locks(run: &Path) -> Vec<String> {
    let below =
        |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let files = below(run).into_iter().flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] });
    let held = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|extension| extension == "lock")
            && File::open(path).is_ok_and(|file| file.try_lock().is_err())
    };
    files.filter(held).map(|path| path.display().to_string()).collect()
}

/// What a process of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A test.
    Test,
    /// The test that plays a journey.
    Player,
    /// The reaper.
    Reaper,
    /// Whatever it is.
    Any,
}

/// The processes of the runs below `out`: they carry that folder in their environment or among their arguments.
pub(super) fn processes(out: &Path, role: Role) -> Vec<Pid> {
    let out = out.as_os_str().as_bytes();
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let is_test = |arguments: &[u8]| has(arguments, b"/deps/init-") || has(arguments, b"/deps/life-");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let (arguments, environment) = (read("cmdline"), read("environ"));
            let its_role = match role {
                Role::Test => is_test(&arguments),
                Role::Player => is_test(&arguments) && plays(*pid),
                Role::Reaper => has(&arguments, b"\0reap\0"),
                Role::Any => true,
            };
            its_role && (has(&environment, out) || has(&arguments, out))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Whether a process holds the lock of who plays a journey.
fn plays(pid: i32) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.ends_with("play.lock"))
}

/// An instance and a bridge that are named like the framework's and carry none of its tags.
pub(super) struct Canary {
    instance: String,
    bridge: String,
}

impl Canary {
    pub(super) async fn make(client: &Client, pool: &str) -> Result<Self, Failure> {
        let canary = Self { instance: "microovn-init-cluster-1-canary".into(), bridge: "tk0123456789u".into() };
        canary.remove(client).await?;
        let mut spec = InstanceSpec::container(&canary.instance, InstanceSource::None);
        let root = [("type", "disk"), ("pool", pool), ("path", "/")];
        spec.devices.insert("root".into(), root.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        client.create_instance(&spec, DEADLINE).await.map_err(Failure::usage)?;
        let config = [("ipv4.address", "none"), ("ipv6.address", "none")];
        let config = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        // On each member, where LXD is a cluster.
        let members = host::require_all(client).await.map_err(Failure::usage)?;
        let bridge = NetworkSpec::bridge(&canary.bridge, config);
        client.create_network_on(&members, &bridge).await.map_err(Failure::usage)?;
        Ok(canary)
    }

    pub(super) async fn is_there(&self, client: &Client) -> Result<bool, Failure> {
        let instance = client.find_instance(&self.instance).await.map_err(Failure::usage)?;
        let bridge = client.find_network(&self.bridge).await.map_err(Failure::usage)?;
        Ok(instance.is_some() && bridge.is_some())
    }

    pub(super) async fn remove(&self, client: &Client) -> Result<(), Failure> {
        client.delete_instance(&self.instance, DEADLINE).await.map_err(Failure::usage)?;
        client.delete_network(&self.bridge).await.map_err(Failure::usage)
    }
}
