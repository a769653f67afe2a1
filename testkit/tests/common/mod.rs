//! Plans, and what a cluster formed exactly as planned prints.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::json;
use testkit::expect::{Observation, Read, Subject};
use testkit::matrix::Cell;
use testkit::microovn::{AUTHORITY, LISTENERS, planned_certificates, planned_services};
use testkit::plan::{
    Datapath, Encap, KeyAlgorithm, KeyForm, Member, Network, Outline, Plan, Segment, Segments, Service, State, UserCa,
};

/// The four plans of the first suites, both families, default and custom encapsulation, with an authority that is given,
/// and one without.
pub(crate) fn plans() -> Vec<(&'static str, Plan)> {
    vec![
        ("ipv4", plan(false, false)),
        ("ipv4 custom encap", plan(false, true)),
        ("ipv6", plan(true, false)),
        ("ipv6 custom encap", plan(true, true)),
        ("generated authority", generated(plan(false, false))),
    ]
}

/// The same cluster with an authority that MicroOVN makes.
fn generated(mut plan: Plan) -> Plan {
    plan.state.user_ca = None;
    plan
}

/// What must be so in each of [`plans`].
pub(crate) fn states() -> Vec<(&'static str, State)> {
    plans().into_iter().map(|(name, plan)| (name, plan.state)).collect()
}

/// What must be so in the cluster of [`plan`].
pub(crate) fn state(ipv6: bool, custom_encap: bool) -> State {
    plan(ipv6, custom_encap).state
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
    for member in &mut plan.state.members {
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
    plan.state.datapath = Some(if ipv6 { Datapath::Kernel } else { Datapath::Userspace });
    let certificate = AUTHORITIES[0].certificate.clone();
    let (algorithm, form) = (KeyAlgorithm::Ecdsa, KeyForm::default());
    plan.state.user_ca = Some(UserCa { algorithm, form, intermediate: false, certificate });
    plan
}

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// The one that the plans give, and another one of the same name; they are as those that MicroOVN makes.
pub(crate) static AUTHORITIES: LazyLock<[Authority; 2]> = LazyLock::new(|| [authority(), authority()]);

/// When the clusters of tests were formed, and the day after: in seconds since 1970.
pub(crate) const FORMED: i64 = 1_767_225_600;
const NOW: i64 = FORMED + 24 * 3600;

/// Certificates as MicroOVN issues them: of this unit and name, for two years.
pub(crate) fn issued(unit: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in
        [(DnType::OrganizationName, "MicroOVN"), (DnType::OrganizationalUnitName, unit), (DnType::CommonName, name)]
    {
        params.distinguished_name.push(kind, value);
    }
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2028, 1, 1));
    params
}

fn authority() -> Authority {
    let mut params = issued("MicroOVN CA", "MicroOVN CA");
    params.not_after = date_time_ymd(2035, 12, 30);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    Authority { certificate: issuer.pem(), issuer }
}

impl Authority {
    /// Signs a certificate; its PEM, and that of its public key.
    pub(crate) fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.public_key_pem())
    }
}

