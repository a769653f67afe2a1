//! A member's static network configuration, as systemd-networkd reads it.

use std::fmt::Write;

use crate::plan::Nic;

/// The `.network` file of a NIC (systemd.network(5)).
///
/// The addresses are the only ones on their isolated bridge, so duplicate detection, which keeps an IPv6 address
/// unusable for a second or more, has nothing to find.
pub(super) fn networkd(nic: &Nic) -> String {
    let mut text =
        format!("[Match]\nName={}\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n", nic.device);
    for address in &nic.addresses {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[Address]\nAddress={address}\nDuplicateAddressDetection=none\n");
    }
    text
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
            addresses: vec!["10.88.0.11/24".parse().expect("a net"), "fd42:88::b/64".parse().expect("a net")],
        };
        let text = networkd(&nic);
        assert!(text.starts_with("[Match]\nName=eth1\n"), "{text}");
        assert!(text.contains("Address=10.88.0.11/24\n") && text.contains("Address=fd42:88::b/64\n"), "{text}");
    }
}
