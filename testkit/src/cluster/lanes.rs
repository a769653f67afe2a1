//! The bridges that a cluster's members are on.
//!
//! Where LXD is no cluster, a cell has a pair of its own, which goes with it. In a cluster LXD makes a network on every member,
//! and makes and removes none while one is away. So a pair there is a lane, which cells use one after the other, on each
//! member for itself: a run makes as many as it has cells at once on a member, and the others go on when a member goes away.

use std::collections::BTreeSet;
use std::fs::File;

use super::{ClusterError, Site, names, owned};
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

/// A pair of bridges, held against other cells of the run on the same member.
#[derive(Debug)]
pub(super) struct Lane {
    /// What the bridges are named after: the cell, or the lane.
    pub(super) name: String,
    _held: Option<File>,
}

/// The bridges for a plan, made where they are missing: its own, or those of a lane on the `member` of an LXD cluster.
pub(super) async fn take(site: &Site, plan: &Plan, member: Option<&str>) -> Result<Lane, ClusterError> {
    let mtus = BOTH.map(|network| mtu(plan, network));
    let Some(member) = member else {
        let name = plan.cell.to_string();
        let making = BOTH.into_iter().zip(mtus).map(|(network, mtu)| make_own(site, &name, network, mtu));
        futures_util::future::try_join_all(making).await?;
        return Ok(Lane { name, _held: None });
    };
    let kind = format!("lane-{}-{}", mtus[0], mtus[1]);
    let taken = wait::until("a pair of bridges", LANE, async || match find(site, &kind, mtus, member).await {
        Ok(lane) => Poll::Ready(lane),
        // A member that went away, or a database that looks for another leader: lanes that there are come free meanwhile.
        Err(ClusterError::Lxd(error)) => Poll::NotYet(error.to_string()),
        Err(ClusterError::Host(error)) => Poll::NotYet(error.to_string()),
        Err(error) => Poll::Failed(error),
    });
    taken.await.map_err(|source| match source {
        wait::WaitError::Failed { source, .. } => source,
        late => ClusterError::NoLane { member: member.to_owned(), seen: late.to_string() },
    })
}

/// The first lane of a kind that nobody uses on the member.
async fn find(site: &Site, kind: &str, mtus: [u16; 2], member: &str) -> Result<Lane, ClusterError> {
    let used = used(site, member).await?;
    let mut number = 0_usize;
    loop {
        let name = format!("{kind}-{number}");
        number += 1;
        let Some(held) = site.run.hold(&format!("{name}-on-{}", names::digest(member)))? else { continue };
        if BOTH.iter().any(|network| used.contains(&names::bridge(&name, site.run.id(), *network))) {
            continue;
        }
        let making = async || make(site, &name, mtus).await;
        site.run.once(&format!("{}-{name}", site.run.id()), making).await?;
        return Ok(Lane { name, _held: Some(held) });
    }
}

/// The bridges that instances on a member are on, whoever they are of.
async fn used(site: &Site, member: &str) -> Result<BTreeSet<String>, ClusterError> {
    let instances = site.client.list_instances(None).await?;
    let here = instances.into_iter().filter(|instance| instance.location == member);
    Ok(here.flat_map(|instance| instance.devices.into_values()).filter_map(|mut nic| nic.remove("network")).collect())
}

async fn make(site: &Site, lane: &str, mtus: [u16; 2]) -> Result<(), ClusterError> {
    let members = host::require_all(&site.client).await?;
    for (network, mtu) in BOTH.into_iter().zip(mtus) {
        let spec = spec(site, lane, network, mtu);
        site.run.ledger().intend(Kind::Network, &spec.name, lane)?;
        // What an attempt left that came half way is no base for another.
        match site.client.find_network(&spec.name).await? {
            Some(found) if found.value.is_made() => continue,
            Some(_) => site.client.delete_network(&spec.name).await?,
            None => {}
        }
        site.client.create_network_on(&members, &spec).await?;
    }
    Ok(())
}

async fn make_own(site: &Site, cell: &str, network: Network, mtu: u16) -> Result<(), ClusterError> {
    let spec = spec(site, cell, network, mtu);
    site.run.ledger().intend(Kind::Network, &spec.name, cell)?;
    let made = wait::until("LXD to make the bridge", BRIDGE, async || match site.client.create_network(&spec).await {
        Ok(()) => Poll::Ready(()),
        Err(error) if error.is_host_busy() => Poll::NotYet(error.to_string()),
        Err(error) => Poll::Failed(error),
    });
    made.await.map_err(|source| ClusterError::NoBridge { name: spec.name.clone(), source })
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

/// Marks the bridges of a cluster that is kept. A lane is the cluster's own from then on, and goes with it.
pub(super) async fn mark(
    site: &Site,
    cell: &str,
    lane: Option<&str>,
    keep: (String, String),
) -> Result<(), lxd::Error> {
    for network in BOTH {
        let bridge = names::bridge(lane.unwrap_or(cell), site.run.id(), network);
        let mut config = lxd::Config::from([keep.clone()]);
        if lane.is_some() {
            config.insert(key::CELL.to_owned(), cell.to_owned());
        }
        site.client.patch_network(&bridge, config).await?;
    }
    Ok(())
}
