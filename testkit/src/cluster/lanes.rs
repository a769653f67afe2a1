//! The networks that a cluster's members are on: bridges, or what joins several hosts.
//!
//! Where LXD is no cluster, a cell has a pair of its own, which goes with it. In a cluster LXD makes a network on every member,
//! and makes and removes none while one is away. So a pair there is a lane, which cells use one after the other, on each
//! member for itself: a run makes as many as it has cells at once on a member, the first of each kind before any cell, and the others
//! go on when a member goes away. What joins hosts is one cell's on all of them.

use std::collections::BTreeSet;
use std::fs::File;

use super::joint::{Joint, Over};
use super::{ClusterError, Placed, Site, names, owned};
use crate::host;
use crate::lxd::{self, NetworkSpec};
use crate::plan::{ETHERNET_MTU, Network, Plan};
use crate::session::{Kind, key};
use crate::wait::{self, Pace, Poll};

/// A bridge on a host where many are made at once.
const BRIDGE: Pace = Pace::new(90, 200);
/// Clusters give lanes back within seconds; a cluster of LXDs that lost its leader takes as long to find another.
const LANE: Pace = Pace::new(300, 500);
const BOTH: [Network; 2] = [Network::Management, Network::Underlay];

/// What pairs on one member are called.
const LANE_KIND: &str = "lane";

/// VXLAN's names of networks are numbers of 24 bits (RFC 7348), none of which is 0 here.
const VXLAN_IDS: u32 = (1 << 24) - 1;
/// The tunnel of a bridge. LXD names its device after both, within the 15 bytes that a name may have.
const TUNNEL: &str = "v";