/// What members' tools say of their folders of certificates, by name and by what has one. Made once: it takes a while.
type Folders = BTreeMap<(String, Vec<&'static str>), String>;
static FOLDERS: LazyLock<Mutex<Folders>> = LazyLock::new(Mutex::default);

fn pki(member: &Member) -> String {
    let key = (member.name.clone(), planned_certificates(&member.services));
    FOLDERS.lock().unwrap().entry(key).or_insert_with_key(|(name, services)| folder(name, services)).clone()
}

fn folder(name: &str, services: &[&str]) -> String {
    let mut text = format!("now {NOW}\n");
    let mut add = |name: &str, content: &str| text += &format!("== 600 root:root {FORMED} {name}\n{content}");
    add(AUTHORITY, &AUTHORITIES[0].certificate);
    for service in services {
        let (certificate, key) = AUTHORITIES[0].sign(&issued(service, name));
        add(&format!("{service}-cert.pem"), &certificate);
        add(&format!("{service}-privkey.pem"), &key);
    }
    text
}

fn certificate_list(state: &State, member: &Member) -> String {
    let path = |file: &str| format!("/var/snap/microovn/common/data/pki/{file}");
    let mut list = json!({"ca": {
        "cert": path(AUTHORITY), "auto_renew": state.user_ca.is_none(), "expiration_date": "2035-12-30 00:00:00 +0000 UTC"
    }});
    let planned = planned_certificates(&member.services);
    for service in ["ovnnb", "ovnsb", "ovn-northd", "ovn-controller", "client"] {
        list[service] = planned
            .contains(&service)
            .then(|| {
                json!({
                    "cert": path(&format!("{service}-cert.pem")), "key": path(&format!("{service}-privkey.pem")),
                    "expiration_date": "2028-01-01 00:00:00 +0000 UTC"
                })
            })
            .into();
    }
    list.to_string()
}

/// The processes of a member, in the words of the recorded process list.
fn daemons(state: &State, member: &Member) -> String {
    let mut text = String::new();
    let mut add = |line: &str| {
        let argv: Vec<&str> = line.split(' ').collect();
        text += &format!("{} {} 100 2000\n", argv[0].trim_end_matches(':'), argv.len());
        argv.iter().for_each(|argument| text += &format!("{}:{argument}\n", argument.len()));
    };
    let common = "/var/snap/microovn/common";
    let keys = |stem: &str| {
        let pki = format!("{common}/data/pki");
        format!("--private-key={pki}/{stem}-privkey.pem --certificate={pki}/{stem}-cert.pem --ca-cert={pki}/cacert.pem")
    };
    let kept = |run: &str, name: &str| {
        format!("--no-chdir --log-file={common}/logs/{name}.log --pidfile={common}/run/{run}//{name}.pid --detach")
    };
    add(&format!("microovnd --verbose --state-dir {common}/state"));
    if member.runs(Service::Switch) {
        let socket = format!("unix:{common}/run/switch//db.sock");
        let kept = |name| kept("switch", name);
        add(&format!(
            "ovsdb-server {common}/data/switch/db/conf.db -vconsole:emer --remote=p{socket} \
             --private-key=db:Open_vSwitch,SSL,private_key --certificate=db:Open_vSwitch,SSL,certificate \
             --bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert {} --monitor",
            kept("ovsdb-server")
        ));
        add(&format!("ovs-vswitchd {socket} -vconsole:emer --mlockall {} --monitor", kept("ovs-vswitchd")));
    }
    if member.runs(Service::Central) {
        for (short, schema, table) in [("nb", "OVN_Northbound", "NB_Global"), ("sb", "OVN_Southbound", "SB_Global")] {
            let run = format!("{common}/run/ovn//ovn{short}_db");
            add(&format!(
                "ovsdb-server -vsyslog:info --log-file={common}/logs/ovsdb-server-{short}.log --remote=punix:{run}.sock \
                 --pidfile={run}.pid --unixctl={run}.ctl --remote=db:{schema},{table},connections {} \
                 --ssl-protocols=db:{schema},SSL,ssl_protocols --ssl-ciphers=db:{schema},SSL,ssl_ciphers \
                 {common}/data/central/db/ovn{short}_db.db",
                keys(&format!("ovn{short}"))
            ));
        }
        let (nb, sb) = (list(state, 6641), list(state, 6642));
        let kept = kept("ovn", "ovn-northd");
        add(&format!("ovn-northd {} -vsyslog:info --ovnnb-db={nb} --ovnsb-db={sb} {kept}", keys("ovn-northd")));
    }
    if member.runs(Service::Chassis) {
        let kept = kept("ovn", "ovn-controller");
        add(&format!("ovn-controller unix:{common}/run/switch//db.sock {} {kept}", keys("ovn-controller")));
    }
    text
}

/// What is observed on a cluster formed exactly as planned: every read of every subject, as the tools print it.
pub(crate) fn observe(state: &State) -> Observation {
    let mut observation = Observation::default();
    for member in state.online() {
        for subject in Subject::ALL {
            for read in subject.reads(state, member) {
                observation.record(&member.name, read, Ok(&printed(state, member, read)));
            }
        }
    }
    observation
}

fn uuid(kind: u8, n: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{n:012x}")
}

fn list(state: &State, port: u16) -> String {
    let one = |member: &Member| format!("ssl:{}", SocketAddr::new(member.address, port));
    state.members_with(Service::Central).map(one).collect::<Vec<_>>().join(",")
}

/// What one read prints on a member of such a cluster.
pub(crate) fn printed(state: &State, member: &Member, read: Read) -> String {
    let chassis: Vec<_> = state.members_with(Service::Chassis).enumerate().collect();
    match read {
        Read::Switch => {
            let mut ids = vec![json!(["hostname", member.hostname]), json!(["system-id", member.name])];
            let mut interfaces = vec![json!(["br-int", "internal", ["map", []]])];
            if member.runs(Service::Chassis) {
                ids.push(json!(["ovn-encap-ip", member.encap.ip]));
                ids.push(json!(["ovn-encap-type", "geneve"]));
                ids.push(json!(["ovn-remote", list(state, 6642)]));
                for (n, peer) in chassis.iter().filter(|(_, peer)| peer.name != member.name) {
                    let options = json!(["map", [["csum", "true"], ["key", "flow"], ["remote_ip", peer.encap.ip]]]);
                    interfaces.push(json!([format!("ovn-peer-{n}-0"), "geneve", options]));
                }
            }
            let roots = json!({"data": [[["map", ids]]], "headings": ["external_ids"]});
            let interfaces = json!({"data": interfaces, "headings": ["name", "type", "options"]});
            let kind = state.datapath.map_or("", Datapath::kind);
            let bridges = json!({"data": [["br-int", kind, "0000ce8f"]], "headings": ["name", "datapath_type", "datapath_id"]});
            format!("{roots}\n{interfaces}\n{bridges}\n")
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
        Read::Pki => pki(member),
        Read::CertificateList => certificate_list(state, member),
        Read::Daemons => daemons(state, member),
        Read::Listeners(_) => LISTENERS
            .map(|port| {
                format!("port {port}\nverify return:1\n40B7:error:0A00045C:SSL routines: SSL alert number 116\n")
            })
            .concat(),
        Read::Health => "= units\nId=snap.microovn.daemon.service\nNRestarts=0\nResult=success\nActiveState=active\n\
                         SubState=running\n\nId=snap.microovn.bird.service\nNRestarts=0\nResult=success\n\
                         ActiveState=inactive\nSubState=dead\n= journal 1204 0\n1\t0\tovs-vswitchd\tovs|00003|vswitchd|ERR|\
                         mlockall failed: Cannot allocate memory\n= end\n"
            .to_owned(),
        Read::NbRaft => raft(state, member, "OVN_Northbound", 6643),
        Read::SbRaft => raft(state, member, "OVN_Southbound", 6644),
        Read::Members => {
            let row = |member: &Member| {
                let address = SocketAddr::new(member.address, state.release.member_port).to_string();
                json!({"name": member.name, "address": address, "certificate": "", "role": "PENDING", "status": "ONLINE"})
            };
            json!(state.members().map(row).collect::<Vec<_>>()).to_string()
        }
        Read::Services => {
            let mut text = "Service  Startup  Current  Notes\n".to_owned();
            for (name, (startup, current)) in planned_services(&state.release, &member.services) {
                let notes = if name == "refresh-expiring-certs" { "timer-activated" } else { "-" };
                text += &format!("microovn.{name}  {startup}  {current}  {notes}\n");
            }
            text
        }
        Read::Plugs => {
            let plugs = state
                .release
                .plugs
                .iter()
                .map(|(name, plug)| format!("{}  microovn:{name}  :{}  manual\n", plug.interface, plug.interface));
            "Interface  Plug  Slot  Notes\n".to_owned() + &plugs.collect::<String>()
        }
        Read::OvnEnv => {
            let host = |ip| match ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            let local = host(member.address);
            let centrals: Vec<_> = state.members_with(Service::Central).map(|central| central.address).collect();
            let other = centrals.iter().find(|central| **central != member.address);
            let initial = other.or(centrals.first()).copied().map(host).unwrap_or_default();
            let (nb, sb) = (list(state, 6641), list(state, 6642));
            format!(
                "# # Generated\nOVN_INITIAL_NB=\"{initial}\"\nOVN_INITIAL_SB=\"{initial}\"\nOVN_NB_CONNECT=\"{nb}\"\n\
                 OVN_SB_CONNECT=\"{sb}\"\nOVN_LOCAL_IP=\"{local}\"\n"
            )
        }
        Read::Northd => format!(
            "ovn-northd --ca-cert=/pki/cacert.pem -vsyslog:info --ovnnb-db={} --ovnsb-db {} --no-chdir\n",
            list(state, 6641),
            list(state, 6642)
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

fn raft(state: &State, member: &Member, name: &str, port: u16) -> String {
    let centrals: Vec<_> = state.members_with(Service::Central).enumerate().collect();
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
