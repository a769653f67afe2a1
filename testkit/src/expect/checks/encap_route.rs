//! The underlay: the planned device has the tunnel endpoint, and the way to each peer's leaves by it.

use crate::expect::subject::peers;
use crate::expect::{Check, Judge, MemberObservation, Observation, Reading, Subject, Verdict, VerdictBuilder};
use crate::microovn::Device;
use crate::plan::{Member, Service, State};

pub(super) const CHECK: Check = Check {
    name: "encap_route",
    about: "every NIC is up but those whose link was cut and has its network's MTU, the tunnel endpoint is on the planned device, and the way to every \
            other endpoint leaves by the planned device, from that address",
    reads: &[Subject::Addresses, Subject::Routes],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        match observation.get(&member.name, |seen| &seen.devices) {
            Ok(devices) => {
                links(member, devices, &mut verdict);
                if !member.tunnels_are_cut() {
                    address(member, devices, &mut verdict);
                }
            }
            Err(reason) => drop(verdict.unread(&member.name, "ip address", reason)),
        }
        if !member.tunnels_are_cut() {
            routes(state, member, observation.find(&member.name), &mut verdict);
        }
    }
    verdict.finish()
}

/// Every NIC has its link, or none where that was cut, and carries packets of the size of its network's. Where packets would go then
/// is nobody's business.
fn links(member: &Member, devices: &[Device], verdict: &mut VerdictBuilder) {
    for nic in &member.nics {
        let found = devices.iter().find(|device| device.name == nic.device);
        let wanted = if member.cut.contains(&nic.network) { "down" } else { "up" };
        let seen = match found {
            None => "no such device".to_owned(),
            Some(device) if device.is_up() => "up".to_owned(),
            Some(device) if device.flags.iter().any(|flag| flag == "UP") => {
                format!("{} with flags {}", device.operstate, device.flags.join(","))
            }
            Some(_) => "down".to_owned(),
        };
        verdict.compare(&member.name, "ip address", &format!("{} state", nic.device), wanted, seen);
        if let Some(mtu) = found.and_then(|device| device.mtu) {
            verdict.compare(&member.name, "ip address", &format!("{} mtu", nic.device), u32::from(nic.mtu), mtu);
        }
    }
}

fn address(member: &Member, devices: &[Device], verdict: &mut VerdictBuilder) {
    let (name, planned) = (&member.name, &member.encap.device);
    let ip = member.encap.ip;
    let owners: Vec<&str> = devices
        .iter()
        .filter(|device| device.addresses.iter().any(|net| net.addr() == ip))
        .map(|device| device.name.as_str())
        .collect();
    let seen = if owners.is_empty() { "no device".to_owned() } else { owners.join(", ") };
    verdict.compare(name, "ip address", &format!("device with {ip}"), planned, seen);
}

fn routes(state: &State, member: &Member, seen: Option<&MemberObservation>, verdict: &mut VerdictBuilder) {
    let not_read = Reading::NotRead;
    for peer in peers(state, member) {
        let table = format!("ip route get {}", peer.encap.ip);
        let route = match seen.and_then(|seen| seen.routes.get(&peer.encap.ip)).unwrap_or(&not_read).get() {
            Ok(route) => route,
            Err(reason) => {
                verdict.unread(&member.name, &table, reason);
                continue;
            }
        };
        verdict.compare(&member.name, &table, "dst", peer.encap.ip, route.dst);
        verdict.compare(&member.name, &table, "dev", &member.encap.via, &route.dev);
        if let Some(source) = route.prefsrc {
            verdict.compare_address(state, member, &table, "prefsrc", member.encap.ip, Some(&source.to_string()));
        }
    }
}
