//! What a cluster is cloned from: the node image and the snaps the configuration names, as one golden image.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::ClusterError;
use crate::config::{Config, LxdTarget, StandIn, UpgradeFrom};
use crate::folder::{self, FolderError, RunFolder};
use crate::image::{self, Cache, Golden, GoldenSpec, Maker, NodeSnapd, Progress, Snap, SnapStore, Workspace};
use crate::lxd::{Client, ImageRef};
use crate::plan::Datapath;
use crate::session::Process;

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Whether it is the stand-in that was built here.
    pub stand_in: bool,
    /// The snap's name.
    pub name: String,
    /// The snap's version.
    pub version: String,
    /// SHA-256 of the snap file, hexadecimal.
    pub sha256: String,
    /// What carries packets on its members.
    #[serde(default)]
    pub datapath: Option<Datapath>,
    /// The MicroCloud that forms clusters of it, where one does.
    #[serde(default)]
    pub microcloud: Option<String>,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.stand_in { "stand-in for " } else { "" };
        write!(f, "{what}{} {} (sha256 {})", self.name, self.version, self.sha256)?;
        self.microcloud.as_ref().map_or(Ok(()), |microcloud| write!(f, ", formed by {microcloud}"))?;
        self.datapath.map_or(Ok(()), |datapath| write!(f, ", {datapath}"))
    }
}

/// Builds or finds the golden image of this configuration.
///
/// # Errors
/// When a snap cannot be used, an artifact cannot be built, or LXD refuses. Nothing half made is left.
pub async fn golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(Golden, Product), ClusterError> {
    let (spec, product, _alone) = describe(config, client, progress).await?;
    let golden = image::ensure_golden(client, &spec, progress).await?;
    Ok((golden, product))
}

/// The product that this run tests, where it has come to that: what was found out once is in `common`. `by_microcloud` where a
/// MicroCloud forms clusters of it.
///
/// # Errors
/// When what was found out cannot be read.
pub fn product_of(common: &RunFolder, by_microcloud: bool) -> Result<Option<Product>, FolderError> {
    let names = if by_microcloud { &["golden-microcloud"][..] } else { &["golden", "golden-older"][..] };
    for name in names {
        // What upgrades start from may be nothing.
        if let Some(Some((_, product))) = folder::read::<Option<(serde_json::Value, Product)>>(&common.once(name).0)? {
            return Ok(Some(product));
        }
    }
    Ok(None)
}

/// Has LXD copy the golden image to every other member of the cluster that is there, to all at the same time, each once; how
/// many have it now. Nothing is to be done where LXD is no cluster.
///
/// # Errors
/// When it cannot be copied to one.
pub async fn golden_everywhere(
    client: &Client,
    golden: &Golden,
    tell: impl Fn(&str) + Sync,
) -> Result<usize, ClusterError> {
    if !client.is_clustered() {
        return Ok(1);
    }
    let members = client.list_cluster_members().await?;
    let copies = members.iter().filter(|member| member.is_online()).map(async |member| {
        image::ensure_golden_on(client, golden, &member.name, &maker(), &mut |text| tell(text)).await
    });
    Ok(try_join_all(copies).await?.len())
}

/// Builds or finds the golden image of the release that upgrades start from, with the one under test lying on it as a file; the
/// product is that one. `None` where there is no older release.
///
/// # Errors
/// As [`golden`].
pub async fn older_golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<Option<(Golden, Product)>, ClusterError> {
    let (spec, product, locks) = describe(config, client, progress).await?;
    let workspace = Workspace::new(&config.root);
    let cast = match find_older(config, |channel| Ok(SnapStore::new(&locks.0).channel(channel, false)?))? {
        Some(older) => Some(complete(config, (older, spec.extra_snaps.clone()), &workspace, &locks.0, progress)?),
        None if config.snap.is_none() => older_stand_in(config, &workspace, &locks.0, progress)?,
        None => None,
    };
    let Some((snap, extra_snaps)) = cast else { return Ok(None) };
    let spec = GoldenSpec { snap, extra_snaps, newer: Some(spec.snap), ..spec };
    Ok(Some((image::ensure_golden(client, &spec, progress).await?, product)))
}

