//! Which underlay addresses a preseed may have. Recorded of MicroCloud 2.1, with its words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::Result;
use crate::world::System;

/// Checks what can be checked before anybody is asked: each is an address, and all systems have one or none has.
pub(crate) fn check_early<'a>(underlays: impl Iterator<Item = Option<&'a str>> + Clone) -> Result<()> {
    for text in underlays.clone().flatten() {
        text.parse::<IpAddr>().map_err(|_| format!("Invalid underlay IP \"{text}\""))?;
    }
    let (given, all) = (underlays.clone().flatten().count(), underlays.count());
    if given > 0 && given < all { Err("Some systems are missing an underlay interface".to_owned()) } else { Ok(()) }
}

/// Checks what the systems say of their interfaces: one of each is in the subnet. Whether it has the address nobody asks, unless it must be
/// `owned`.
pub(crate) fn check_late(systems: &[System], underlays: &BTreeMap<String, String>, owned: bool) -> Result<()> {
    for (name, text) in underlays {
        let holds = |ip: IpAddr| {
            let of = systems.iter().filter(|system| system.name == *name);
            let has = |address: IpNet| if owned { address.addr() == ip } else { address.contains(&ip) };
            of.flat_map(System::underlays).any(|(_, address)| has(address))
        };
        if !text.parse().is_ok_and(holds) {
            return Err(format!("No available interface found for OVN underlay IP \"{text}\""));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Interface;

    #[test]
    fn what_is_refused_at_once_is_refused_in_its_words() {
        let early = |texts: &[Option<&str>]| check_early(texts.iter().copied()).err();
        assert_eq!(early(&[Some("10.1.1.11"), Some("FD10:1:0::13")]), None);
        assert_eq!(early(&[None, None]), None);
        assert_eq!(early(&[Some("10.1.1.11"), Some("foo")]).as_deref(), Some("Invalid underlay IP \"foo\""));
        let masked = early(&[Some("10.1.1.11/24"), None]);
        assert_eq!(masked.as_deref(), Some("Invalid underlay IP \"10.1.1.11/24\""));
        let missing = early(&[Some("10.1.1.11"), None, Some("10.1.1.13")]);
        assert_eq!(missing.as_deref(), Some("Some systems are missing an underlay interface"));
    }

    #[test]
    fn an_address_is_in_a_subnet_of_its_system_and_need_not_be_its_own() {
        let interface = Interface {
            name: "eth1".into(),
            kind: "physical".into(),
            addresses: vec!["10.1.1.12/24".parse().expect("a net")],
        };
        let address = "10.11.0.12".parse().expect("an address");
        let system = System { name: "mc2".into(), address, fingerprint: String::new(), interfaces: vec![interface] };
        let late = |text: &str, owned: bool| {
            check_late(std::slice::from_ref(&system), &[("mc2".into(), text.into())].into(), owned).err()
        };
        assert_eq!((late("10.1.1.12", false), late("10.1.1.99", false), late("10.1.1.12", true)), (None, None, None));
        let wanted = |text: &str| Some(format!("No available interface found for OVN underlay IP \"{text}\""));
        assert_eq!(late("10.9.9.9", false), wanted("10.9.9.9"));
        assert_eq!(late("10.1.1.99", true), wanted("10.1.1.99"));
    }
}
