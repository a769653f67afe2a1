//! What the framework has in LXD for good: a project, a storage pool and a bridge. All carry its tag.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::SetupOptions;
use super::begun::{Begun, Object};
use super::error::Error;
use super::subnet::{Taken, parse_routes, pick};
use crate::image::{OWNER, OWNER_KEY, Program, Progress, is_ours};
use crate::lxd::{Client, Endpoint, Network, NetworkSpec, Project, ProjectSpec, StoragePool, StoragePoolSpec, Tagged};
use crate::wait::{self, Pace, Poll, WaitError};

const GIB: u64 = 1 << 30;

/// The least free space that golden images and a handful of nodes fit in.
const LEAST_SPACE: u64 = 5 * GIB;

/// What the project has. LXD shares by it what is stored once or can only be in the default project, and refuses in it
/// what no node needs: privileged instances, folders and devices of the host, raw configuration, networks that LXD does
/// not manage, snapshots, backups. A snap's confinement needs nesting. Memory and processors are not limited here,
/// because LXD then wants a limit on each instance: what runs at once is bounded by turns instead.
const PROJECT: [(&str, &str); 6] = [
    // Images are shared, so that a node image is stored once.
    ("features.images", "false"),
    // Bridges can only be in the default project; theirs are tagged.
    ("features.networks", "false"),
    ("features.profiles", "true"),
    ("features.storage.volumes", "true"),
    ("restricted", "true"),
    ("restricted.containers.nesting", "allow"),
];

/// For the removal of one object.
const REMOVE: Duration = Duration::from_secs(120);

/// How long a pool that is there and not made yet may be at it.
const PENDING: Pace = Pace::new(10, 500);

/// What [`ensure`] found or made.
pub(super) struct Made {
    pub(super) pool_driver: String,
    pub(super) subnet: Ipv4Net,
}

