//! The network interfaces of this host, as LXD tells MicroCloud of them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};

use crate::Result;
use crate::world::Interface;

/// Those that are up, each with its global addresses.
pub(crate) fn all() -> Result<Vec<Interface>> {
    let listed = getifaddrs().map_err(|errno| format!("failed to list addresses: {errno}"))?;
    let mut found: BTreeMap<(u32, String), Vec<IpNet>> = BTreeMap::new();
    for entry in listed.filter(|entry| entry.flags.contains(InterfaceFlags::IFF_UP)) {
        let index = if_nametoindex(entry.interface_name.as_str()).unwrap_or(u32::MAX);
        let addresses = found.entry((index, entry.interface_name.clone())).or_default();
        addresses.extend(address_of(&entry).filter(|address| is_global(address.addr())));
    }
    let interface = |((_, name), mut addresses): ((u32, String), Vec<IpNet>)| {
        addresses.sort_by_key(|address| address.addr().is_ipv6());
        Interface { kind: kind_of(&name).to_owned(), name, addresses }
    };
    Ok(found.into_iter().map(interface).collect())
}

fn address_of(entry: &InterfaceAddress) -> Option<IpNet> {
    let (address, mask) = (entry.address.as_ref()?, entry.netmask.as_ref()?);
    let (address, mask): (IpAddr, IpAddr) = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => (v4.ip().into(), mask.as_sockaddr_in()?.ip().into()),
        (_, Some(v6)) => (v6.ip().into(), mask.as_sockaddr_in6()?.ip().into()),
        _ => return None,
    };
    IpNet::with_netmask(address, mask).ok()
}

fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}

/// What LXD calls it. The NIC of a container is of no kind that it knows.
fn kind_of(name: &str) -> &'static str {
    let class = Path::new("/sys/class/net").join(name);
    let event = std::fs::read_to_string(class.join("uevent")).unwrap_or_default();
    match event.lines().find_map(|line| line.strip_prefix("DEVTYPE=")) {
        Some("vlan") => "vlan",
        Some("bond") => "bond",
        Some("bridge") => "bridge",
        _ if class.join("device").exists() => "physical",
        _ => "unknown",
    }
}
