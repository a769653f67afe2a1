//! The custom encapsulation address: tunnels on the underlay network instead of the cluster address.

use std::net::IpAddr;

use ipnet::IpNet;
use testkit::matrix::{Constraint, Declaration};
use testkit::plan::{
    Answer, Cue, Encap as Endpoint, HostFact, InitOption, Member, Need, Network, Plan, Role, StaticRoute,
};

const DEFINE: &str = "Would you like to define a custom encapsulation IP address for this member?";
const ENTER: &str = "Please enter the custom encapsulation IP address for this member";
const UNDERLAY: &str = "Configure dedicated OVN underlay networking?";
/// The headings of MicroCloud's table of what can be one.
pub(super) const UNDERLAYS: [&str; 4] = ["LOCATION", "IFACE", "TYPE", "IP ADDRESS (CIDR)"];
/// What MicroCloud's preseed calls it.
pub(super) const UNDERLAY_IP: &str = "ovn_underlay_ip";

/// `encap`: default | ipv4 | ipv6, on eth1 | loopback, on lo and routed over eth1, in the cluster's family.
pub(super) struct Encap;

impl InitOption for Encap {
    fn declaration(&self) -> Declaration {
        Declaration::new("encap", &["default", "ipv4", "ipv6", "loopback"]).suffix(|value, choices| {
            match choices.get("address_family") {
                Some(family) if *family == value => "custom_encap".to_owned(),
                _ => format!("custom_encap_{value}"),
            }
        })
    }

    fn constraints(&self) -> Vec<Constraint> {
        let why = "`cluster bootstrap` and `cluster join` take no encapsulation address";
        vec![Constraint::new(why).when("formation", &["cli"]).then("encap", &["default"])]
    }

    fn shape(&self, value: &str, plan: &mut Plan) {
        match value {
            "default" => {}
            "loopback" => on_loopback(plan),
            family => on_underlay(plan, family == "ipv6"),
        }
    }

    fn needs(&self, value: &str, plan: &Plan) -> Vec<Need> {
        match value {
            "default" => Vec::new(),
            _ if plan.formation.is_dialog() => vec![Need::Prompt(DEFINE.to_owned())],
            _ if plan.formation.is_microcloud() => {
                vec![Need::Extension("custom_encapsulation_ip".to_owned()), Need::Host(HostFact::Underlays)]
            }
            _ => vec![Need::Extension("custom_encapsulation_ip".to_owned())],
        }
    }

    fn answers(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<Answer> {
        let custom = member.encap.custom;
        let mut answers = vec![Answer::text("encap", DEFINE, if custom { "yes" } else { "no" })];
        if custom {
            answers.push(Answer::text("encap", ENTER, member.encap.ip.to_string()));
        }
        answers
    }

    fn config(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let entry = ("ovn-encap-ip".to_owned(), member.encap.ip.to_string());
        if member.encap.custom { vec![entry] } else { Vec::new() }
    }

    fn by_microcloud(&self) -> &'static [&'static str] {
        &["default", "ipv4", "ipv6"]
    }

    // The first member is asked for all of them.
    fn cues(&self, value: &str, plan: &Plan, member: &Member) -> Vec<Cue> {
        match (plan.role(member), value) {
            (Role::Join, _) => Vec::new(),
            (Role::Bootstrap, "default") => vec![Cue::question("encap", UNDERLAY, "no")],
            (Role::Bootstrap, _) => {
                let rows = plan.state.members().filter_map(row_of);
                vec![Cue::question("encap", UNDERLAY, "yes"), Cue::table("encap", &UNDERLAYS, rows)]
            }
        }
    }

    // As read in MicroCloud 2.1: of the new member alone.
    fn added(&self, value: &str, _plan: &Plan, member: &Member) -> Vec<Cue> {
        match value {
            "default" => vec![Cue::question("encap", UNDERLAY, "no")],
            _ => vec![Cue::question("encap", UNDERLAY, "yes"), Cue::table("encap", &UNDERLAYS, row_of(member))],
        }
    }

    fn preseed(&self, _value: &str, _plan: &Plan, member: &Member) -> Vec<(String, String)> {
        let entry = (UNDERLAY_IP.to_owned(), member.encap.ip.to_string());
        if member.encap.custom { vec![entry] } else { Vec::new() }
    }
}

/// What stands in MicroCloud's table of a member's underlay.
fn row_of(member: &Member) -> Option<[String; 3]> {
    let nic = member.nics.iter().find(|nic| nic.device == member.encap.device)?;
    let address = nic.addresses.iter().find(|address| address.addr() == member.encap.ip)?;
    Some([member.name.clone(), nic.device.clone(), address.to_string()])
}

