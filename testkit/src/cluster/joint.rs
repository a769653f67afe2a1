//! A cell over several hosts of an LXD cluster: what joins its members there, and how large the packets are that this carries.
//!
//! LXD has no network that joins hosts by itself but OVN's. What it has is a bridge on each host, which it joins by VXLAN: all members
//! of a cluster share the settings of a network, so it cannot be told of pairs of hosts, and goes by a multicast group, on the NIC
//! of each host's default route. Where that does not do, somebody names what joins them.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::ClusterError;
use crate::config::Config;
use crate::host::{self, Surveyed};
use crate::lxd::{Client, Network};
use crate::placement;
use crate::plan::{ETHERNET_MTU, Member, Network as Of, Plan};
use crate::session::Tags;

/// The most that LXD allows a bridge with tunnels, and what it gives one.
const VXLAN_MTU: u16 = 1400;
/// What IPv6 demands of a network (RFC 8200).
const LEAST_MTU: u16 = 1280;
/// The networks of LXD's that several instances of a host can be on.
const SHARED: [&str; 4] = ["bridge", "macvlan", "ovn", "sriov"];

/// What joins hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Over {
    /// Bridges of LXD's, and VXLAN between them.
    Vxlan,
    /// This NIC of each host.
    Nic(String),
    /// This network of LXD's, which somebody else has made.
    Network(String),
}

/// What joins the members of a cell that are on several hosts, and what that carries.
///
/// A network that somebody named is the underlay's alone: LXD has no instance on a network of OVN's twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joint {
    over: Over,
    /// The largest IP packet, in bytes.
    mtu: u16,
}

impl fmt::Display for Joint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.over {
            Over::Vxlan => f.write_str("VXLAN between bridges"),
            Over::Nic(nic) => write!(f, "NIC {nic:?} of the hosts"),
            Over::Network(network) => write!(f, "network {network:?} of LXD"),
        }?;
        write!(f, ", MTU {}", self.mtu)
    }
}

impl Joint {
    /// What joins one of the two networks.
    pub(super) fn over(&self, of: Of) -> &Over {
        match (&self.over, of) {
            (Over::Network(_), Of::Management) => &Over::Vxlan,
            (over, _) => over,
        }
    }

    fn mtu(&self, of: Of) -> u16 {
        if *self.over(of) == Over::Vxlan { VXLAN_MTU } else { self.mtu }
    }

    /// Has the members' NICs be no larger than what joins them, where no option chose how large they are.
    pub fn fit(&self, plan: &mut Plan) {
        let nics = plan.state.members.iter_mut().flat_map(|member| &mut member.nics);
        nics.filter(|nic| nic.mtu == ETHERNET_MTU).for_each(|nic| nic.mtu = nic.mtu.min(self.mtu(nic.network)));
    }

    /// What the cell is about that this does not carry, if there is something.
    pub fn lacks(&self, plan: &Plan) -> Option<String> {
        let nics = || plan.state.members.iter().flat_map(|member| &member.nics);
        let chosen = nics().filter(|nic| nic.mtu != ETHERNET_MTU && nic.mtu > self.mtu(nic.network));
        if let Some(mtu) = chosen.map(|nic| nic.mtu).max() {
            return Some(format!("MTU {mtu} between hosts, which are joined by {self}"));
        }
        let on_it = |member: &Member| member.nics.iter().filter(|nic| nic.network == Of::Underlay).count();
        let twice = matches!(self.over, Over::Network(_)) && plan.state.members.iter().any(|it| on_it(it) > 1);
        twice.then(|| format!("two NICs of a member between hosts, which are joined by {self}"))
    }
}