/// Sees to it that project, pool and bridge are there, pool and bridge on each of these members where LXD is a cluster.
pub(super) async fn ensure(
    client: &Client,
    options: &SetupOptions,
    local: bool,
    members: &[String],
    changes: &mut Vec<String>,
    advice: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<Made, Error> {
    // What can be refused is looked at before anything is made.
    let project = find_project(client, options).await?;
    let wanted = project_config(members);
    let bridge = choose_bridge(client, options, local).await?;
    let mut begun = Begun::new(client, members);
    let making = async {
        let pool_driver = ensure_pool(&mut begun, options, local, changes, advice, progress).await?;
        match project {
            Some(project) => restrict_project(client, project, &wanted, changes).await?,
            None => create_project(&mut begun, options, &wanted, changes).await?,
        }
        let subnet = match bridge {
            Bridge::There(subnet) => subnet,
            Bridge::ToMake { subnet, gateway } => {
                create_bridge(&mut begun, options, subnet, gateway, changes).await?;
                subnet
            }
        };
        Ok(Made { pool_driver, subnet })
    };
    match making.await {
        Ok(made) => Ok(made),
        Err(error) => Err(begun.undo(error).await),
    }
}

/// The project. One of this name that is somebody else's is an error.
async fn find_project(client: &Client, options: &SetupOptions) -> Result<Option<Tagged<Project>>, Error> {
    let name = &options.project;
    let found = client.find_project(name).await.map_err(Error::lxd(format!("look for project {name}")))?;
    found.map(|found| check_ours(&found.value.config, "project", name).map(|()| found)).transpose()
}

/// What the project is to have. In a cluster, where cells are placed on its members.
fn project_config(members: &[String]) -> Vec<(&'static str, &'static str)> {
    let mut config = PROJECT.to_vec();
    if !members.is_empty() {
        config.push(("restricted.cluster.target", "allow"));
    }
    config
}

/// Gives a project of an earlier version what it lacks.
async fn restrict_project(
    client: &Client,
    Tagged { value: Project { name, mut config, description, .. }, etag }: Tagged<Project>,
    wanted: &[(&str, &str)],
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let lacks = wanted.iter().any(|(key, value)| config.get(*key).is_none_or(|seen| seen != value));
    if lacks {
        config.extend(tagged(wanted));
        changes.push(format!("restricted project {name}"));
        let spec = ProjectSpec { name: name.clone(), config, description };
        let updated = client.update_project(&spec, etag.as_deref()).await;
        updated.map_err(Error::lxd(format!("restrict project {name}")))?;
    }
    Ok(())
}

async fn create_project(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    wanted: &[(&str, &str)],
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let name = &options.project;
    let spec = ProjectSpec {
        name: name.clone(),
        config: tagged(wanted),
        description: "MicroOVN system tests; `testkit teardown` removes it".to_owned(),
    };
    let made = begun.make(Object::Project(name.clone()), async |client| client.create_project(&spec).await).await;
    made.map_err(Error::lxd(format!("create project {name}")))?;
    changes.push(format!("created project {name}"));
    Ok(())
}

/// The driver of the pool, if it is there and whole. One that is being made is waited for; what is left of a creation that
/// failed is removed.
async fn find_pool(
    client: &Client,
    name: &str,
    members: &[String],
    progress: &mut Progress<'_>,
) -> Result<Option<String>, Error> {
    let look = || async { client.find_storage_pool(name).await };
    let attempt = || Error::lxd(format!("look for storage pool {name}"));
    let Some(found) = look().await.map_err(attempt())? else { return Ok(None) };
    check_everywhere(&found.value, members)?;
    check_ours(&found.value.config, "storage pool", name)?;
    let mut pool = Some(found.value);
    if pool.as_ref().is_some_and(StoragePool::is_pending) {
        progress("waiting for a storage pool that is being made");
        let made = wait::until("the storage pool to be made", PENDING, || async {
            match look().await {
                Ok(Some(found)) if found.value.is_pending() => Poll::NotYet(found.value.status),
                Ok(found) => Poll::Ready(found.map(|found| found.value)),
                Err(error) => Poll::Failed(error),
            }
        });
        match made.await {
            Ok(found) => pool = found,
            Err(WaitError::Failed { source, .. }) => return Err(attempt()(source)),
            // Nobody makes it any more.
            Err(WaitError::Deadline { .. }) => {}
        }
    }
    match pool {
        Some(pool) if pool.is_half_made() => {
            progress("removing a storage pool that is half made");
            let removed = client.delete_storage_pool(name).await;
            removed.map_err(Error::lxd(format!("remove storage pool {name}, which is half made")))?;
            Ok(None)
        }
        pool => Ok(pool.map(|pool| pool.driver)),
    }
}

/// Fails if a pool that this framework did not begin is defined on some members of the cluster only.
pub(super) fn check_everywhere(pool: &StoragePool, members: &[String]) -> Result<(), Error> {
    let lacking: Vec<&str> =
        members.iter().filter(|member| !pool.locations.contains(member)).map(String::as_str).collect();
    // What is ours and half made is made anew.
    if lacking.is_empty() || pool.locations.is_empty() || is_tagged(&pool.config) {
        return Ok(());
    }
    let name = &pool.name;
    Err(Error::Host {
        problem: format!(
            "storage pool {name} is on the members {} of the LXD cluster and not on {}",
            pool.locations.join(", "),
            lacking.join(", ")
        ),
        mend: format!(
            "define it on all (`lxc storage create {name} {} --target NAME`) and then without --target, remove it (`lxc \
             storage delete {name}`), or name another with TESTKIT_POOL",
            pool.driver
        ),
    })
}

async fn ensure_pool(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    local: bool,
    changes: &mut Vec<String>,
    advice: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<String, Error> {
    let name = &options.pool;
    let slow = "a copy of a node takes seconds with storage driver dir, and a fraction of one with btrfs: install \
                btrfs-progs, then `testkit teardown` and `testkit setup`";
    let (client, members) = (begun.client, begun.members);
    if let Some(driver) = find_pool(client, name, members, progress).await? {
        if driver == "dir" {
            advice.push(slow.to_owned());
        }
        return Ok(driver);
    }
    let mut size = options.pool_size.unwrap_or(20 * GIB);
    if local && let Some(dir) = lxd_folder(options) {
        let space =
            rustix::fs::statvfs(&dir).map_err(|error| Error::file("see the free space of", &dir)(error.into()))?;
        let free = space.f_bavail * space.f_frsize;
        if free < LEAST_SPACE {
            let problem = format!("{} has {} MiB free, nodes need {}", dir.display(), free >> 20, LEAST_SPACE >> 20);
            return Err(Error::Host { problem, mend: "free some space, or move LXD's folder".to_owned() });
        }
        size = options.pool_size.unwrap_or((free / 4).clamp(8 * GIB, 40 * GIB).min(free));
    }
    progress("creating a storage pool");
    let mut spec = StoragePoolSpec::new(name, "btrfs");
    spec.description = "MicroOVN system tests; `testkit teardown` removes it".to_owned();
    // The loop file is sparse: it takes what is written to it.
    spec.config = tagged(&[("size", &format!("{}MiB", size >> 20))]);
    if client.server().has_storage_driver("btrfs") {
        let pool = Object::Pool(name.clone());
        match begun.make(pool, async |client| client.create_storage_pool_on(members, &spec).await).await {
            Ok(()) => {
                changes.push(format!("created storage pool {name} (btrfs, up to {} GiB)", size >> 30));
                return Ok("btrfs".to_owned());
            }
            Err(error) if error.is_already_exists() => {
                return Err(Error::lxd(format!("create storage pool {name}"))(error));
            }
            Err(error) => {
                tracing::warn!(%error, "no btrfs storage pool");
                let removed = client.delete_storage_pool(name).await;
                removed.map_err(Error::lxd(format!("remove storage pool {name}, which is half made")))?;
            }
        }
    }
    advice.push(slow.to_owned());
    spec.driver = "dir".to_owned();
    spec.config.remove("size");
    let pool = Object::Pool(name.clone());
    let made = begun.make(pool, async |client| client.create_storage_pool_on(members, &spec).await).await;
    made.map_err(Error::lxd(format!("create storage pool {name}")))?;
    changes.push(format!("created storage pool {name} (dir)"));
    Ok("dir".to_owned())
}

/// The bridge: its network, and whether it is there.
enum Bridge {
    There(Ipv4Net),
    ToMake { subnet: Ipv4Net, gateway: std::net::Ipv4Addr },
}

async fn choose_bridge(client: &Client, options: &SetupOptions, local: bool) -> Result<Bridge, Error> {
    let name = &options.bridge;
    let networks = client.list_networks().await.map_err(Error::lxd("list networks"))?;
    if let Some(found) = networks.iter().find(|network| network.name == *name) {
        check_ours(&found.config, "network", name)?;
        if let Some(net) = subnet_of(found) {
            return options.subnet.map_or(Ok(()), |wanted| same_subnet(name, net, wanted)).map(|()| Bridge::There(net));
        }
    }
    let mut taken: Vec<Taken> = networks
        .iter()
        .filter_map(|network| Some(Taken { net: subnet_of(network)?, by: format!("LXD network {}", network.name) }))
        .collect();
    if local {
        let failed = |source| Error::Program {
            attempt: "list the host's routes".to_owned(),
            mend: "install iproute2".to_owned(),
            source: Box::new(source),
        };
        let routes = Program::new("list the host's routes", "ip").args(["-json", "route", "show", "table", "all"]);
        let routes = parse_routes(&routes.run().map_err(failed)?);
        taken.extend(routes.map_err(|error| Error::file("read", "the host's routes")(std::io::Error::other(error)))?);
    }
    let subnet = pick(options.subnet.map(|net| net.trunc()), &taken).map_err(|(net, with)| Error::Collision {
        subnet: net.to_string(),
        bridge: name.clone(),
        with: with.by,
    })?;
    // The first host of a network of at least two.
    let Some(gateway) = subnet.hosts().next() else {
        let mend = "choose one with a prefix of at most 29 with TESTKIT_SUBNET".to_owned();
        return Err(Error::Host { problem: format!("network {subnet} has no room"), mend });
    };
    Ok(Bridge::ToMake { subnet, gateway })
}

async fn create_bridge(
    begun: &mut Begun<'_>,
    options: &SetupOptions,
    subnet: Ipv4Net,
    gateway: std::net::Ipv4Addr,
    changes: &mut Vec<String>,
) -> Result<(), Error> {
    let name = &options.bridge;
    let config = tagged(&[
        ("ipv4.address", &format!("{gateway}/{}", subnet.prefix_len())),
        ("ipv4.nat", "true"),
        ("ipv6.address", "none"),
    ]);
    let mut spec = NetworkSpec::bridge(name, config);
    spec.description = "MicroOVN system tests; `testkit teardown` removes it".to_owned();
    let members = begun.members;
    let object = Object::Network(name.clone());
    let made = begun.make(object, async |client| client.create_network_on(members, &spec).await).await;
    made.map_err(Error::lxd(format!("create network {name} with {subnet}")))?;
    changes.push(format!("created network {name} ({subnet})"));
    Ok(())
}

/// Fails if the bridge is there with another network than the one that is asked for.
pub(super) async fn check_subnet(client: &Client, bridge: &str, wanted: Ipv4Net) -> Result<(), Error> {
    let found = client.find_network(bridge).await.map_err(Error::lxd(format!("look for network {bridge}")))?;
    found.and_then(|found| subnet_of(&found.value)).map_or(Ok(()), |net| same_subnet(bridge, net, wanted))
}

fn same_subnet(bridge: &str, net: Ipv4Net, wanted: Ipv4Net) -> Result<(), Error> {
    if wanted.trunc() == net {
        return Ok(());
    }
    let with = format!("its own network {net} from an earlier setup (`testkit teardown` removes it)");
    Err(Error::Collision { subnet: wanted.to_string(), bridge: bridge.to_owned(), with })
}

/// Removes what is tagged as ours, whoever made it: instances first, what they use after them.
pub(super) async fn remove(
    client: &Client,
    options: &SetupOptions,
    changes: &mut Vec<String>,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let project = client.find_project(&options.project).await;
    let project = project.map_err(Error::lxd(format!("look for project {}", options.project)))?;
    if let Some(project) = project.filter(|project| is_tagged(&project.value.config)) {
        let inside = client.with_project(&options.project);
        let instances = inside.list_instances(None).await.map_err(Error::lxd("list instances"))?;
        for instance in instances {
            progress(&format!("removing instance {}", instance.name));
            let gone = inside.delete_instance_forced(&instance.name, REMOVE).await;
            gone.map_err(Error::lxd(format!("remove instance {}", instance.name)))?;
            changes.push(format!("removed instance {}", instance.name));
        }
        for profile in inside.list_profiles().await.map_err(Error::lxd("list profiles"))? {
            if profile.name != "default" {
                let gone = inside.delete_profile(&profile.name).await;
                gone.map_err(Error::lxd(format!("remove profile {}", profile.name)))?;
            }
        }
        let gone = client.delete_project(&project.value.name).await;
        gone.map_err(Error::lxd(format!("remove project {}", project.value.name)))?;
        changes.push(format!("removed project {}", project.value.name));
    }
    for image in client.list_images().await.map_err(Error::lxd("list images"))?.iter().filter(|image| is_ours(image)) {
        let gone = client.delete_image(&image.fingerprint, REMOVE).await;
        gone.map_err(Error::lxd(format!("remove image {}", image.fingerprint)))?;
        changes.push(format!("removed image {}", image.fingerprint));
    }
    let networks = client.list_networks().await.map_err(Error::lxd("list networks"))?;
    for network in networks.iter().filter(|network| network.managed && is_tagged(&network.config)) {
        let gone = client.delete_network(&network.name).await;
        gone.map_err(Error::lxd(format!("remove network {}", network.name)))?;
        changes.push(format!("removed network {}", network.name));
    }
    let pools = client.list_storage_pools().await.map_err(Error::lxd("list storage pools"))?;
    for pool in pools.iter().filter(|pool| is_tagged(&pool.config)) {
        let gone = client.delete_storage_pool(&pool.name).await;
        gone.map_err(Error::lxd(format!("remove storage pool {}", pool.name)))?;
        changes.push(format!("removed storage pool {}", pool.name));
    }
    Ok(())
}

fn tagged(config: &[(&str, &str)]) -> BTreeMap<String, String> {
    let tag = [(OWNER_KEY, OWNER)];
    config.iter().chain(&tag).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn is_tagged(config: &BTreeMap<String, String>) -> bool {
    config.get(OWNER_KEY).is_some_and(|owner| owner == OWNER)
}

pub(super) fn check_ours(config: &BTreeMap<String, String>, kind: &'static str, name: &str) -> Result<(), Error> {
    if is_tagged(config) { Ok(()) } else { Err(Error::Foreign { kind, name: name.to_owned() }) }
}

fn subnet_of(network: &Network) -> Option<Ipv4Net> {
    network.config.get("ipv4.address")?.parse::<Ipv4Net>().ok().map(|net| net.trunc())
}

/// LXD's folder on this host, where the loop file will be.
fn lxd_folder(options: &SetupOptions) -> Option<std::path::PathBuf> {
    let given = match &options.endpoint {
        Some(Endpoint::Unix(socket)) => socket.parent().map(Path::to_owned),
        _ => options.lxd_dir.clone(),
    };
    // A socket in /run is not where the files are.
    let given = given.filter(|dir| !dir.starts_with("/run"));
    let usual = ["/var/snap/lxd/common/lxd", "/var/lib/lxd", "/var/lib/incus"].map(std::path::PathBuf::from);
    given.into_iter().chain(usual).find(|dir| dir.exists())
}
