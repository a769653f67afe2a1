//! Configuration: flags over environment over `testkit.toml` over defaults, resolved once.
//!
//! This is the only place that reads the environment. Everything else is handed a [`Config`].

mod bounded;
mod choice;
mod environment;
mod error;
mod faults;
mod filled;
mod home;
mod layer;
mod nextest;
mod product;
mod remotes;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use choice::{Datapath, StandIn, UpgradeFrom};
use environment::{environment_layer, lasting as lasting_of, rebased, texts, with_clients_from};
pub use error::ConfigError;
pub use faults::{FaultError, Faults};
pub use layer::{Keep, Layer};
pub use nextest::{Nextest, Round};
pub use product::Product;
pub use remotes::ImageServer;

use crate::daemon::Daemon;
use crate::dist::{self, Dist};
use crate::written;

/// The variable that names the cell that journeys start from: how `testkit run` tells its tests.
pub const ON: &str = "TESTKIT_ON";

/// The variable that names the step before which journeys stop, for the same.
pub const PAUSE_BEFORE: &str = "TESTKIT_PAUSE_BEFORE";
/// The variable that says which one of several products is tested.
pub const PRODUCT: &str = "TESTKIT_PRODUCT";
/// The variable of [`Config::node_image`].
pub const NODE_IMAGE: &str = "MICROOVN_TEST_CONTAINER_IMAGE";
/// The variable of [`Config::traffic`].
pub const TRAFFIC: &str = "TESTKIT_TRAFFIC";
/// The variable of [`Config::known`].
pub const KNOWN: &str = "TESTKIT_KNOWN";
/// The variable of [`Config::mtus`].
pub const MTUS: &str = "TESTKIT_MTUS";
/// The variable of [`Config::spread`].
pub const SPREAD: &str = "TESTKIT_SPREAD";
/// The variable of [`Config::keep`].
pub const KEEP: &str = "TESTKIT_KEEP";

/// The configuration file, looked for at the workspace root.
pub const FILE_NAME: &str = "testkit.toml";

/// A restarted member is UNREACHABLE for 15 s and more, and a role stays PENDING for seconds; a minute is several times
/// what a healthy cluster takes.
const SETTLE: u64 = 60;

/// Where LXD, or Incus, answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LxdTarget {
    /// On this host.
    Local {
        /// A socket that was named; `None` to look in the usual places.
        socket: Option<PathBuf>,
        /// The daemon's folder, where its socket is and where it is started if it does not run.
        dir: Option<PathBuf>,
        /// Which of the two was named; `None` for the one that runs.
        daemon: Option<Daemon>,
    },
    /// A remote LXD or Incus over HTTPS.
    Remote {
        /// `https://host:port`.
        url: String,
        /// Client certificate file.
        client_cert: PathBuf,
        /// Client key file.
        client_key: PathBuf,
        /// Server certificate file, pinned.
        server_cert: PathBuf,
    },
}

