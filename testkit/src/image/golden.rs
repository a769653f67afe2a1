//! The golden image: a stopped instance with all snaps installed, from which nodes are copied.
//!
//! A copy costs a fraction of a second on btrfs, where an installation of the snaps takes ten. What a node must not
//! share with others (host name, machine id, addresses, MicroOVN's own keys) is rendered by the image's templates on
//! copy, or removed here before the instance is marked ready. The mark is written last: an instance without it is
//! half made, whatever its state, and is made again.

mod foreign;
mod maker;
mod members;
mod room;
mod steps;

pub use maker::Maker;
pub use members::ensure_golden_on;
pub use room::{Full, found_full};
pub use steps::DAEMON_ANSWERS;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::build::{self, Progress};
use super::error::Error;
use super::hash::{Hash, Hasher};
use super::recipe::Workspace;
use super::snap::Snap;
use super::store::{OWNER, OWNER_KEY, is_built_here};
use crate::lxd::{
    self, Client, Config, Devices, Image, ImageRef, Instance, InstancePatch, InstanceSource, InstanceSpec,
};
use crate::wait;
use maker::Found;

/// Raised when instances are prepared in another way, so that older golden images are not used.
const PREPARATION_VERSION: &str = "golden 3";

/// Set to `true` when a golden image is complete.
pub const READY_KEY: &str = "user.testkit.ready";

/// Of all that it is made of.
const HASH_KEY: &str = "user.testkit.hash";

/// What an instance is: `golden`, or `node` for a copy of one.
pub const KIND_KEY: &str = "user.testkit.kind";

/// The host name that the image's templates render.
pub const HOSTNAME_KEY: &str = "user.testkit.hostname";

/// What carries packets on a node, as Open vSwitch calls it: the image's templates have its switch told so at every start.
pub const DATAPATH_KEY: &str = "user.testkit.datapath";

/// Where the newer snap lies on nodes that are refreshed to it.
pub const NEWER: &str = "/root/microovn.snap";

/// Plugs that could not be connected, as JSON; kept on the golden image for those who find it made.
const UNCONNECTED_KEY: &str = "user.testkit.unconnected";

const ABOUT: &str = "MicroOVN system tests: nodes are copied from this";

/// How often another process may be quicker before that is an error.
const RACES: usize = 3;

/// For single LXD calls that move data: creating from an image that is not unpacked yet, stopping.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a golden image is made of.
#[derive(Debug, Clone)]
pub struct GoldenSpec {
    /// Where the node image's files are, for images that are not ours.
    pub workspace: Workspace,
    /// The image: an alias or a fingerprint that LXD has.
    pub image: ImageRef,
    /// Snaps to install before the one under test, in order: snapd, a base.
    pub extra_snaps: Vec<Snap>,
    /// The snap under test.
    pub snap: Snap,
    /// The newer snap that nodes are refreshed to, which lies on them as a file; `None` where they are not.
    pub newer: Option<Snap>,
    /// Snaps that are installed after it, in order, and stay beside it.
    pub beside: Vec<Snap>,
    /// The storage pool.
    pub pool: String,
    /// A bridge for preparing an instance that has to fetch something; `None` where nothing is fetched.
    pub network: Option<String>,
    /// The tags of a run that the golden image is to end with; empty where it is to outlive all runs. What it is made
    /// of is the same either way, so they are not in its hash.
    pub tags: BTreeMap<String, String>,
    /// Who makes it, if it is not there.
    pub maker: Maker,
}

/// A plug of the snap that is not connected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unconnected {
    /// The plug.
    pub plug: String,
    /// snapd's word on why.
    pub reason: String,
}

