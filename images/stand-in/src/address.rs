//! Cluster addresses: `ip:port`, with brackets around IPv6.

use std::net::{IpAddr, SocketAddr};

use crate::error::{Error, Result};

/// The port members listen on unless told otherwise.
pub(crate) const DEFAULT_PORT: u16 = 6686;

/// Reads an address as people type it: an IP address, with or without a port, with or without brackets.
///
/// # Errors
///
/// The text is neither.
pub(crate) fn parse(text: &str) -> Result<SocketAddr> {
    parse_at(text, DEFAULT_PORT)
}

/// The same, where members listen on another port unless told otherwise.
pub(crate) fn parse_at(text: &str, port: u16) -> Result<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    text.parse::<SocketAddr>().map_err(|_| Error::new(400, format!("invalid address \"{text}\": not an IP address")))
}

/// An IP address as it stands in front of a port: IPv6 in brackets.
pub(crate) fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The address to offer as default: the first global one, by interface, IPv4 before IPv6.
///
/// # Errors
///
/// The host has none.
pub(crate) fn find_default() -> Result<IpAddr> {
    list()?.first().copied().ok_or_else(|| Error::internal("no network interface has a usable address"))
}

/// The first global address of a family, by interface.
pub(crate) fn find_of_family(v6: bool) -> Option<IpAddr> {
    list().ok()?.into_iter().find(|ip| ip.is_ipv6() == v6)
}

/// The global addresses of this host, by interface, IPv4 before IPv6.
fn list() -> Result<Vec<IpAddr>> {
    let all =
        nix::ifaddrs::getifaddrs().map_err(|errno| Error::internal(format!("failed to list addresses: {errno}")))?;
    let mut found: Vec<(u32, IpAddr)> = Vec::new();
    for entry in all {
        use nix::net::if_::InterfaceFlags;
        if entry.flags.contains(InterfaceFlags::IFF_LOOPBACK) || !entry.flags.contains(InterfaceFlags::IFF_UP) {
            continue;
        }
        let Some(address) = entry.address else { continue };
        let ip = if let Some(v4) = address.as_sockaddr_in() {
            IpAddr::V4(v4.ip())
        } else if let Some(v6) = address.as_sockaddr_in6() {
            IpAddr::V6(v6.ip())
        } else {
            continue;
        };
        if is_global(ip) {
            let index = nix::net::if_::if_nametoindex(entry.interface_name.as_str()).unwrap_or(u32::MAX);
            found.push((index, ip));
        }
    }
    // Stable: addresses of one interface and family keep the kernel's order.
    found.sort_by_key(|(index, ip)| (*index, ip.is_ipv6()));
    Ok(found.into_iter().map(|(_, ip)| ip).collect())
}

fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}

/// The name of this host.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_default_port_and_brackets() {
        for (typed, expected) in [
            ("10.77.0.101", "10.77.0.101:6686"),
            ("10.77.0.102:7000", "10.77.0.102:7000"),
            ("fd42:77::101", "[fd42:77::101]:6686"),
            ("[fd42:77::101]", "[fd42:77::101]:6686"),
            ("[fd42:77::101]:7000", "[fd42:77::101]:7000"),
        ] {
            assert_eq!(parse(typed).expect(typed).to_string(), expected);
        }
        assert!(parse("real-1").is_err());
    }
}