/// The resolved configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The workspace: the folder with the project's `Cargo.toml`; or that of the distribution.
    pub root: PathBuf,
    /// The distribution, where nothing is compiled.
    pub dist: Option<Dist>,
    /// What the environment says by paths from the working directory, as it is from anywhere, for processes that work elsewhere.
    pub rebased: BTreeMap<String, String>,
    /// Which LXD or Incus.
    pub lxd: LxdTarget,
    /// Snap under test; `None` means the stand-in, unless it is [undecided](Self::require_decided).
    pub snap: Option<PathBuf>,
    /// The products to choose from, where more than one snap is given or the configuration file has any.
    pub products: Vec<Product>,
    /// The name of the one of them that is tested.
    pub product: Option<String>,
    /// The older snap that upgrades start from; `None` means that of the stand-in, or none.
    pub upgrade_from: Option<UpgradeFrom>,
    /// MicroCloud, which forms clusters where a cell says so; `None` means its stand-in.
    pub microcloud_snap: Option<PathBuf>,
    /// LXD for members, which MicroCloud needs; the stand-in does not.
    pub lxd_snap: Option<PathBuf>,
    /// Snaps installed before it, in order.
    pub extra_snaps: Vec<PathBuf>,
    /// Foreign node image; `None` means the project's own.
    pub node_image: Option<String>,
    /// The server that the name of that says, where a client's configuration has it.
    pub image_server: Option<ImageServer>,
    /// LXD project.
    pub project: String,
    /// Storage pool.
    pub pool: String,
    /// Cache of built artifacts.
    pub cache_dir: PathBuf,
    /// Runs and evidence.
    pub out_dir: PathBuf,
    /// Record of what the host setup changed.
    pub state_dir: PathBuf,
    /// Whether what MicroOVN counts of its own code is taken from members before they go.
    pub coverage: bool,
    /// Where to; `None` for the run's folder.
    pub coverage_dir: Option<PathBuf>,
    /// Whether clusters outlive their run.
    pub keep: Keep,
    /// Whether a kept cluster may be used.
    pub reuse: bool,
    /// Whether packets are sent between members, too.
    pub traffic: bool,
    /// Whether what is red because of a fault that is known is told so and is no failure, as whoever runs the tests sees to.
    pub known: bool,
    /// The MTUs that the management and the underlay networks of the cells of the run have, where who runs them says so: where LXD is a
    /// cluster such are made before any cell.
    pub mtus: BTreeSet<[u16; 2]>,
    /// Whether the members of a cell are on different hosts of an LXD cluster.
    pub spread: bool,
    /// The NIC of the hosts, or the network of LXD, that joins them then; `None` for bridges with tunnels.
    pub underlay_parent: Option<String>,
    /// Bound on clusters formed at once; `None` means measured on the LXD host.
    pub parallel: Option<usize>,
    /// Range of the preparation bridge; `None` means picked.
    pub subnet: Option<ipnet::Ipv4Net>,
    /// Faults for the stand-in.
    pub faults: Option<Faults>,
    /// The release of the stand-in; `None` for the newest that can be had.
    pub stand_in: Option<StandIn>,
    /// What is to carry packets on members.
    pub datapath: Datapath,
    /// How long a formed cluster gets to become as planned.
    pub settle: Duration,
    /// The cell that journeys start from, instead of their own.
    pub on: Option<String>,
    /// The step before which journeys stop, with their clusters left up: its number, or its words.
    pub pause_before: Option<String>,
    /// Who called this by `sudo`.
    pub for_user: Option<String>,
    /// What the environment sets and nothing here reads, a line each, with what it does here.
    pub notices: Vec<String>,
    /// What nextest hands to every test of a run.
    pub nextest: Option<Nextest>,
    /// The profile that nextest takes where its arguments name none (`NEXTEST_PROFILE`).
    pub nextest_profile: Option<String>,
}

impl Config {
    /// Resolves the configuration of this process: `flags` first, then the environment, then `testkit.toml`.
    ///
    /// # Errors
    /// When there is no workspace, or a setting cannot be used; the error names its place.
    pub fn resolve(flags: Layer) -> Result<Self, ConfigError> {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let mut environment = texts(std::env::vars_os())?;
        let Some(dist) = Dist::folder_of_this_program() else {
            return Self::resolve_from(flags, &environment, &directory);
        };
        // Whoever calls it from elsewhere names what is there.
        let rebased = rebased(&environment, &directory);
        environment.extend(rebased.clone());
        Ok(Self { rebased, ..Self::resolve_from(flags, &environment, &dist)? })
    }