/// What joins the hosts of this cluster, by the configuration.
///
/// # Errors
/// When there are no two hosts, or what was named does not join them; nothing is made then.
pub async fn joint(config: &Config, client: &Client) -> Result<Joint, ClusterError> {
    if !client.is_clustered() {
        let said = "LXD is no cluster of hosts; form one of it, or leave out --spread (TESTKIT_SPREAD)";
        return Err(ClusterError::NotSpread(said.to_owned()));
    }
    let now = host::survey(&config.lxd, client).await?;
    let hosts = hosts(&now)?;
    let joint = match &config.underlay_parent {
        None => Joint { over: Over::Vxlan, mtu: VXLAN_MTU },
        Some(name) => match client.find_network(name).await?.filter(|found| found.value.managed) {
            Some(found) => by_network(client, &found.value, &hosts).await?,
            None => by_nic(client, name, &hosts).await?,
        },
    };
    if joint.mtu < LEAST_MTU {
        return Err(ClusterError::NotSpread(format!("IPv6 wants MTU {LEAST_MTU}, and they are joined by {joint}")));
    }
    Ok(joint)
}

/// The hosts that members of a cell can be on now.
pub(super) fn hosts(now: &[Surveyed]) -> Result<Vec<&str>, ClusterError> {
    let (here, away): (Vec<_>, Vec<_>) = now.iter().partition(|host| host.capacity.is_some());
    if here.len() > 1 {
        return Ok(here.into_iter().map(|host| host.name.as_str()).collect());
    }
    let here = here.first().map_or_else(|| "none".to_owned(), |host| format!("only {:?}", host.name));
    let away: String = away.iter().map(|host| format!("; {}", host.problem)).collect();
    Err(ClusterError::NotSpread(format!("of the LXD cluster {here} can be used{away}")))
}

/// The host of each member of a plan, by the member's name, where the cell has its turn on one of them.
pub(super) fn seats(plan: &Plan, hosts: &[&str], home: &str) -> BTreeMap<String, String> {
    let members = &plan.state.members;
    let on = placement::spread(hosts, home, members.len());
    members.iter().zip(on).map(|(member, host)| (member.name.clone(), host.to_owned())).collect()
}

async fn by_nic(client: &Client, nic: &str, hosts: &[&str]) -> Result<Joint, ClusterError> {
    let looks = hosts.iter().map(async |host| match client.get_network_state_on(nic, host).await {
        Ok(state) if state.state == "down" => {
            Err(ClusterError::NotSpread(format!("NIC {nic:?} of the host of LXD member {host:?} is down")))
        }
        Ok(state) if state.kind == "loopback" => {
            Err(ClusterError::NotSpread(format!("TESTKIT_UNDERLAY_PARENT is {nic:?}, which ends on each host")))
        }
        Ok(state) => Ok(state.mtu),
        Err(error) => Err(ClusterError::NotSpread(format!(
            "TESTKIT_UNDERLAY_PARENT is {nic:?}; LXD has no network of that name, and the host of LXD member {host:?} no NIC: \
             {error}"
        ))),
    });
    Ok(Joint { over: Over::Nic(nic.to_owned()), mtu: least(try_join_all(looks).await?) })
}

async fn by_network(client: &Client, network: &Network, hosts: &[&str]) -> Result<Joint, ClusterError> {
    let (name, kind) = (network.name.as_str(), network.kind.as_str());
    let refused = |why: String| ClusterError::NotSpread(format!("TESTKIT_UNDERLAY_PARENT is {name:?}; {why}"));
    if name == host::BRIDGE || Tags::find(&network.config).is_some() {
        return Err(refused("that is a network of this framework's own, which joins no hosts".to_owned()));
    }
    if !network.is_made() {
        return Err(refused(format!("LXD says of that network that it is {}", network.status)));
    }
    if !SHARED.contains(&kind) {
        return Err(refused(format!(
            "a network of type {kind} is for one instance of a host; name a NIC of the hosts, or a network of type {}",
            SHARED.join(", ")
        )));
    }
    let looks = hosts.iter().map(async |host| {
        let here = client.get_network_on(name, host).await?;
        if kind == "bridge" && !is_joined(&here.config) {
            return Err(refused(format!(
                "that bridge ends at LXD member {host:?}, where it has neither a tunnel nor bridge.external_interfaces"
            )));
        }
        let said = ["mtu", "bridge.mtu"].into_iter().find_map(|key| here.config.get(key)?.parse().ok());
        match said {
            Some(mtu) => Ok(mtu),
            None => {
                let device = here.config.get("parent").map_or(name, String::as_str);
                Ok(client.get_network_state_on(device, host).await?.mtu)
            }
        }
    });
    Ok(Joint { over: Over::Network(name.to_owned()), mtu: least(try_join_all(looks).await?) })
}