/// Builds or finds the golden image of this configuration with MicroCloud beside the product, and the LXD that the configuration
/// names for it.
///
/// # Errors
/// As [`golden`], and when what is named is something else.
pub async fn microcloud_golden(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(Golden, Product), ClusterError> {
    let (mut spec, mut product, locks) = describe(config, client, progress).await?;
    let [microcloud, lxd] = inspect_beside(config)?;
    spec.beside.extend(lxd);
    let (microcloud, what) = match microcloud {
        Some(given) => (given, ""),
        None => {
            let base = spec.snap.base.as_deref().unwrap_or("core");
            let built = image::build_microcloud(&spec.workspace, &locks.0, base, progress)?;
            (named(config, &built, MICROCLOUD)?, "the stand-in for ")
        }
    };
    product.microcloud = Some(format!("{what}{} {}", microcloud.name, microcloud.version));
    spec.beside.push(microcloud);
    Ok((image::ensure_golden(client, &spec, progress).await?, product))
}

/// A snap beside the product: the variable that says which, and its name.
type Beside = (&'static str, &'static str);
const MICROCLOUD: Beside = ("MICROCLOUD_SNAP_PATH", "microcloud");
const LXD: Beside = ("LXD_SNAP_PATH", "lxd");

/// MicroCloud and the LXD that it needs, each where the configuration names one.
fn inspect_beside(config: &Config) -> Result<[Option<Snap>; 2], ClusterError> {
    let of = |path: &Option<PathBuf>, what| path.as_ref().map(|path| named(config, path, what)).transpose();
    Ok([of(&config.microcloud_snap, MICROCLOUD)?, of(&config.lxd_snap, LXD)?])
}

fn named(config: &Config, path: &Path, (variable, name): Beside) -> Result<Snap, ClusterError> {
    let snap = Snap::inspect(path)?;
    if snap.name != name {
        return Err(ClusterError::OtherSnap { variable, name, found: snap.name });
    }
    require_host(config, &snap)?;
    Ok(snap)
}

/// Fails unless this is a snap of MicroOVN for the hosts that clusters are on.
///
/// # Errors
/// With what it is, and what to give instead.
pub fn require_product(config: &Config, snap: &Snap) -> Result<(), image::Error> {
    snap.require_microovn()?;
    require_host(config, snap)
}

/// Fails unless this is for hosts as this one. Of those that are elsewhere it is not known what they are.
fn require_host(config: &Config, snap: &Snap) -> Result<(), image::Error> {
    match config.lxd {
        LxdTarget::Local { .. } => snap.require_architecture(image::debian_architecture()),
        LxdTarget::Remote { .. } => Ok(()),
    }
}

/// The snap that upgrades start from, where the configuration names one.
fn find_older(
    config: &Config,
    fetch: impl FnOnce(&str) -> Result<PathBuf, ClusterError>,
) -> Result<Option<Snap>, ClusterError> {
    let path = match &config.upgrade_from {
        None => return Ok(None),
        Some(from) if config.snap.is_none() => return Err(ClusterError::UpgradeAlone(from.to_string())),
        Some(UpgradeFrom::File(path)) => path.clone(),
        Some(UpgradeFrom::Channel(channel)) => fetch(channel)?,
    };
    let snap = Snap::inspect(&path)?;
    require_product(config, &snap)?;
    Ok(Some(snap))
}

/// The release of the stand-in before the one under test, and the snaps to install before it: the bases of both.
fn older_stand_in(
    config: &Config,
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<Option<(Snap, Vec<Snap>)>, ClusterError> {
    let release = image::choose_release(workspace, cache, config.stand_in)?;
    let Some(older) = image::find_older_release(workspace, cache, release)? else { return Ok(None) };
    let newer_base = image::build_base(workspace, cache, release, progress)?;
    let built = image::build_snaps(workspace, cache, older, progress)?;
    let extra = [&built.snapd, &built.base, &newer_base].map(|path| Snap::inspect(path));
    Ok(Some((Snap::inspect(&built.stand_in)?, extra.into_iter().collect::<Result<_, _>>()?)))
}

/// The node image built here and the snaps in the order in which they are installed, the one to test last: what somebody
/// needs who makes members by hand. `None` where the configuration names another image, which needs more steps.
///
/// # Errors
/// As [`golden`].
pub async fn ingredients(config: &Config, client: &Client) -> Result<Option<(String, Vec<PathBuf>)>, ClusterError> {
    let (spec, _, _locks) = describe(config, client, &mut |_| {}).await?;
    let image = match spec.image {
        ImageRef::Alias(alias) if config.node_image.is_none() => alias,
        _ => return Ok(None),
    };
    Ok(Some((image, spec.extra_snaps.into_iter().chain([spec.snap]).map(|snap| snap.path).collect())))
}

/// What the golden image of this configuration is made of, with the product, and the locks that must be held while it
/// is made.
pub(super) async fn describe(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<(GoldenSpec, Product, (Cache, File)), ClusterError> {
    let given = inspect_given(config)?;
    Cache::require_ours(&config.cache_dir)?;
    let named = check_lxd(config, client, progress).await?;
    let workspace = Workspace::new(&config.root);
    let locks = locks(&config.cache_dir).await?;
    let given = given.map(|given| complete(config, given, &workspace, &locks.0, progress)).transpose()?;
    let (snap, extra) = snaps(given, config.stand_in, &workspace, &locks.0, progress)?;
    let datapath = if crate::host::ensure_datapath(config).userspace { Datapath::Userspace } else { Datapath::Kernel };
    let product = Product {
        stand_in: config.snap.is_none(),
        name: snap.name.clone(),
        version: snap.version.clone(),
        sha256: snap.sha256.to_string(),
        datapath: Some(datapath),
        microcloud: None,
    };
    let image = match named {
        Some(image) => image,
        None => {
            let node = image::build_node(&workspace, &locks.0, progress)?;
            image::ensure_node_image(client, &node, image::NODE_ALIAS).await?;
            ImageRef::Alias(image::NODE_ALIAS.to_owned())
        }
    };
    let spec = GoldenSpec {
        workspace,
        image,
        extra_snaps: extra,
        snap,
        newer: None,
        beside: Vec::new(),
        pool: config.pool.clone(),
        network: Some(crate::host::BRIDGE.to_owned()),
        tags: BTreeMap::new(),
        maker: maker(),
    };
    Ok((spec, product, locks))
}

/// The snaps that a configuration names, which were looked at.
#[derive(Debug)]
pub struct GivenSnaps {
    /// The one under test, and those to install before it.
    tested: Option<(Snap, Vec<Snap>)>,
    /// The one that upgrades start from.
    older: Option<Snap>,
}

impl GivenSnaps {
    /// Looks at the snap under test, those to install before it and the one that upgrades start from, where the configuration names
    /// them; with `microcloud` also at those that MicroCloud forms clusters with. Needs no LXD, so that a command can fail for them
    /// before it does anything else.
    ///
    /// # Errors
    /// When one cannot be used, an upgrade is none, or there are some to install first and none to test.
    pub fn inspect(config: &Config, microcloud: bool) -> Result<Self, ClusterError> {
        let tested = inspect_given(config)?;
        if microcloud {
            inspect_beside(config)?;
        }
        let fetch = |channel: &str| Ok(SnapStore::new(&Cache::open(&config.cache_dir)?).channel(channel, true)?);
        let older = find_older(config, fetch)?;
        if let (Some((snap, _)), Some(older)) = (&tested, &older)
            && older.is_newer_than(snap)
        {
            return Err(ClusterError::NewerBefore { older: Box::new(older.clone()), newer: Box::new(snap.clone()) });
        }
        Ok(Self { tested, older })
    }

    /// Fails unless they suit the nodes. And unless LXD answers, which is asked first: to make what nodes are made of takes minutes.
    ///
    /// # Errors
    /// When no LXD answers, or one needs what a node does not have.
    pub async fn require_suitable(self, config: &Config, progress: &mut Progress<'_>) -> Result<(), ClusterError> {
        Cache::require_ours(&config.cache_dir)?;
        crate::host::connect(config).await?;
        let Some((snap, extra)) = self.tested else { return Ok(()) };
        let workspace = Workspace::new(&config.root);
        let cache = Cache::open(&config.cache_dir)?;
        for snap in [snap].into_iter().chain(self.older) {
            complete(config, (snap, extra.clone()), &workspace, &cache, progress)?;
        }
        Ok(())
    }
}

/// Looks at the snaps that the configuration names, and whether LXD answers and they suit the nodes.
///
/// # Errors
/// As [`GivenSnaps::inspect`] and [`GivenSnaps::require_suitable`].
pub async fn check_given_snaps(
    config: &Config,
    microcloud: bool,
    progress: &mut Progress<'_>,
) -> Result<(), ClusterError> {
    GivenSnaps::inspect(config, microcloud)?.require_suitable(config, progress).await
}

/// The snap that is given and those to install before it, with what the store has of what is lacking still. What an image of
/// somebody else's has is not known before it is there.
///
/// # Errors
/// When one of them needs what neither a node nor the snaps before it have.
fn complete(
    config: &Config,
    (snap, extra): (Snap, Vec<Snap>),
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<(Snap, Vec<Snap>), ClusterError> {
    if config.node_image.is_some() {
        return Ok((snap, extra));
    }
    let (extra, refused) = SnapStore::new(cache).supply(&snap, extra, progress);
    let version = Some(image::node_snapd(workspace, cache, progress)?);
    let snaps: Vec<&Snap> = extra.iter().chain([&snap]).collect();
    image::require(&snaps, &NodeSnapd { version, alone: true }).map_err(|error| match (error, refused) {
        (image::Error::Snap { path, problem, mend }, Some(refused)) => {
            image::Error::Snap { path, problem: format!("{problem}; {refused}"), mend }
        }
        (error, _) => error,
    })?;
    Ok((snap, extra))
}

/// The snap under test and those to install before it, where the configuration names them.
fn inspect_given(config: &Config) -> Result<Option<(Snap, Vec<Snap>)>, ClusterError> {
    config.require_decided()?;
    let Some(path) = &config.snap else {
        return match config.extra_snaps.first() {
            Some(extra) => Err(ClusterError::ExtraAlone(extra.clone())),
            None => Ok(None),
        };
    };
    let paths: Vec<&Path> = [path].into_iter().chain(&config.extra_snaps).map(PathBuf::as_path).collect();
    let mut snaps = Snap::inspect_all(&paths)?;
    let extra = snaps.split_off(1);
    let snap = snaps.remove(0);
    require_product(config, &snap)?;
    for (place, given) in extra.iter().enumerate() {
        require_host(config, given)?;
        let twice = extra[..place].iter().any(|before| before.name == given.name);
        let problem = match given.name == snap.name {
            true => format!("it is of {}, as the snap under test", snap.name),
            false if twice => format!("it is of {}, as another one before it", given.name),
            false => continue,
        };
        let mend = "leave it out of MICROOVN_EXTRA_SNAPS".to_owned();
        return Err(image::Error::Snap { path: given.path.clone(), problem, mend }.into());
    }
    Ok(Some((snap, extra)))
}

/// Fails if LXD lacks what the configuration names, before anything is built for it. Returns the node image that is
/// named, if one is.
async fn check_lxd(
    config: &Config,
    client: &Client,
    progress: &mut Progress<'_>,
) -> Result<Option<ImageRef>, ClusterError> {
    if client.find_storage_pool(&config.pool).await?.is_none() {
        return Err(image::Error::NoPool { pool: config.pool.clone() }.into());
    }
    match &config.node_image {
        None => Ok(None),
        Some(name) => {
            let named = image::Named { name, server: config.image_server.as_ref(), cache: &config.cache_dir };
            Ok(Some(image::find_or_pull(client, &named, progress).await?))
        }
    }
}

/// This process as a maker of golden images, which others may wait for: `host/pid namespace/process`.
pub fn maker() -> Maker {
    Maker { name: format!("{}/{}", place(), Process::current()), is_alive }
}

/// Whether a maker still runs: whoever is not in the same place as this process cannot be seen from here.
fn is_alive(maker: &str) -> Option<bool> {
    let (seen, process) = maker.rsplit_once('/')?;
    if seen == place() { process.parse::<Process>().ok()?.is_alive() } else { None }
}

/// Where a process id means something: the host, and on it the containers that share its processes.
fn place() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let number: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{}/{number}", host.trim())
}

/// The snaps that were given, or those of the stand-in.
fn snaps(
    given: Option<(Snap, Vec<Snap>)>,
    release: Option<StandIn>,
    workspace: &Workspace,
    cache: &Cache,
    progress: &mut Progress<'_>,
) -> Result<(Snap, Vec<Snap>), ClusterError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let release = image::choose_release(workspace, cache, release)?;
    let built = image::build_snaps(workspace, cache, release, progress)?;
    let mut snaps = Snap::inspect_all(&[&built.stand_in, &built.snapd, &built.base])?;
    let extra = snaps.split_off(1);
    let snap = snaps.remove(0);
    snap.require_microovn()?;
    Ok((snap, extra))
}

/// Waits for the cache and for the right to make golden images, without holding up other tasks: who has them may be
/// waiting for LXD, which must not wait for a request of ours.
pub(super) async fn locks(folder: &Path) -> Result<(Cache, File), ClusterError> {
    let (folder, path) = (folder.to_owned(), image::golden_lock_path(folder));
    let taken = tokio::task::spawn_blocking(move || {
        let cache = Cache::open(&folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let alone = file.and_then(|file| file.lock().map(|()| file));
        Ok((cache, alone.map_err(|source| ClusterError::Io { action: "lock", path, source })?))
    });
    taken.await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Layer;

    const GOOD: &str = "name: microovn\nversion: 1\nbase: none\n\
                        apps: {microovn: {command: x}, daemon: {command: x, daemon: simple}}\n";

    fn put(folder: &Path, name: &str, yaml: &str) -> PathBuf {
        let (tree, file) = (folder.join(format!("{name}.tree")), folder.join(format!("{name}.snap")));
        fs::create_dir_all(tree.join("meta")).expect("a tree");
        fs::write(tree.join("meta/snap.yaml"), yaml).expect("written");
        let packed = duct::cmd!("mksquashfs", &tree, &file, "-quiet", "-no-progress");
        packed.stdout_null().run().expect("it is packed");
        file
    }

    #[tokio::test]
    async fn what_is_given_is_looked_at_and_lxd_is_asked_before_anything_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::write(root.join("Cargo.toml"), "[workspace]\n").expect("a manifest");
        let good = put(root, "good", GOOD);
        let copy = root.join("copy.snap");
        fs::copy(&good, &copy).expect("a copy");
        let lxd = put(root, "lxd", "name: lxd\nversion: 5\ntype: app\nbase: none\n");
        let elsewhere = put(root, "elsewhere", &format!("{GOOD}architectures: [sparc]\n"));
        let base = put(root, "base", "name: base1\nversion: 1\ntype: base\narchitectures: [sparc]\n");
        let given = || Layer {
            lxd_socket: Some("/nonexistent/s".into()),
            cache_dir: Some(root.join("cache")),
            snap: Some(good.clone()),
            ..Layer::default()
        };
        let nowhere = root.join("nowhere.snap");
        for (layer, microcloud, wanted) in [
            (given(), false, "connect to LXD"),
            (Layer { snap: None, ..given() }, false, "connect to LXD"),
            (Layer { microcloud_snap: Some(nowhere.clone()), ..given() }, false, "connect to LXD"),
            (
                Layer { microcloud_snap: Some(nowhere.clone()), ..given() },
                true,
                "nowhere.snap is not a usable snap: there is no",
            ),
            (
                Layer { lxd_snap: Some(nowhere.clone()), ..given() },
                true,
                "nowhere.snap is not a usable snap: there is no",
            ),
            (
                Layer { microcloud_snap: Some(lxd.clone()), ..given() },
                true,
                "MICROCLOUD_SNAP_PATH names a snap of lxd; it is for one of microcloud",
            ),
            (Layer { lxd_snap: Some(lxd.clone()), ..given() }, true, "connect to LXD"),
            (
                Layer { snap: Some(elsewhere.clone()), ..given() },
                false,
                "elsewhere.snap is not a usable snap: it is for sparc, and this host is ",
            ),
            (
                Layer { extra_snaps: Some(vec![base.clone()]), ..given() },
                false,
                "base.snap is not a usable snap: it is for sparc",
            ),
            (Layer { upgrade_from: Some(UpgradeFrom::File(elsewhere.clone())), ..given() }, false, "it is for sparc"),
            (
                Layer { extra_snaps: Some(vec![copy.clone()]), ..given() },
                false,
                "copy.snap is not a usable snap: it is of microovn, as the snap under test; leave it out of MICROOVN_EXTRA_SNAPS",
            ),
            (
                Layer { extra_snaps: Some(vec![lxd.clone(), lxd.clone()]), ..given() },
                false,
                "lxd.snap is not a usable snap: it is of lxd, as another one before it; leave it out",
            ),
        ] {
            let config = Config::resolve_from(layer, &BTreeMap::new(), root).expect("resolves");
            let told = &mut |said: &str| panic!("it makes something: {said}");
            let error = check_given_snaps(&config, microcloud, told).await.expect_err("refused");
            assert!(error.is_usage());
            let said = crate::report::chain(&error);
            assert!(said.contains(wanted), "no {wanted:?} in {said}");
            assert!(!root.join("cache").exists(), "{wanted}");
        }
    }

    #[test]
    fn a_maker_is_seen_to_live_only_where_its_process_can_be_seen() {
        let me = maker().name;
        assert_eq!(is_alive(&me), Some(true));
        let ended = format!("{}/{}", place(), Process { started: 1, ..Process::current() });
        assert_eq!(is_alive(&ended), Some(false));
        assert_eq!(is_alive(&format!("elsewhere/1/{}", Process::current())), None);
        assert_eq!(is_alive("no name of ours"), None);
    }

    #[tokio::test]
    async fn who_waits_for_the_cache_holds_up_no_other_task() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = Cache::open(folder.path()).expect("a cache");
        // On the one thread of this test, a wait that blocks would keep the other from letting go.
        let (taken, ()) = tokio::join!(locks(folder.path()), async { drop(other) });
        taken.expect("both locks");
    }
}
