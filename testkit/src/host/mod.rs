//! The host: what it needs to run nodes is set up once, and undone without a trace.
//!
//! [`setup`] is idempotent: it looks first, changes only what is missing, and writes down what it is about to change
//! before it does. [`teardown`] undoes what is written down and removes what carries this framework's tag, nothing
//! else: instances, images, networks and pools of a person stay, and so does LXD's default profile.

mod begun;
mod bridge;
mod capacity;
mod connect;
mod daemons;
mod datapath;
mod doctor;
mod error;
mod kernel;
mod limits;
mod lxd_snap;
mod members;
mod microcloud;
mod mounts;
mod network;
mod objects;
mod owned;
mod packages;
mod pool;
mod privileged;
mod processes;
mod removal;
mod search;
mod state;
mod subnet;

use std::fs;
use std::path::PathBuf;

use ipnet::Ipv4Net;

pub use capacity::Capacity;
pub use connect::{connect, options, routes};
pub use datapath::{Decision, decide_datapath, ensure_datapath, without_packets};
pub use doctor::{Finding, Level, examine};
pub use error::Error;
pub use kernel::{Module, module};
pub use members::{SURVEY_LASTS, Surveyed, require_all, require_whole, survey};
pub use microcloud::without_underlays;
pub use packages::ensure_browser;

use crate::config::Config;
use crate::daemon::Daemon;
use crate::image::{Progress, obstacle};
use crate::lxd::{Client, Endpoint};
use state::State;

/// API extensions that the framework uses and that old LXDs lack, from LXD's `doc/api-extensions.md`.
const EXTENSIONS: [&str; 6] = [
    "instances",
    "projects",
    "api_filtering",
    "instance_nic_network",
    "container_copy_project",
    "container_edit_metadata",
];

/// The bridge on which images are prepared.
pub const BRIDGE: &str = "tkbr0";

/// What to set up, and under which names.
#[derive(Debug, Clone)]
pub struct SetupOptions {
    /// The LXD to use, where it is not to be looked for. Over HTTPS nothing of this host is changed.
    pub endpoint: Option<Endpoint>,
    /// LXD's folder (`LXD_DIR`), where its socket is and where it is started if it is not running; or Incus's.
    pub lxd_dir: Option<PathBuf>,
    /// Which of the two it has to be; `None` for the one that runs.
    pub daemon: Option<Daemon>,
    /// The cache, where it is noted which images were being pulled; `None` where none are.
    pub cache_dir: Option<PathBuf>,
    /// Who is to work here without root, where root is asked by them to prepare the host.
    pub for_user: Option<String>,
    /// Where what was changed is written down: `/var/lib/microovn-testkit` for root.
    pub state_dir: PathBuf,
    /// The project of the instances.
    pub project: String,
    /// The storage pool.
    pub pool: String,
    /// The size of a new pool in bytes; `None` takes a quarter of the free space, 8 to 40 GiB.
    pub pool_size: Option<u64>,
    /// The bridge for preparing images; at most 15 characters.
    pub bridge: String,
    /// The bridge's network; `None` picks a free one.
    pub subnet: Option<Ipv4Net>,
    /// Whether missing packages are installed; if not, they are an error.
    pub install: bool,
    /// Whether suites are compiled here, for which there must be a runner; a distribution brings its own.
    pub compiles: bool,
}

impl Default for SetupOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            lxd_dir: None,
            daemon: None,
            cache_dir: None,
            for_user: None,
            state_dir: PathBuf::from("/var/lib/microovn-testkit"),
            project: "microovn-testkit".to_owned(),
            pool: "testkit".to_owned(),
            pool_size: None,
            bridge: BRIDGE.to_owned(),
            subnet: None,
            install: true,
            compiles: true,
        }
    }
}

/// What is there after a setup.
#[derive(Debug, Clone)]
pub struct Report {
    /// The LXD that is used.
    pub endpoint: Endpoint,
    /// Which of the two it is.
    pub daemon: Daemon,
    /// Its version.
    pub lxd_version: String,
    /// The storage pool's driver: `btrfs`, or `dir`, with which a copy takes seconds.
    pub pool_driver: String,
    /// The bridge's network.
    pub subnet: Ipv4Net,
    /// What this call changed; empty when all was there.
    pub changes: Vec<String>,
    /// What it could not change, each with what a person can do about it.
    pub advice: Vec<String>,
}

/// What a teardown did.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// What was removed, restored or stopped.
    pub changes: Vec<String>,
}