/// A complete golden image.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Golden {
    /// The stopped instance to copy.
    pub instance: String,
    /// Of all that it is made of.
    pub hash: Hash,
    /// The snap under test, as it says of itself.
    pub snap: Snap,
    /// The newer snap that lies on nodes.
    #[serde(default)]
    pub newer: Option<Snap>,
    /// Plugs that snapd refused to connect. Whether that matters is for a check to say.
    pub unconnected: Vec<Unconnected>,
    /// Whether it was made by this call.
    pub made: bool,
    /// What a copy is to have of its configuration.
    pub config: Config,
    /// What a copy is to have of its devices.
    pub devices: Devices,
    /// Its profiles, and a copy's.
    pub profiles: Vec<String>,
    /// The storage pool it is in.
    pub pool: String,
    /// The member of the LXD cluster that it is on, and so are its copies; `None` where LXD is no cluster.
    #[serde(default)]
    pub member: Option<String>,
    /// Such as `x86_64`, which a copy on a member must be told.
    #[serde(default)]
    pub architecture: String,
}

/// One network device of a node.
#[derive(Debug, Clone)]
pub struct NodeNic {
    /// `eth0`, `eth1`, `eth2`, `lo`, or `br-uplink`, which is made where it has a file: the templates know these.
    pub device: String,
    /// The LXD network; `None` for a device that every instance has.
    pub network: Option<String>,
    /// A networkd file, the whole text.
    pub networkd: String,
}

impl Golden {
    fn of(instance: Instance, hash: Hash, made: bool, spec: &GoldenSpec) -> Golden {
        let unconnected = instance.config.get(UNCONNECTED_KEY).and_then(|text| serde_json::from_str(text).ok());
        Golden {
            hash,
            unconnected: unconnected.unwrap_or_default(),
            made,
            snap: spec.snap.clone(),
            newer: spec.newer.clone(),
            pool: spec.pool.clone(),
            member: members::of(&instance),
            architecture: instance.architecture.clone(),
            config: instance.config_to_copy(),
            devices: instance.devices,
            profiles: instance.profiles,
            instance: instance.name,
        }
    }

    /// A copy of this image as a node, to be passed to [`Client::create_instance`]: its identity and addresses are in
    /// place before it first boots. All that it has is in it, because a copy inherits nothing from LXD 6.8 on, and before
    /// that what it does not override: marks that belong to the golden image alone are. Add a run's own.
    pub fn node(&self, name: &str, hostname: &str, nics: &[NodeNic]) -> InstanceSpec {
        let source = InstanceSource::Copy { instance: self.instance.clone(), project: None };
        let mut spec = InstanceSpec::container(name, source);
        spec.target.clone_from(&self.member);
        spec.architecture = self.member.as_ref().map(|_| self.architecture.clone());
        spec.profiles = Some(self.profiles.clone());
        spec.config.clone_from(&self.config);
        let own = [(KIND_KEY, "node"), (READY_KEY, "false"), (UNCONNECTED_KEY, "[]"), (HOSTNAME_KEY, hostname)];
        spec.config.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
        spec.devices.clone_from(&self.devices);
        spec.devices.extend(root_device(&self.pool));
        for nic in nics {
            spec.config.insert(format!("user.testkit.network.{}", nic.device), nic.networkd.clone());
            if let Some(network) = &nic.network {
                spec.devices.insert(nic.device.clone(), nic_device(&nic.device, network));
            }
        }
        spec
    }
}

/// The file whose exclusive lock ([`std::fs::File::lock`]) must be held around [`ensure_golden`].
pub fn golden_lock_path(state: &Path) -> PathBuf {
    state.join("golden.lock")
}

/// Whether an instance is a golden image of ours, complete or not.
pub fn is_golden(config: &BTreeMap<String, String>) -> bool {
    let is = |key: &str, value: &str| config.get(key).is_some_and(|seen| seen == value);
    is(OWNER_KEY, OWNER) && is(KIND_KEY, "golden")
}

