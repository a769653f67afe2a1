//! The underlay: the planned device has the tunnel endpoint, and the way to each peer's leaves by it.

use crate::expect::subject::peers;
use crate::expect::{Check, Judge, MemberObservation, Observation, Reading, Subject, Verdict, VerdictBuilder};
use crate::microovn::Device;
use crate::plan::{Member, Service, State};

pub(super) const CHECK: Check = Check {
    name: "encap_route",
    about: "the tunnel endpoint is on the planned device, which is up, and the way to every other endpoint leaves by \
            the planned device, from that address",
    reads: &[Subject::Addresses, Subject::Routes],
    applies: super::with_chassis,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online_with(Service::Chassis) {
        match observation.get(&member.name, |seen| &seen.devices) {
            Ok(devices) => address(member, devices, &mut verdict),
            Err(reason) => drop(verdict.unread(&member.name, "ip address", reason)),
        }
        routes(state, member, observation.find(&member.name), &mut verdict);
    }
    verdict.finish()
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

    let seen = match devices.iter().find(|device| device.name == *planned) {
        None => "no such device".to_owned(),
        Some(device) if device.is_up() => "up".to_owned(),
        Some(device) => format!("{} with flags {}", device.operstate, device.flags.join(",")),
    };
    verdict.compare(name, "ip address", &format!("{planned} state"), "up", seen);
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