    /// [`Config::resolve`] with the environment and the working directory given.
    ///
    /// # Errors
    /// As for [`Config::resolve`].
    pub fn resolve_from(
        flags: Layer,
        environment: &BTreeMap<String, String>,
        directory: &Path,
    ) -> Result<Self, ConfigError> {
        let (root, dist) = find_root(directory)?;
        let environment = &with_clients_from(environment, &root);
        let file = read_file(&root.join(FILE_NAME))?;
        let env = environment_layer(environment)?;
        macro_rules! pick {
            ($field:ident) => {
                flags.$field.or(env.$field).or(file.$field)
            };
        }
        // The first source that says what is tested says all of it.
        let (snap, mut products) =
            match [&flags, &env, &file].into_iter().find(|it| it.snap.is_some() || it.product.is_some()) {
                Some(Layer { snap: Some(_), product: Some(_), .. }) => {
                    return Err(ConfigError::SnapAndProducts(root.join(FILE_NAME)));
                }
                Some(Layer { snap, product, .. }) => (snap.clone(), product.clone().unwrap_or_default()),
                None => (None, Vec::new()),
            };
        // The command and the tests work in different folders, so a relative path cannot be from the working directory.
        let whole = |path: PathBuf| root.join(path);
        // The first source that says which LXD or Incus, says all of it.
        let first = [&flags, &env, &file].into_iter().find(|it| !it.targets().is_empty());
        let daemon = first.and_then(|it| [Daemon::Lxd, Daemon::Incus].into_iter().find(|one| it.names(*one).is_some()));
        let mut remotes = remotes::named(first.and_then(|it| it.remote.clone()), environment);
        let named = first.map(Layer::targets).unwrap_or_default();
        let said = first.cloned().unwrap_or_default();
        let (socket, dir, url) = match daemon {
            Some(Daemon::Incus) => (said.incus_socket, said.incus_dir, None),
            _ => (said.lxd_socket, said.lxd_dir, said.lxd_remote),
        };
        // A client that is told of a remote whose address is named here, too, says nothing new.
        remotes.retain(|(variable, _)| url.is_none() || *variable == remotes::REMOTE);
        let of_clients = remotes.iter().map(|(variable, _)| *variable).filter(|it| !named.contains(it));
        if let [one, other, ..] = of_clients.chain(named.iter().copied()).collect::<Vec<_>>()[..] {
            return Err(ConfigError::TwoTargets { one, other });
        }
        let lxd = match (remotes.pop(), url) {
            (Some((variable, name)), _) => remotes::find(variable, &name, environment)?,
            (None, None) => LxdTarget::Local { socket: socket.map(whole), dir: dir.map(whole), daemon },
            (None, Some(url)) => {
                let need = |value: Option<PathBuf>, missing| {
                    value.map(whole).ok_or_else(|| ConfigError::RemoteWithoutCertificate { url: url.clone(), missing })
                };
                LxdTarget::Remote {
                    client_cert: need(pick!(lxd_client_cert), "LXD_CLIENT_CERT")?,
                    client_key: need(pick!(lxd_client_key), "LXD_CLIENT_KEY")?,
                    server_cert: need(pick!(lxd_server_cert), "LXD_SERVER_CERT")?,
                    url,
                }
            }
        };
        let cache_dir = match pick!(cache_dir) {
            Some(path) => whole(path),
            None => home::cache(environment).ok_or(ConfigError::NoCache)?.join("microovn-testkit"),
        };
        let whole_from = |from: UpgradeFrom| match from {
            UpgradeFrom::File(path) => UpgradeFrom::File(whole(path)),
            channel @ UpgradeFrom::Channel(_) => channel,
        };
        for product in &mut products {
            product.snap = whole(product.snap.clone());
            product.extra_snaps = product.extra_snaps.take().map(|all| all.into_iter().map(whole).collect());
            product.upgrade_from = product.upgrade_from.take().map(whole_from);
        }
        product::require_distinct(&products)?;
        let chosen = environment.get(PRODUCT).filter(|name| !name.is_empty());
        let chosen = chosen.or(products.first().filter(|_| products.len() == 1).map(|only| &only.name)).cloned();
        let node_image = pick!(node_image);
        let image_server = match &node_image {
            Some(name) => remotes::image_server(NODE_IMAGE, name, environment)?,
            None => None,
        };
        let config = Self {
            lxd,
            snap: snap.map(whole),
            products,
            product: None,
            upgrade_from: pick!(upgrade_from).map(whole_from),
            microcloud_snap: pick!(microcloud_snap).map(whole),
            lxd_snap: pick!(lxd_snap).map(whole),
            extra_snaps: pick!(extra_snaps).unwrap_or_default().into_iter().map(whole).collect(),
            image_server,
            node_image,
            project: pick!(project).unwrap_or_else(|| "microovn-testkit".to_owned()),
            pool: pick!(pool).unwrap_or_else(|| "testkit".to_owned()),
            cache_dir,
            out_dir: pick!(out_dir).map_or_else(|| root.join("target/testkit"), whole),
            state_dir: pick!(state_dir).map(whole).unwrap_or_else(|| PathBuf::from("/var/lib/microovn-testkit")),
            coverage: pick!(coverage).unwrap_or_default(),
            coverage_dir: pick!(coverage_dir).map(whole),
            keep: pick!(keep).unwrap_or_default(),
            reuse: pick!(reuse).unwrap_or_default(),
            traffic: pick!(traffic).unwrap_or_default(),
            known: environment::switch(environment, KNOWN)?.unwrap_or_default(),
            mtus: environment::mtus(environment, MTUS)?,
            spread: pick!(spread).unwrap_or_default(),
            underlay_parent: pick!(underlay_parent),
            parallel: pick!(parallel).map(|clusters| clusters.number() as usize),
            subnet: pick!(subnet),
            faults: pick!(faults),
            stand_in: pick!(stand_in),
            datapath: pick!(datapath).unwrap_or(Datapath::Auto),
            settle: Duration::from_secs(pick!(settle).map_or(SETTLE, |seconds| seconds.number().into())),
            on: environment.get(ON).filter(|cell| !cell.is_empty()).cloned(),
            pause_before: environment.get(PAUSE_BEFORE).filter(|step| !step.is_empty()).cloned(),
            for_user: environment.get("SUDO_USER").filter(|user| !matches!(user.as_str(), "" | "root")).cloned(),
            notices: upstream::notices(environment),
            nextest: Nextest::find(environment)?,
            nextest_profile: environment.get("NEXTEST_PROFILE").filter(|name| !name.is_empty()).cloned(),
            root,
            dist,
            rebased: BTreeMap::new(),
        };
        match chosen {
            Some(name) => config.with_product(&name),
            None => Ok(config),
        }
    }
}

