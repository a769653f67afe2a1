//! Networks, NICs and routes of a plan.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// An address range on one layer-2 network, in both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The IPv4 network, with its prefix.
    pub ipv4: Ipv4Net,
    /// The IPv6 network, with its prefix.
    pub ipv6: Ipv6Net,
}

/// The two networks of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// Where members talk to each other: eth0.
    pub management: Segment,
    /// Where custom encapsulation goes: eth1.
    pub underlay: Segment,
}

impl Segments {
    /// Ranges from the blocks set aside for documentation (RFC 5737, RFC 3849), for a plan that is only looked at.
    pub fn documentation() -> Self {
        let segment = |ipv4: [u8; 4], group: u16| Segment {
            ipv4: Ipv4Net::new_assert(ipv4.into(), 24),
            ipv6: Ipv6Net::new_assert([0x2001, 0xdb8, 0, group, 0, 0, 0, 0].into(), 64),
        };
        Self { management: segment([192, 0, 2, 0], 0), underlay: segment([198, 51, 100, 0], 1) }
    }
}

/// Which of the two networks a NIC is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Members' API and OVN databases.
    Management,
    /// The dedicated tunnel network.
    Underlay,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Management => "management",
            Self::Underlay => "underlay",
        })
    }
}

/// What Ethernet carries of an IP packet, in bytes, where nobody asks for more or less.
pub const ETHERNET_MTU: u16 = 1500;

/// One NIC of a member with its static addresses and routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Device name inside the instance: `eth0`.
    pub device: String,
    /// The network it is attached to.
    pub network: Network,
    /// The largest IP packet that its network carries, in bytes.
    #[serde(default = "ethernet_mtu", skip_serializing_if = "is_ethernet_mtu")]
    pub mtu: u16,
    /// Its addresses, each with the on-link prefix.
    pub addresses: Vec<IpNet>,
    /// Routes that leave by it, besides those that its addresses bring.
    pub routes: Vec<StaticRoute>,
    /// The bridge that it is a port of and that has its addresses; `None` where it has them itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
}

impl Nic {
    /// Whether what leaves by this device leaves by it.
    pub fn is_behind(&self, device: &str) -> bool {
        self.device == device || self.bridge.as_deref() == Some(device)
    }

    /// Its IPv6 address, or else its IPv4 address; `None` when it has none of that family.
    pub fn find_address(&self, ipv6: bool) -> Option<IpAddr> {
        self.addresses.iter().map(IpNet::addr).find(|address| address.is_ipv6() == ipv6)
    }
}

fn ethernet_mtu() -> u16 {
    ETHERNET_MTU
}

// By reference, as serde calls it.
fn is_ethernet_mtu(mtu: &u16) -> bool {
    *mtu == ETHERNET_MTU
}

/// A way to somewhere that is not on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticRoute {
    /// Where it leads.
    pub destination: IpNet,
    /// The next hop, on the link.
    pub gateway: IpAddr,
    /// The address packets leave with.
    pub source: IpAddr,
}

/// Host 10+n of a network, with the network's prefix length.
pub(super) fn host(net: IpNet, n: usize) -> IpNet {
    let offset = 10 + n;
    let address = match net.network() {
        IpAddr::V4(base) => IpAddr::from((u32::from(base) + offset as u32).to_be_bytes()),
        IpAddr::V6(base) => IpAddr::from((u128::from(base) + offset as u128).to_be_bytes()),
    };
    // The prefix length comes from a network of the same family, so it always fits.
    IpNet::new_assert(address, net.prefix_len())
}
