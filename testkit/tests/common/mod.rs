//! Plans, and what a cluster formed exactly as planned prints.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use testkit::expect::{Observation, Read, Subject};
use testkit::matrix::Cell;
use testkit::microovn::{AUTHORITY, planned_services};
use testkit::plan::{Encap, KeyAlgorithm, Member, Network, Outline, Plan, Segment, Segments, Service, UserCa};

/// The four plans of the first suites: both families, default and custom encapsulation.
pub(crate) fn plans() -> Vec<(&'static str, Plan)> {
    vec![
        ("ipv4", plan(false, false)),
        ("ipv4 custom encap", plan(false, true)),
        ("ipv6", plan(true, false)),
        ("ipv6 custom encap", plan(true, true)),
    ]
}

/// A cluster of four: three centrals, and one member that has only chassis and switch.
pub(crate) fn plan(ipv6: bool, custom_encap: bool) -> Plan {
    let segment = |ipv4: &str, ipv6: &str| Segment { ipv4: ipv4.parse().unwrap(), ipv6: ipv6.parse().unwrap() };
    let segments = Segments {
        management: segment("10.1.1.0/24", "fd42:1:1::/64"),
        underlay: segment("10.1.2.0/24", "fd42:1:2::/64"),
    };
    let outline = Outline { members: 4, ..Outline::default() };
    let mut plan = Plan::outlined(Cell::new(&[], &[]).unwrap().id().clone(), outline, segments);
    for member in &mut plan.members {
        let address = |member: &Member, network| {
            let nic = member.find_nic(network).unwrap();
            let net = nic.addresses.iter().find(|net| net.addr().is_ipv6() == ipv6).unwrap();
            (net.addr(), nic.device.clone())
        };
        member.address = address(member, Network::Management).0;
        let network = if custom_encap { Network::Underlay } else { Network::Management };
        let (ip, device) = address(member, network);
        member.encap = Encap { ip, via: device.clone(), device, custom: custom_encap };
    }
    plan.user_ca = Some(UserCa { algorithm: KeyAlgorithm::Ecdsa, certificate: AUTHORITIES[0].certificate.clone() });
    plan
}

/// A certificate authority and a certificate that it signed, as PEM.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    pub(crate) signed: String,
}

/// The one that the plans give, and another one of the same name.
pub(crate) static AUTHORITIES: LazyLock<[Authority; 2]> = LazyLock::new(|| [authority(), authority()]);

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "given CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let signed = CertificateParams::new(vec!["member".to_owned()]).unwrap();
    let signed = signed.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    Authority { certificate: issuer.pem(), signed: signed.pem() }
}

/// What is observed on a cluster formed exactly as planned: every read of every subject, as the tools print it.
pub(crate) fn observe(plan: &Plan) -> Observation {
    let mut observation = Observation::default();
    for member in &plan.members {
        for subject in Subject::ALL {
            for read in subject.reads(plan, member) {
                observation.record(&member.name, read, Ok(&printed(plan, member, read)));
            }
        }
    }
    observation
}

fn uuid(kind: u8, n: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{n:012x}")
}

fn list(plan: &Plan, port: u16) -> String {
    let one = |member: &Member| format!("ssl:{}", SocketAddr::new(member.address, port));
    plan.members_with(Service::Central).map(one).collect::<Vec<_>>().join(",")
}