/// Finds the golden image that `spec` describes, or makes it, within about half a minute.
///
/// `client` is for the project that the image is to be in. What another process makes is waited for, on whatever host
/// that is; what one left half made is made again. The caller holds the lock of [`golden_lock_path`], which spares
/// processes with the same cache from making the same snaps.
pub async fn ensure_golden(client: &Client, spec: &GoldenSpec, progress: &mut Progress<'_>) -> Result<Golden, Error> {
    let (image, hash, name) = identify(client, spec).await?;
    if let Some(found) = members::find(client, &hash).await? {
        return Ok(Golden::of(found, hash, false, spec));
    }
    let mut made = false;
    let mut lost = 0;
    loop {
        match maker::find(client, &name, &spec.maker, progress).await? {
            Found::Ready(instance) => return Ok(Golden::of(*instance, hash, made, spec)),
            Found::Nothing => {}
            Found::Abandoned(found) => {
                if !maker::take_over(client, &name, &found, &spec.maker).await? {
                    continue;
                }
                progress(&format!("removing {name}, which is half made"));
                let removed = client.delete_instance_forced(&name, DEADLINE).await;
                removed.map_err(Error::lxd(format!("remove half made golden image {name}")))?;
            }
        }
        room::for_golden(client, &spec.pool).await?;
        progress(&format!("making golden image {name}"));
        match create(client, spec, &image, &name, &hash).await {
            Ok(()) => {}
            // Another process was quicker, and is waited for.
            Err(error) if error.is_already_exists() && lost < RACES => {
                lost += 1;
                continue;
            }
            Err(error) => {
                return Err(failed(client, spec, &name, Error::lxd(format!("create golden image {name}"))(error)).await);
            }
        }
        if let Err(error) = make(client, spec, &image, &name, progress).await {
            return Err(failed(client, spec, &name, error).await);
        }
        made = true;
    }
}

/// Removes what is half made, which only takes room: evidence is in the error. Returns the error with its cause.
async fn failed(client: &Client, spec: &GoldenSpec, name: &str, error: Error) -> Error {
    // Asked before the removal, which makes room.
    let error = match room::found_full(client, &spec.pool, None, &error).await {
        Some(full) => full.because(error),
        None => error,
    };
    maker::remove_own(client, name, &spec.maker, DEADLINE).await;
    error
}

/// The name of the instance that [`ensure_golden`] finds or makes.
pub async fn golden_name(client: &Client, spec: &GoldenSpec) -> Result<String, Error> {
    Ok(identify(client, spec).await?.2)
}

/// The node image, the hash of all that is in the golden image, and the name of its instance.
async fn identify(client: &Client, spec: &GoldenSpec) -> Result<(Image, Hash, String), Error> {
    let image = client.get_image(&spec.image).await.map_err(Error::lxd("find the node image in LXD"))?.value;
    let hash = golden_hash(spec, &image)?;
    let name = members::name(&hash, members::answering(client));
    Ok((image, hash, name))
}

fn golden_hash(spec: &GoldenSpec, image: &Image) -> Result<Hash, Error> {
    let mut hasher = Hasher::new(PREPARATION_VERSION).text("image", &image.fingerprint).text("pool", &spec.pool);
    for snap in spec.extra_snaps.iter().chain([&spec.snap]) {
        hasher = hasher.text("snap", snap.sha256.as_str());
    }
    if let Some(newer) = &spec.newer {
        hasher = hasher.text("newer", newer.sha256.as_str());
    }
    for snap in &spec.beside {
        hasher = hasher.text("beside", snap.sha256.as_str());
    }
    if !is_built_here(image) {
        hasher = hasher.folder("node", &spec.workspace.node())?;
    }
    Ok(hasher.finish())
}

/// Makes the instance, with the marks of its maker.
async fn create(client: &Client, spec: &GoldenSpec, image: &Image, name: &str, hash: &Hash) -> Result<(), lxd::Error> {
    let mut instance = InstanceSpec::container(name, InstanceSource::ImageFingerprint(image.fingerprint.clone()));
    instance.description = ABOUT.to_owned();
    instance.target = members::answering(client).map(str::to_owned);
    let keys = [
        (OWNER_KEY, OWNER),
        (KIND_KEY, "golden"),
        (READY_KEY, "false"),
        (HASH_KEY, hash.as_str()),
        // snapd mounts snaps through FUSE, and MicroOVN makes network namespaces and bridges.
        ("security.nesting", "true"),
    ];
    instance.config = spec.tags.clone();
    instance.config.extend(keys.map(|(key, value)| (key.to_owned(), value.to_owned())));
    instance.config.extend(spec.maker.marks());
    instance.devices = root_device(&spec.pool);
    if let Some(network) = &spec.network {
        instance.devices.insert("eth0".to_owned(), nic_device("eth0", network));
    }
    client.create_instance(&instance, wait::patience(DEADLINE)).await
}

