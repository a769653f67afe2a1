//! A member's static network configuration, as systemd-networkd reads it.

use std::fmt::Write;

use ipnet::IpNet;

use crate::plan::{ETHERNET_MTU, Nic, StaticRoute};

/// The `.network` file of a NIC (systemd.network(5)).
///
/// The addresses are the only ones on their isolated bridge, so duplicate detection, which keeps an IPv6 address
/// unusable for a second or more, has nothing to find. `own` says that its network is one of ours, whose MTU the NIC has if nothing
/// else is said.
pub(super) fn networkd(nic: &Nic, own: bool) -> String {
    let mut text = head(nic, own);
    text.push_str("\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n");
    for address in &nic.addresses {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[Address]\nAddress={address}\nDuplicateAddressDetection=none\n");
    }
    for StaticRoute { destination, gateway, source } in &nic.routes {
        let _ = write!(text, "\n[Route]\nDestination={destination}\nGateway={gateway}\nPreferredSource={source}\n");
    }
    text
}

/// Whose it is, and which MTU it has, where that is to be said.
fn head(nic: &Nic, own: bool) -> String {
    let mtu = if nic.mtu != ETHERNET_MTU || !own { format!("\n[Link]\nMTUBytes={}\n", nic.mtu) } else { String::new() };
    format!("[Match]\nName={}\n{mtu}", nic.device)
}

/// The devices of a NIC, each with its `.network` file: its own and, where it is a port of one, the bridge that has its addresses.
pub(super) fn devices(nic: &Nic, own: bool) -> Vec<(String, String)> {
    let Some(bridge) = &nic.bridge else { return vec![(nic.device.clone(), networkd(nic, own))] };
    let port = format!("{}\n[Network]\nBridge={bridge}\nLinkLocalAddressing=no\n", head(nic, own));
    let over = Nic { device: bridge.clone(), ..nic.clone() };
    vec![(nic.device.clone(), port), (bridge.clone(), networkd(&over, own))]
}

/// The `.network` file of the loopback device with further addresses; `None` where there are none.
pub(super) fn loopback(addresses: &[IpNet]) -> Option<String> {
    if addresses.is_empty() {
        return None;
    }
    let mut text = "[Match]\nName=lo\n\n[Network]\nLinkLocalAddressing=no\n".to_owned();
    for address in addresses {
        let _ = writeln!(text, "Address={address}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Network;

    #[test]
    fn every_address_is_written_with_its_on_link_prefix() {
        let nic = Nic {
            device: "eth1".into(),
            network: Network::Underlay,
            mtu: 9000,
            addresses: vec!["10.88.0.11/24".parse().expect("a net"), "fd42:88::b/64".parse().expect("a net")],
            routes: vec![StaticRoute {
                destination: "198.18.0.2/32".parse().expect("a net"),
                gateway: "10.88.0.12".parse().expect("an address"),
                source: "198.18.0.1".parse().expect("an address"),
            }],
            bridge: None,
        };
        let text = networkd(&nic, true);
        let route = "[Route]\nDestination=198.18.0.2/32\nGateway=10.88.0.12\nPreferredSource=198.18.0.1\n";
        assert!(text.ends_with(route), "{text}");
        assert!(text.starts_with("[Match]\nName=eth1\n\n[Link]\nMTUBytes=9000\n\n[Network]\n"), "{text}");
        let ordinary = Nic { mtu: ETHERNET_MTU, ..nic };
        assert!(!networkd(&ordinary, true).contains("[Link]"));
        assert!(networkd(&ordinary, false).contains("[Link]\nMTUBytes=1500\n"), "somebody else's may carry more");
        assert!(text.contains("Address=10.88.0.11/24\n") && text.contains("Address=fd42:88::b/64\n"), "{text}");
    }

    #[test]
    fn a_port_of_a_bridge_has_no_address_of_its_own() {
        let nic = Nic {
            device: "eth2".into(),
            network: Network::Underlay,
            mtu: 1450,
            addresses: vec!["10.1.1.11/24".parse().expect("a net")],
            routes: Vec::new(),
            bridge: Some("br-uplink".into()),
        };
        let [(port, of_port), (bridge, of_bridge)] = &devices(&nic, true)[..] else { panic!("two") };
        assert_eq!((port.as_str(), bridge.as_str()), ("eth2", "br-uplink"));
        let wanted =
            "[Match]\nName=eth2\n\n[Link]\nMTUBytes=1450\n\n[Network]\nBridge=br-uplink\nLinkLocalAddressing=no\n";
        assert_eq!(of_port, wanted);
        assert!(of_bridge.starts_with("[Match]\nName=br-uplink\n\n[Link]\nMTUBytes=1450\n"), "{of_bridge}");
        assert!(of_bridge.ends_with("Address=10.1.1.11/24\nDuplicateAddressDetection=none\n"), "{of_bridge}");
        let alone = Nic { bridge: None, ..nic };
        assert_eq!(devices(&alone, true), [("eth2".to_owned(), networkd(&alone, true))]);
    }

    #[test]
    fn the_loopback_device_is_left_alone_without_addresses() {
        assert_eq!(loopback(&[]), None);
        let text = loopback(&["fd42:6c6f::1/128".parse().expect("a net")]).expect("a file");
        assert!(text.starts_with("[Match]\nName=lo\n") && text.contains("Address=fd42:6c6f::1/128\n"), "{text}");
    }
}