/// Where a cell is to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Where<'a> {
    /// On an LXD that is no cluster.
    Alone,
    /// On one member of an LXD cluster.
    Member(&'a str),
    /// On several, joined by this.
    Hosts(&'a Joint),
}

/// A pair of networks, held against other cells of the run.
#[derive(Debug)]
pub(super) struct Lane {
    /// What those of its networks are named after that are the run's own: the cell, or the lane.
    pub(super) name: String,
    /// The underlay, where that is somebody else's.
    pub(super) given: Option<String>,
    networks: [String; 2],
    _held: Option<File>,
}

impl Lane {
    fn of(site: &Site, name: String, held: Option<File>) -> Self {
        let networks = BOTH.map(|network| names::bridge(&name, site.run.id(), network));
        Self { name, given: None, networks, _held: held }
    }

    /// The name that one of them has in LXD.
    pub(super) fn network(&self, network: Network) -> &str {
        let [management, underlay] = &self.networks;
        match network {
            Network::Management => management,
            Network::Underlay => self.given.as_ref().unwrap_or(underlay),
        }
    }

    /// Whether one of them is the run's own.
    pub(super) fn is_own(&self, network: Network) -> bool {
        network == Network::Management || self.given.is_none()
    }
}

/// The networks for a plan, made where they are missing: its own, those of a lane on a member of an LXD cluster, or some between
/// hosts.
pub(super) async fn take(site: &Site, plan: &Plan, place: Where<'_>) -> Result<Lane, ClusterError> {
    let mtus = mtus(plan);
    match place {
        Where::Alone => {
            let name = plan.cell.to_string();
            let making = BOTH.into_iter().zip(mtus).map(|(network, mtu)| make_own(site, &name, network, mtu));
            futures_util::future::try_join_all(making).await?;
            Ok(Lane::of(site, name, None))
        }
        Where::Member(member) => {
            site.run.once("lanes", async || prepare(site).await).await?;
            let none = |seen| ClusterError::NoLane { member: member.to_owned(), seen };
            wait_free("a pair of bridges", || find(site, mtus, member), none).await
        }
        Where::Hosts(joint) => {
            wait_free("a pair of networks", || find_joint(site, joint, mtus), ClusterError::NoJoint).await
        }
    }
}

/// Looks until a lane is free. Where none came free, the error is `none` of what was seen last.
async fn wait_free<Found: Future<Output = Result<Lane, ClusterError>>>(
    what: &str,
    find: impl Fn() -> Found,
    none: impl FnOnce(String) -> ClusterError,
) -> Result<Lane, ClusterError> {
    let taken = wait::until(what, LANE, async || match find().await {
        Ok(lane) => Poll::Ready(lane),
        // A member that went away, or a database that looks for another leader: lanes that there are come free meanwhile.
        Err(ClusterError::Lxd(error)) => Poll::NotYet(error.to_string()),
        Err(ClusterError::Host(error)) => Poll::NotYet(error.to_string()),
        Err(error) => Poll::Failed(error),
    });
    taken.await.map_err(|source| match source {
        wait::WaitError::Failed { source, .. } => source,
        late => none(late.to_string()),
    })
}

/// Networks between hosts that no other cell has, made where they are missing. The one that somebody named all cells share.
async fn find_joint(site: &Site, joint: &Joint, mtus: [u16; 2]) -> Result<Lane, ClusterError> {
    let (name, held) = first_free(site, "joint", mtus, str::to_owned, async |name| is_used(site, name).await).await?;
    let making = async || {
        make(site, &name, mtus, Some(joint)).await.map_err(|error| match error {
            // Asked again, it would say the same.
            ClusterError::Lxd(source) if !source.is_unreachable() && !source.is_host_busy() => {
                not_joined(joint, source)
            }
            error => error,
        })
    };
    site.run.once(&format!("{}-{name}", site.run.id()), making).await?;
    let given = match joint.over(Network::Underlay) {
        Over::Network(given) => Some(given.clone()),
        Over::Vxlan | Over::Nic(_) => None,
    };
    Ok(Lane { given, ..Lane::of(site, name, Some(held)) })
}

fn not_joined(joint: &Joint, source: lxd::Error) -> ClusterError {
    let mend = match joint.over(Network::Management) {
        Over::Vxlan => {
            "LXD joins them on the NIC of each host's default route, by multicast; where that cannot be, name a NIC of the hosts, \
             with TESTKIT_UNDERLAY_PARENT"
        }
        Over::Nic(_) | Over::Network(_) => "the cause is below, and LXD's own log may say more",
    };
    ClusterError::NotJoined { over: joint.to_string(), mend, source }
}

/// Whether an instance is on one of the lane's networks, on whatever host: what is on one that is away LXD lists without its NICs,
/// so the networks are asked.
async fn is_used(site: &Site, lane: &str) -> Result<bool, ClusterError> {
    for network in BOTH {
        let found = site.client.find_network(&names::bridge(lane, site.run.id(), network)).await?;
        if found.is_some_and(|found| !found.value.used_by.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes a lane of each kind that cells of the run may want: while a member is away it would be too late. With one of a kind they all go
/// on, one after the other; what cannot be made is tried anew by who wants it, who has somebody to tell.
async fn prepare(site: &Site) -> Result<(), ClusterError> {
    let making = site.config.mtus.iter().map(async |mtus| made(site, &name(LANE_KIND, *mtus, 0), *mtus).await);
    for made in futures_util::future::join_all(making).await {
        if let Err(error) = made {
            tracing::warn!(error = &error as &dyn std::error::Error, "a lane was not made in advance");
        }
    }
    Ok(())
}

/// The first lane for these MTUs that nobody uses on the member.
async fn find(site: &Site, mtus: [u16; 2], member: &str) -> Result<Lane, ClusterError> {
    let used = used(site, member).await?;
    let hold = |name: &str| format!("{name}-on-{}", names::digest(member));
    let is_used =
        async |name: &str| Ok(BOTH.iter().any(|network| used.contains(&names::bridge(name, site.run.id(), *network))));
    let (name, held) = first_free(site, LANE_KIND, mtus, hold, is_used).await?;
    made(site, &name, mtus).await?;
    Ok(Lane::of(site, name, Some(held)))
}

/// Makes a lane, once in the run.
async fn made(site: &Site, name: &str, mtus: [u16; 2]) -> Result<(), ClusterError> {
    site.run.once(&format!("{}-{name}", site.run.id()), async || make(site, name, mtus, None).await).await
}

/// How a pair is called.
fn name(kind: &str, mtus: [u16; 2], number: usize) -> String {
    format!("{kind}-{}-{}-{number}", mtus[0], mtus[1])
}

/// The first name of a pair of this kind and these MTUs by which no other cell holds one, as `hold` calls that, and nobody uses one.
async fn first_free(
    site: &Site,
    kind: &str,
    mtus: [u16; 2],
    hold: impl Fn(&str) -> String,
    is_used: impl AsyncFn(&str) -> Result<bool, ClusterError>,
) -> Result<(String, File), ClusterError> {
    let mut number = 0_usize;
    loop {
        let name = name(kind, mtus, number);
        if let Some(held) = site.run.hold(&hold(&name))?
            && !is_used(&name).await?
        {
            return Ok((name, held));
        }
        number += 1;
    }
}

/// The bridges that instances on a member are on, whoever they are of.
async fn used(site: &Site, member: &str) -> Result<BTreeSet<String>, ClusterError> {
    let instances = site.client.list_instances(None).await?;
    let here = instances.into_iter().filter(|instance| instance.location == member);
    Ok(here.flat_map(|instance| instance.devices.into_values()).filter_map(|mut nic| nic.remove("network")).collect())
}

async fn make(site: &Site, lane: &str, mtus: [u16; 2], joint: Option<&Joint>) -> Result<(), ClusterError> {
    let members = host::require_all(&site.client).await?;
    for (network, mtu) in BOTH.into_iter().zip(mtus) {
        let over = joint.map(|joint| joint.over(network));
        if matches!(over, Some(Over::Network(_))) {
            continue;
        }
        let spec = joining(spec(site, lane, network, mtu), mtu, over);
        intended(site, &spec.name, lane, make_one(site, &members, &spec)).await?;
    }
    Ok(())
}

async fn make_one(site: &Site, members: &[String], spec: &NetworkSpec) -> Result<(), ClusterError> {
    // What an attempt left that came half way is no base for another.
    match site.client.find_network(&spec.name).await? {
        Some(found) if found.value.is_made() => return Ok(()),
        Some(_) => site.client.delete_network(&spec.name).await?,
        None => {}
    }
    Ok(site.client.create_network_on(members, spec).await?)
}

/// Makes a network. That it is to be is written down before, and afterwards that LXD has answered: of a maker who died in between, LXD
/// may still be at it, and who removes what is left looks again.
async fn intended(
    site: &Site,
    name: &str,
    of: &str,
    making: impl Future<Output = Result<(), ClusterError>>,
) -> Result<(), ClusterError> {
    let ledger = site.run.ledger();
    ledger.intend(Kind::Network, name, of)?;
    let made = making.await;
    ledger.answered(Kind::Network, name)?;
    made
}

async fn make_own(site: &Site, cell: &str, network: Network, mtu: u16) -> Result<(), ClusterError> {
    let spec = spec(site, cell, network, mtu);
    let making = async {
        let made =
            wait::until("LXD to make the bridge", BRIDGE, async || match site.client.create_network(&spec).await {
                Ok(()) => Poll::Ready(()),
                Err(error) if error.is_host_busy() => Poll::NotYet(error.to_string()),
                Err(error) => Poll::Failed(error),
            });
        made.await.map_err(|source| ClusterError::NoBridge { name: spec.name.clone(), source })
    };
    intended(site, &spec.name, cell, making).await
}

/// The MTUs of a plan's two networks.
pub fn mtus(plan: &Plan) -> [u16; 2] {
    BOTH.map(|network| mtu(plan, network))
}

/// The largest MTU of a plan's NICs on a network.
fn mtu(plan: &Plan, network: Network) -> u16 {
    let nics = plan.state.members.iter().filter_map(|member| member.find_nic(network));
    nics.map(|nic| nic.mtu).max().unwrap_or(ETHERNET_MTU)
}

/// A bridge without address, DHCP or NAT. `of` is the cell or the lane.
fn spec(site: &Site, of: &str, network: Network, mtu: u16) -> NetworkSpec {
    let role = match network {
        Network::Management => "management",
        Network::Underlay => "underlay",
    };
    let mut config = owned::tags(site, of, role).to_config();
    for (key, value) in [("ipv4.address", "none"), ("ipv6.address", "none"), ("dns.mode", "none")] {
        config.insert(key.to_owned(), value.to_owned());
    }
    if mtu != ETHERNET_MTU {
        config.insert("bridge.mtu".to_owned(), mtu.to_string());
    }
    let description = format!("MicroOVN system test {of}");
    NetworkSpec { description, ..NetworkSpec::bridge(names::bridge(of, site.run.id(), network), config) }
}

/// The same network as one between hosts, where it is to be one.
fn joining(spec: NetworkSpec, mtu: u16, over: Option<&Over>) -> NetworkSpec {
    let mut spec = spec;
    let mut set = |key: &str, value: String| drop(spec.config.insert(key.to_owned(), value));
    match over {
        None | Some(Over::Network(_)) => {}
        Some(Over::Vxlan) => {
            // The group and the port are LXD's own: the kernel takes part in twenty groups at most on a port.
            let id = names::number(&spec.name, VXLAN_IDS) + 1;
            set(&format!("tunnel.{TUNNEL}.protocol"), "vxlan".to_owned());
            set(&format!("tunnel.{TUNNEL}.id"), id.to_string());
        }
        Some(Over::Nic(nic)) => {
            set("parent", nic.clone());
            set("mtu", mtu.to_string());
            // A bridge over a NIC that has addresses would take them from the host; a macvlan takes nothing.
            spec.config.retain(|key, _| !["ipv4.", "ipv6.", "dns.", "bridge."].iter().any(|of| key.starts_with(of)));
            spec.kind = "macvlan".to_owned();
        }
    }
    spec
}

/// Marks the networks of a cluster that is kept. A lane is the cluster's own from then on, and goes with it; what somebody else has
/// made is left alone.
pub(super) async fn mark(
    site: &Site,
    cell: &str,
    placed: Option<&Placed>,
    keep: (String, String),
) -> Result<(), lxd::Error> {
    let Some(name) = placed.map_or(Some(cell), |placed| placed.lane.as_deref()) else { return Ok(()) };
    let given = placed.is_some_and(|placed| placed.given.is_some());
    for network in BOTH.into_iter().filter(|network| *network == Network::Management || !given) {
        let bridge = names::bridge(name, site.run.id(), network);
        let mut config = lxd::Config::from([keep.clone()]);
        if placed.is_some() {
            config.insert(key::CELL.to_owned(), cell.to_owned());
        }
        site.client.patch_network(&bridge, config).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(name: &str) -> NetworkSpec {
        let config =
            [("ipv4.address", "none"), ("dns.mode", "none"), ("bridge.mtu", "1400"), ("user.testkit.run", "r")];
        NetworkSpec::bridge(name, config.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
    }

    #[test]
    fn bridges_between_hosts_have_a_tunnel_of_their_own_number_whose_device_has_a_name() {
        let spec = joining(bridge("tk0123456789m"), 1400, Some(&Over::Vxlan));
        assert_eq!((spec.kind.as_str(), spec.config["tunnel.v.protocol"].as_str()), ("bridge", "vxlan"));
        let id: u32 = spec.config["tunnel.v.id"].parse().expect("a number");
        assert!((1..1 << 24).contains(&id), "{id}");
        let other = joining(bridge("tk0123456789u"), 1400, Some(&Over::Vxlan));
        assert_ne!(other.config["tunnel.v.id"], spec.config["tunnel.v.id"]);
        // Linux: IFNAMSIZ is 16, with the byte that ends it.
        assert!(format!("{}-{TUNNEL}", spec.name).len() <= 15);
        assert_eq!(joining(bridge("tk0"), 1400, None).config, bridge("tk0").config, "one host needs none");
    }

    #[test]
    fn on_a_nic_of_the_hosts_there_is_no_bridge() {
        let spec = joining(bridge("tk0123456789m"), 1400, Some(&Over::Nic("eth9".to_owned())));
        assert_eq!(spec.kind, "macvlan");
        let wanted = [("mtu", "1400"), ("parent", "eth9"), ("user.testkit.run", "r")];
        let seen: Vec<(&str, &str)> = spec.config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(seen, wanted);
    }
}