/// Sees to it that this host can run nodes: packages, kernel limits, LXD, project, storage pool and bridge.
pub async fn setup(options: &SetupOptions, progress: &mut Progress<'_>) -> Result<Report, Error> {
    let local = !matches!(options.endpoint, Some(Endpoint::Https { .. }));
    let mut part = HostPart::default();
    let endpoint = if local {
        host_part(options, &mut part, progress).await?
    } else {
        options.endpoint.clone().unwrap_or(Endpoint::Unix(PathBuf::new()))
    };
    let options = SetupOptions { endpoint: Some(endpoint.clone()), ..options.clone() };
    let mut report = prepare_lxd(&endpoint, &options, local, progress).await?;
    let HostPart { mut changes, mut advice } = part;
    changes.append(&mut report.changes);
    advice.append(&mut report.advice);
    Ok(Report { changes, advice, ..report })
}

/// What was done on the host itself, as root's part of a setup.
#[derive(Debug, Clone, Default)]
pub struct HostPart {
    /// What was changed.
    pub changes: Vec<String>,
    /// What could not be changed, each with what a person can do about it.
    pub advice: Vec<String>,
}

/// Does what only root can do of a setup: packages, kernel limits, LXD, and the ids by which a user unpacks packages. Everything else
/// is then that user's to do.
///
/// # Errors
/// When it is not root who does it, or something cannot be done.
pub async fn setup_host(options: &SetupOptions, progress: &mut Progress<'_>) -> Result<HostPart, Error> {
    if !limits::is_root() {
        let problem = "this part of the setup is root's".to_owned();
        return Err(Error::Host { problem, mend: format!("type `{}`", privileged::command()) });
    }
    // What compiles and runs suites is the user's own.
    let options = SetupOptions { compiles: false, ..options.clone() };
    let mut part = HostPart::default();
    host_part(&options, &mut part, progress).await?;
    privileged::give_ids(&options, &mut part.changes, progress)?;
    Ok(part)
}

async fn host_part(
    options: &SetupOptions,
    part: &mut HostPart,
    progress: &mut Progress<'_>,
) -> Result<Endpoint, Error> {
    let HostPart { changes, advice } = part;
    let mut state = State::load(&options.state_dir)?;
    let found = search::find_lxd(options).await?;
    privileged::require(found.as_ref(), options)?;
    mounts::unmount_dead_lxcfs(changes).await?;
    let to_start = found.is_none().then(|| search::to_start(options));
    if to_start == Some(Daemon::Lxd) {
        lxd_snap::ensure(options, changes, progress)?;
    }
    packages::ensure(to_start, options, changes, progress)?;
    limits::Kernel::here().raise(&mut state, changes, advice)?;
    if !limits::is_root() {
        let obstacle = obstacle();
        advice.extend(
            obstacle.map(|it| format!("images cannot be built by this user: {}: `sudo {}`", it.problem, it.command)),
        );
        if !advice.is_empty() {
            advice.push(format!("root does all of that at once: `{}`", privileged::command()));
        }
    }
    match found {
        Some(endpoint) => Ok(endpoint),
        None => {
            let daemon = to_start.unwrap_or(Daemon::Lxd);
            daemons::start(daemon, options, &mut state, changes, progress).await
        }
    }
}

/// Sees to it that an LXD that runs has project, storage pool and bridge: all of them, or after an error none that was not
/// there before. `local` says whether it runs on this host, whose disk and routes are then looked at. The host itself
/// stays as it is.
pub async fn prepare_lxd(
    endpoint: &Endpoint,
    options: &SetupOptions,
    local: bool,
    progress: &mut Progress<'_>,
) -> Result<Report, Error> {
    let client = connect_usable(endpoint, options).await?;
    let members = require_whole(&client).await?;
    let (mut changes, mut advice) = (Vec::new(), Vec::new());
    let made = objects::ensure(&client, options, local, &members, &mut changes, &mut advice, progress).await?;
    Ok(Report {
        daemon: client.server().daemon(),
        lxd_version: client.server().environment.server_version.clone(),
        endpoint: endpoint.clone(),
        pool_driver: made.pool_driver,
        subnet: made.subnet,
        changes,
        advice,
    })
}

/// Removes from LXD what carries this framework's tag, restores the kernel's limits, and stops the daemons that
/// [`setup`] started. What is gone already is no error.
pub async fn teardown(options: &SetupOptions, progress: &mut Progress<'_>) -> Result<Removal, Error> {
    let mut removal = Removal::default();
    let mut state = State::load(&options.state_dir)?;
    limits::check_undoable(&state)?;
    let endpoint = match &options.endpoint {
        Some(endpoint) => Some(endpoint.clone()),
        None => search::find_lxd(options).await?,
    };
    match endpoint {
        Some(endpoint) => removal.changes = clear_lxd(&endpoint, options, progress).await?,
        None => progress(&format!("{}: what is ours in it, if anything, stays", search::none_answers(options))),
    }
    daemons::stop(&mut state, &mut removal.changes).await?;
    mounts::unmount_dead_lxcfs(&mut removal.changes).await?;
    limits::restore(&mut state, &mut removal.changes)?;
    if options.state_dir.exists() {
        fs::remove_dir_all(&options.state_dir).map_err(Error::file("remove", &options.state_dir))?;
    }
    Ok(removal)
}

