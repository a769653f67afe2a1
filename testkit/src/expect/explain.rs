//! What a wrong address is.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::plan::{Member, State};

/// Says what `text` is, seen on `member` where `wanted` should be. `None` when there is nothing helpful to say.
pub(super) fn explain_address(state: &State, member: &Member, wanted: IpAddr, text: &str) -> Option<String> {
    let Ok(seen) = text.parse::<IpAddr>() else { return Some(explain_text(text)) };
    if seen == member.address && member.encap.custom && wanted == member.encap.ip {
        return Some("the default address: the custom one was ignored".to_owned());
    }
    if let Some((owner, place)) = find_owner(state, seen) {
        let whose = if owner.name == member.name { "this member".to_owned() } else { owner.name.clone() };
        return Some(match place {
            Some(device) => format!("address of {whose}, on {device}"),
            None => format!("address of {whose}"),
        });
    }
    if seen.is_ipv4() != wanted.is_ipv4() {
        let family = |address: IpAddr| if address.is_ipv4() { "IPv4" } else { "IPv6" };
        return Some(format!("{} where {} is planned", family(seen), family(wanted)));
    }
    None
}

/// Says why `text` is not an address.
fn explain_text(text: &str) -> String {
    let inner = text.trim();
    let reason = if inner.is_empty() {
        "it is empty"
    } else if inner.parse::<IpAddr>().is_ok() {
        "it has white space around it"
    } else if inner.parse::<IpNet>().is_ok() {
        "it has a mask"
    } else if inner.starts_with('[') {
        "it has brackets"
    } else {
        "it is not an address"
    };
    reason.to_owned()
}

/// The member that has an address by plan, and the device, where it is neither its tunnel nor its cluster address.
fn find_owner(state: &State, address: IpAddr) -> Option<(&Member, Option<&str>)> {
    let main = state.members.iter().find(|member| member.encap.ip == address || member.address == address);
    main.map(|member| (member, None)).or_else(|| {
        state.members.iter().find_map(|member| {
            let nic = member.nics.iter().find(|nic| nic.addresses.iter().any(|net| net.addr() == address))?;
            Some((member, Some(nic.device.as_str())))
        })
    })
}