/// What one read prints on a member of such a cluster.
pub(crate) fn printed(plan: &Plan, member: &Member, read: Read) -> String {
    let chassis: Vec<_> = plan.members_with(Service::Chassis).enumerate().collect();
    match read {
        Read::Switch => {
            let mut ids = vec![json!(["hostname", member.hostname]), json!(["system-id", member.name])];
            let mut interfaces = vec![json!(["br-int", "internal", ["map", []]])];
            if member.runs(Service::Chassis) {
                ids.push(json!(["ovn-encap-ip", member.encap.ip]));
                ids.push(json!(["ovn-encap-type", "geneve"]));
                ids.push(json!(["ovn-remote", list(plan, 6642)]));
                for (n, peer) in chassis.iter().filter(|(_, peer)| peer.name != member.name) {
                    let options = json!(["map", [["csum", "true"], ["key", "flow"], ["remote_ip", peer.encap.ip]]]);
                    interfaces.push(json!([format!("ovn-peer-{n}-0"), "geneve", options]));
                }
            }
            let roots = json!({"data": [[["map", ids]]], "headings": ["external_ids"]});
            format!("{roots}\n{}\n", json!({"data": interfaces, "headings": ["name", "type", "options"]}))
        }
        Read::Southbound => {
            let rows = chassis
                .iter()
                .map(|(n, row)| json!([["uuid", uuid(1, *n)], row.name, row.hostname, ["uuid", uuid(2, *n)]]));
            let encaps = chassis.iter().rev().map(|(n, row)| {
                let options = json!(["map", [["csum", "true"]]]);
                json!([["uuid", uuid(2, *n)], row.name, row.encap.ip, "geneve", options])
            });
            format!(
                "{}\n{}\n",
                json!({"data": rows.collect::<Vec<_>>(), "headings": ["_uuid", "name", "hostname", "encaps"]}),
                json!({"data": encaps.collect::<Vec<_>>(), "headings": ["_uuid", "chassis_name", "ip", "type", "options"]})
            )
        }
        Read::Certificate(AUTHORITY) => AUTHORITIES[0].certificate.clone(),
        Read::Certificate(_) => AUTHORITIES[0].signed.clone(),
        Read::NbRaft => raft(plan, member, "OVN_Northbound", 6643),
        Read::SbRaft => raft(plan, member, "OVN_Southbound", 6644),
        Read::Members => {
            let row = |member: &Member| {
                let address = SocketAddr::new(member.address, 6686).to_string();
                json!({"name": member.name, "address": address, "certificate": "", "role": "PENDING", "status": "ONLINE"})
            };
            json!(plan.members.iter().map(row).collect::<Vec<_>>()).to_string()
        }
        Read::Services => {
            let mut text = "Service  Startup  Current  Notes\n".to_owned();
            for (name, (startup, current)) in planned_services(&plan.release, &member.services) {
                let notes = if name == "refresh-expiring-certs" { "timer-activated" } else { "-" };
                text += &format!("microovn.{name}  {startup}  {current}  {notes}\n");
            }
            text
        }
        Read::Plugs => {
            let plugs = plan
                .release
                .plugs
                .iter()
                .map(|(name, plug)| format!("{}  microovn:{name}  :{}  manual\n", plug.interface, plug.interface));
            "Interface  Plug  Slot  Notes\n".to_owned() + &plugs.collect::<String>()
        }
        Read::OvnEnv => {
            let local = match member.address {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            let (nb, sb) = (list(plan, 6641), list(plan, 6642));
            format!("# # Generated\nOVN_NB_CONNECT=\"{nb}\"\nOVN_SB_CONNECT=\"{sb}\"\nOVN_LOCAL_IP=\"{local}\"\n")
        }
        Read::Northd => format!(
            "ovn-northd --ca-cert=/pki/cacert.pem -vsyslog:info --ovnnb-db={} --ovnsb-db {} --no-chdir\n",
            list(plan, 6641),
            list(plan, 6642)
        ),
        Read::Devices => {
            let devices = member.nics.iter().map(|nic| {
                let addresses =
                    nic.addresses.iter().map(|net| json!({"local": net.addr(), "prefixlen": net.prefix_len()}));
                json!({"ifname": nic.device, "flags": ["BROADCAST", "UP", "LOWER_UP"], "operstate": "UP",
                       "addr_info": addresses.collect::<Vec<_>>()})
            });
            json!(devices.collect::<Vec<_>>()).to_string()
        }
        Read::Route(peer) => {
            json!([{"dst": peer, "dev": member.encap.via, "prefsrc": member.encap.ip, "flags": []}]).to_string()
        }
    }
}

fn raft(plan: &Plan, member: &Member, name: &str, port: u16) -> String {
    let centrals: Vec<_> = plan.members_with(Service::Central).enumerate().collect();
    let number = centrals.iter().find(|(_, central)| central.name == member.name).unwrap().0;
    let id = |n: usize| format!("aaa{n}");
    let (role, leader) = if number == 0 { ("leader", "self".to_owned()) } else { ("follower", id(0)) };
    let address = |member: &Member| format!("ssl:{}", SocketAddr::new(member.address, port));
    let mut text = format!(
        "{short}\nName: {name}\nCluster ID: c1c1 (c1c1c1c1-0000-4000-8000-000000000000)\n\
         Server ID: {short} ({short}0000-0000-4000-8000-000000000000)\nAddress: {}\nStatus: cluster member\n\
         Role: {role}\nTerm: 2\nLeader: {leader}\nVote: unknown\n\nElection timer: 16000\nServers:\n",
        address(member),
        short = id(number),
    );
    for (n, central) in centrals {
        let myself = if n == number { " (self)" } else { "" };
        text += &format!("    {0} ({0} at {1}){myself} last msg 3348 ms ago\n", id(n), address(central));
    }
    text
}