/// Removes from an LXD that runs what carries this framework's tag, and says what. The host itself stays as it is.
pub async fn clear_lxd(
    endpoint: &Endpoint,
    options: &SetupOptions,
    progress: &mut Progress<'_>,
) -> Result<Vec<String>, Error> {
    let client = connect_to(endpoint, options).await?;
    // With one away some would stay, and the rest could not go.
    require_all(&client).await?;
    let mut changes = Vec::new();
    removal::remove(&client, options, &mut changes, progress).await?;
    Ok(changes)
}

async fn connect_to(endpoint: &Endpoint, options: &SetupOptions) -> Result<Client, Error> {
    let client = Client::connect_as(endpoint, options.daemon).await;
    client.map_err(|source| Error::Unusable(Box::new(source)))
}

/// Fails where Incus is a cluster: of clusters those of LXD were tried, and what an Incus does otherwise there is not known.
fn refuse_cluster(client: &Client) -> Result<(), Error> {
    let server = client.server();
    let clustered = client.is_clustered() && server.daemon() == Daemon::Incus;
    let member = clustered.then_some(&server.environment.server_name);
    let Some(member) = member else { return Ok(()) };
    let problem = format!("Incus is a cluster ({member:?} answers), which this framework does not know how to use");
    let mend = "name an Incus that is not one with INCUS_SOCKET or TESTKIT_REMOTE, or an LXD".to_owned();
    Err(Error::Host { problem, mend })
}

/// Connects to an LXD that can be used: nothing is to be made in another.
async fn connect_usable(endpoint: &Endpoint, options: &SetupOptions) -> Result<Client, Error> {
    let client = connect_to(endpoint, options).await?;
    refuse_cluster(&client)?;
    client.require_extensions(&EXTENSIONS).map_err(|source| Error::Unusable(Box::new(source)))?;
    Ok(client)
}

/// Fails where this host lacks what a cluster needs that has IPv6 addresses, before anything is made for it.
///
/// # Errors
/// When IPv6 is off on this host and LXD is here; with what mends it.
pub fn require_ipv6(config: &Config) -> Result<(), Error> {
    if !matches!(config.lxd, crate::config::LxdTarget::Local { .. }) {
        return Ok(());
    }
    ipv6_of(std::path::Path::new("/proc/sys"))
}

fn ipv6_of(sysctl: &std::path::Path) -> Result<(), Error> {
    let Some((seen, mend)) = network::no_ipv6(sysctl) else { return Ok(()) };
    let problem = format!("the cell has IPv6 addresses, and IPv6 is off: {seen}");
    Err(Error::Host { problem, mend: format!("switch it on: `sudo {mend}`, or choose cells without IPv6") })
}

/// The folder of the storage pool that [`setup`] made in an LXD that it started, as this host sees it.
pub fn pool_folder(config: &Config) -> Option<PathBuf> {
    let state = State::load(&config.state_dir).ok()?;
    let lxd = state.started()?.folder.clone()?;
    Some(lxd.join("storage-pools").join(&config.pool)).filter(|folder| folder.is_dir())
}

/// The process id of the LXD that [`setup`] started, if it did; `state_dir` is the folder of its records.
pub fn started_lxd(state_dir: &std::path::Path) -> Option<i32> {
    state::State::load(state_dir).ok()?.started().map(|daemon| daemon.pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_ipv6_is_refused_with_the_reason_where_it_is_off() {
        let sysctl = tempfile::tempdir().unwrap();
        let said = ipv6_of(sysctl.path()).unwrap_err().to_string();
        assert!(said.contains("IPv6 is off: the kernel has none"), "{said}");
        let folder = sysctl.path().join("net/ipv6/conf/all");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("disable_ipv6"), "0\n").unwrap();
        assert!(ipv6_of(sysctl.path()).is_ok());
        let mut config = Config::resolve(crate::config::Layer::default()).unwrap();
        let (client_cert, client_key, server_cert) = Default::default();
        config.lxd = crate::config::LxdTarget::Remote { url: String::new(), client_cert, client_key, server_cert };
        assert!(require_ipv6(&config).is_ok(), "the host of a remote LXD is another one");
    }
}