/// Tunnels end at the address of eth1.
fn on_underlay(plan: &mut Plan, ipv6: bool) {
    for member in &mut plan.state.members {
        let Some(nic) = member.find_nic(Network::Underlay) else { continue };
        if let Some(ip) = nic.find_address(ipv6) {
            member.encap = Endpoint { ip, device: nic.device.clone(), via: nic.device.clone(), custom: true };
        }
    }
}

/// Tunnels end at a host address (/32 or /128) on lo, as where routing protocols announce it. The peers' are reached
/// over eth1, and packets to them leave with it.
fn on_loopback(plan: &mut Plan) {
    let mut endpoints = Vec::new();
    for (n, member) in (1..).zip(&mut plan.state.members) {
        let ipv6 = member.address.is_ipv6();
        let Some(nic) = member.find_nic(Network::Underlay) else { continue };
        let Some(gateway) = nic.find_address(ipv6) else { continue };
        let endpoint = IpNet::from(loopback(ipv6, n));
        member.encap = Endpoint { ip: endpoint.addr(), device: "lo".to_owned(), via: nic.device.clone(), custom: true };
        member.loopback.push(endpoint);
        endpoints.push((endpoint, gateway));
    }
    for member in &mut plan.state.members {
        let source = member.encap.ip;
        let Some(nic) = member.nics.iter_mut().find(|nic| nic.network == Network::Underlay) else { continue };
        let peers = endpoints.iter().filter(|(endpoint, _)| endpoint.addr() != source);
        nic.routes.extend(peers.map(|(destination, gateway)| StaticRoute {
            destination: *destination,
            gateway: *gateway,
            source,
        }));
    }
}

/// The endpoint of the n-th member. It is seen by the members of its cell only, so it may be the same in every cell:
/// from the block for interconnecting test devices (RFC 2544), or a unique local address (RFC 4193).
fn loopback(ipv6: bool, n: u8) -> IpAddr {
    if ipv6 { [0xfd42, 0x6c6f, 0, 0, 0, 0, 0, u16::from(n)].into() } else { [198, 18, 0, n].into() }
}

#[cfg(test)]
mod tests {
    use testkit::plan::Reply;

    use super::super::tests::plan;

    #[test]
    fn custom_encapsulation_is_planned_and_answered_per_member() {
        for (chosen, device, wanted) in [
            (vec![], "eth0", ["10.77.0.11", "10.77.0.12", "10.77.0.13"]),
            (vec![("address_family", "ipv6")], "eth0", ["fd42:77::b", "fd42:77::c", "fd42:77::d"]),
            (vec![("encap", "ipv4")], "eth1", ["10.88.0.11", "10.88.0.12", "10.88.0.13"]),
            (vec![("address_family", "ipv6"), ("encap", "ipv6")], "eth1", ["fd42:88::b", "fd42:88::c", "fd42:88::d"]),
        ] {
            let plan = plan(&chosen);
            for (member, wanted) in plan.state.members.iter().zip(wanted) {
                assert_eq!(member.encap.ip.to_string(), wanted);
                assert_eq!(member.encap.device, device);
                let typed = plan
                    .recipe(member)
                    .answers
                    .iter()
                    .find(|answer| answer.prompt.starts_with("Please enter the custom encapsulation"))
                    .map(|answer| answer.replies.clone());
                let custom = chosen.iter().any(|(option, _)| *option == "encap");
                assert_eq!(typed, custom.then(|| vec![Reply::Text(wanted.to_owned())]));
            }
        }
    }

    #[test]
    fn a_loopback_endpoint_is_a_host_address_that_the_peers_are_routed_to() {
        for (family, prefix) in [("ipv4", 32), ("ipv6", 128)] {
            let plan = plan(&[("encap", "loopback"), ("address_family", family)]);
            for member in &plan.state.members {
                assert_eq!((member.encap.device.as_str(), member.encap.via.as_str()), ("lo", "eth1"));
                assert_eq!(member.loopback.len(), 1);
                assert_eq!((member.loopback[0].prefix_len(), member.loopback[0].addr()), (prefix, member.encap.ip));
                let routes: Vec<_> = member.nics[1].routes.iter().map(|r| (r.destination.addr(), r.source)).collect();
                let peers = plan.state.members.iter().filter(|peer| peer.name != member.name);
                let wanted: Vec<_> = peers.map(|peer| (peer.encap.ip, member.encap.ip)).collect();
                assert_eq!(routes, wanted);
            }
        }
    }
}