/// Prepares the instance and marks it as ready.
async fn make(
    client: &Client,
    spec: &GoldenSpec,
    image: &Image,
    name: &str,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let prolong = || maker::prolong(client, name, &spec.maker);
    let node = steps::Node { client, name };
    let foreign = !is_built_here(image);
    if foreign {
        progress("giving the image what a node needs");
        foreign::before_first_boot(&node, &spec.workspace).await?;
    }
    prolong().await?;
    let reexec = node.decide_reexec(&spec.extra_snaps, &spec.snap).await?;
    progress("starting it");
    client
        .start_instance(name, wait::patience(DEADLINE))
        .await
        .map_err(Error::lxd(format!("start golden image {name}")))?;
    if foreign {
        foreign::after_first_boot(&node, &spec.workspace).await?;
    }
    node.wait_seeded().await?;
    for snap in spec.extra_snaps.iter().chain([&spec.snap]).chain(&spec.beside) {
        progress(&format!("installing {} {}", snap.name, snap.version));
        prolong().await?;
        node.install(snap).await?;
    }
    progress("connecting plugs");
    prolong().await?;
    let unconnected = node.connect(&spec.snap).await?;
    for snap in &spec.beside {
        for Unconnected { plug, reason } in node.connect(snap).await? {
            progress(&format!("{}:{plug} stays unconnected: {reason}", snap.name));
        }
    }
    node.stop_clocks([&spec.snap].into_iter().chain(&spec.newer)).await?;
    progress("waiting for MicroOVN to answer");
    node.wait_answering(&spec.snap.name).await?;
    if let Some(newer) = &spec.newer {
        progress(&format!("bringing {} {}", newer.name, newer.version));
        node.push(NEWER, build::read(&newer.path)?, 0o600).await?;
    }
    progress("removing what nodes must not share");
    node.clean(&spec.snap.name).await?;
    if foreign {
        foreign::before_last_stop(&node, &spec.workspace).await?;
    }
    stop(client, name).await.map_err(Error::lxd(format!("stop golden image {name}")))?;

    let read = client.get_instance(name).await.map_err(Error::lxd(format!("read golden image {name}")))?;
    let mut put = read.value.to_put();
    put.devices.remove("eth0");
    if !reexec {
        put.config.insert("environment.SNAP_REEXEC".to_owned(), "0".to_owned());
    }
    let mark = client.update_instance(name, &put, read.etag.as_deref(), DEADLINE).await;
    mark.map_err(Error::lxd(format!("update golden image {name}")))?;
    let text = serde_json::to_string(&unconnected).unwrap_or_default();
    let mut config = maker::no_marks();
    config
        .extend([(UNCONNECTED_KEY, text), (READY_KEY, "true".to_owned())].map(|(key, value)| (key.to_owned(), value)));
    let mark = client.patch_instance(name, &InstancePatch { config, devices: Devices::new() }, None).await;
    mark.map_err(Error::lxd(format!("mark golden image {name} as ready")))
}

/// Shuts the instance down. One that does not go is ended: its services have stopped and its disk has been written.
async fn stop(client: &Client, name: &str) -> Result<(), lxd::Error> {
    match client.shut_down_instance(name, DEADLINE).await {
        Err(error) if !error.is_unreachable() => {
            tracing::warn!(%error, name, "it does not shut down; ending it");
            client.stop_instance(name, true, DEADLINE).await
        }
        stopped => stopped,
    }
}

fn root_device(pool: &str) -> Devices {
    let root = [("type", "disk"), ("path", "/"), ("pool", pool)];
    Devices::from([("root".to_owned(), root.map(|(key, value)| (key.to_owned(), value.to_owned())).into())])
}

fn nic_device(name: &str, network: &str) -> BTreeMap<String, String> {
    [("type", "nic"), ("name", name), ("network", network)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