/// Whether a bridge goes on beyond its host.
fn is_joined(config: &BTreeMap<String, String>) -> bool {
    config.keys().any(|key| key.starts_with("tunnel.") || key == "bridge.external_interfaces")
}

fn least(mtus: Vec<u32>) -> u16 {
    mtus.into_iter().min().map_or(0, |mtu| u16::try_from(mtu).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Capacity;
    use crate::matrix::Cell;
    use crate::plan::{Segments, Variant};

    fn host(name: &str, problem: &str) -> Surveyed {
        let capacity = problem.is_empty().then_some(Capacity { memory: 1 << 33, processors: 2 });
        let (architecture, problem) = ("x86_64".to_owned(), problem.to_owned());
        Surveyed { name: name.to_owned(), architecture, capacity, load: None, problem }
    }

    #[test]
    fn there_must_be_two_hosts_and_those_that_are_away_are_told() {
        assert_eq!(hosts(&[host("a", ""), host("b", "gone"), host("c", "")]).expect("two"), ["a", "c"]);
        let error = hosts(&[host("a", ""), host("b", "\"b\" is Offline")]).expect_err("one");
        assert!(error.is_usage());
        assert!(error.to_string().ends_with("of the LXD cluster only \"a\" can be used; \"b\" is Offline"), "{error}");
        assert!(hosts(&[]).expect_err("none").to_string().ends_with("none can be used"));
    }

    fn plan(members: usize) -> Plan {
        let cell = Cell::new(&[], &[]).expect("a cell");
        let variant = Variant { members: Some(members), ..Variant::default() };
        Plan::draw_variant(&cell, &[], Segments::documentation(), &variant)
    }

    #[test]
    fn every_member_has_a_seat_and_the_first_is_where_the_turn_is() {
        let plan = plan(4);
        let seats = seats(&plan, &["a", "b", "c"], "c");
        let on: Vec<&str> = plan.state.members.iter().map(|member| seats[&member.name].as_str()).collect();
        assert_eq!(on, ["c", "a", "b", "c"]);
    }

    #[test]
    fn nics_are_no_larger_than_what_joins_hosts_and_what_an_option_chose_is_left_alone() {
        let mut plan = plan(2);
        for member in &mut plan.state.members {
            member.nics.iter_mut().filter(|nic| nic.network == Of::Underlay).for_each(|nic| nic.mtu = 9000);
        }
        let vxlan = Joint { over: Over::Vxlan, mtu: VXLAN_MTU };
        let lacks = vxlan.lacks(&plan).expect("it carries less");
        assert_eq!(lacks, "MTU 9000 between hosts, which are joined by VXLAN between bridges, MTU 1400");
        let jumbo = Joint { over: Over::Nic("eth9".to_owned()), mtu: 9000 };
        assert_eq!(jumbo.lacks(&plan), None);
        vxlan.fit(&mut plan);
        let mtus = |plan: &Plan| plan.state.members[0].nics.iter().map(|nic| nic.mtu).collect::<Vec<_>>();
        assert_eq!(mtus(&plan), [1400, 9000]);
        let mut plan = self::plan(2);
        jumbo.fit(&mut plan);
        assert_eq!(mtus(&plan), [1500, 1500], "nobody asked for more");
        let given = Joint { over: Over::Network("over".to_owned()), mtu: 1442 };
        given.fit(&mut plan);
        assert_eq!(mtus(&plan), [1400, 1442], "the underlay alone is on it");
    }

    #[test]
    fn a_member_is_on_a_given_network_once() {
        let mut plan = plan(1);
        let given = Joint { over: Over::Network("over".to_owned()), mtu: 1500 };
        assert_eq!(given.lacks(&plan), None);
        let nic = plan.state.members[0].nics.iter().find(|nic| nic.network == Of::Underlay).expect("one").clone();
        plan.state.members[0].nics.push(nic);
        assert!(given.lacks(&plan).expect("twice").starts_with("two NICs of a member between hosts"));
        let bridges = Joint { over: Over::Vxlan, ..given };
        assert_eq!(bridges.lacks(&plan), None);
    }
}