impl Config {
    /// Fails where this user may not keep what a run leaves, before anything is made for one.
    ///
    /// # Errors
    /// With the folder, and what to do.
    pub fn require_writable(&self) -> Result<(), ConfigError> {
        let of_dist = self.dist.as_ref().map(|dist| {
            (dist.target(), "a distribution unpacks its suites there; unpack the archive into a folder of your own")
        });
        let of_runs = (self.out_dir.clone(), "what runs leave is kept there; name another folder with TESTKIT_OUT_DIR");
        for (path, why) in of_dist.into_iter().chain([of_runs]) {
            if !is_writable(&path) {
                return Err(ConfigError::Unwritable { path, why });
            }
        }
        Ok(())
    }
}

/// Whether this user may write to a folder, or make it.
fn is_writable(folder: &Path) -> bool {
    use rustix::fs::Access;
    let there = folder.ancestors().find(|folder| folder.exists());
    there.is_some_and(|there| rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

/// The environment for a process that is to outlive the job that started it, which has none of the marks by which CI systems
/// find what a job has left.
pub fn lasting() -> Vec<(OsString, OsString)> {
    lasting_of(std::env::vars_os())
}

/// Where the program of this name is that was `built` at the given path: nextest says so to a test, because the tests of an
/// archive run elsewhere than they were built.
pub fn program(name: &str, built: &str) -> PathBuf {
    std::env::var_os(format!("NEXTEST_BIN_EXE_{name}")).map_or_else(|| PathBuf::from(built), PathBuf::from)
}

/// The nearest folder at or above `directory` that is a distribution, or whose `Cargo.toml` declares a workspace.
fn find_root(directory: &Path) -> Result<(PathBuf, Option<Dist>), ConfigError> {
    for folder in directory.ancestors() {
        if let Some(dist) = Dist::at(folder, dist::BUILD)? {
            return Ok((folder.to_owned(), Some(dist)));
        }
        if std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]")) {
            return Ok((folder.to_owned(), None));
        }
    }
    Err(ConfigError::NoWorkspace(directory.to_owned()))
}

fn read_file(path: &Path) -> Result<Layer, ConfigError> {
    match written::read(path) {
        Ok(text) => {
            let layer = toml::from_str(&text)
                .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source.into()) })?;
            product::require_own_names(path, &text)?;
            Ok(layer)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Layer::default()),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
