//! The mutations.

use testkit::expect::Reading;
use testkit::microovn::health::Kind;
use testkit::microovn::{Activity, Attempt, Certificate, Daemon, Northd, Startup};
use testkit::ovn::{AddressText, Leader, Southbound};

use crate::case::{Case, VICTIM, inner};
use crate::common;

/// What is changed, by whom it must be found, and how.
pub(crate) type Mutation = (&'static str, &'static [&'static str], fn(&mut Case<'_>));

pub(crate) const MUTATIONS: &[Mutation] = &[
    // Certificates are in a table of their own.
    // Open_vSwitch
    ("encap address of a peer", &["ovs_encap_ip"], |c| c.external_id("ovn-encap-ip", c.encap(0))),
    ("encap address that contains the right one", &["ovs_encap_ip"], |c| {
        c.external_id("ovn-encap-ip", format!("{}0", c.encap(VICTIM)));
    }),
    ("encap address with a mask", &["ovs_encap_ip"], |c| {
        c.external_id("ovn-encap-ip", format!("{}/24", c.encap(VICTIM)))
    }),
    ("encap address in brackets", &["ovs_encap_ip"], |c| {
        c.external_id("ovn-encap-ip", format!("[{}]", c.encap(VICTIM)))
    }),
    ("two encap addresses", &["ovs_encap_ip"], |c| {
        c.external_id("ovn-encap-ip", format!("{},{}", c.encap(VICTIM), c.encap(0)));
    }),
    ("encap host name", &["ovs_encap_ip"], |c| c.external_id("ovn-encap-ip", "localhost")),
    ("no encap address", &["ovs_encap_ip"], |c| {
        c.switch().open_vswitch.external_ids.remove("ovn-encap-ip").unwrap();
    }),
    ("vxlan", &["ovs_encap_type"], |c| c.external_id("ovn-encap-type", "vxlan")),
    ("geneve and vxlan", &["ovs_encap_type"], |c| c.external_id("ovn-encap-type", "geneve,vxlan")),
    ("no encap type", &["ovs_encap_type"], |c| {
        c.switch().open_vswitch.external_ids.remove("ovn-encap-type").unwrap();
    }),
    ("remote without a central", &["ovn_remote"], |c| c.external_id("ovn-remote", c.fewer(6642))),
    ("remote with a member that is no central", &["ovn_remote"], |c| c.external_id("ovn-remote", c.more(6642))),
    ("remote of the Northbound", &["ovn_remote"], |c| {
        let other = c.switch().open_vswitch.external_ids["ovn-remote"].replace(":6642", ":6641");
        c.external_id("ovn-remote", other);
    }),
    ("remote without TLS", &["ovn_remote"], |c| {
        let other = c.switch().open_vswitch.external_ids["ovn-remote"].replace("ssl:", "tcp:");
        c.external_id("ovn-remote", other);
    }),
    ("remote that is no connection", &["ovn_remote"], |c| c.external_id("ovn-remote", "unix:/run/db.sock")),
    ("a switch that is called as its host", &["system_id"], |c| {
        let host = c.state.members[VICTIM].hostname.clone();
        c.external_id("system-id", format!("{host}-host"));
    }),
    ("a switch without a name", &["system_id"], |c| {
        c.switch().open_vswitch.external_ids.remove("system-id").unwrap();
    }),
    ("a switch whose chassis is called otherwise", &["sb_chassis", "sb_encap", "system_id"], |c| {
        c.southbound().chassis[VICTIM].name.push_str("-renamed");
    }),
    ("a second chassis of the switch", &["sb_chassis", "system_id"], |c| {
        let mut second = c.southbound().chassis[VICTIM].clone();
        (second.name, second.encaps) = ("another".to_owned(), Vec::new());
        c.southbound().chassis.push(second);
    }),
    // The datapath
    ("another datapath", &["datapath"], |c| c.switch().bridges[0].datapath_type = "dpdk".to_owned()),
    ("no integration bridge", &["datapath"], |c| c.switch().bridges[0].name = "br-ex".to_owned()),
    ("a bridge without its datapath", &["datapath"], |c| {
        c.switch().bridges[0].datapath_id = None;
    }),
    // Interface
    ("a tunnel is missing", &["tunnels"], |c| drop(c.switch().interfaces.pop().unwrap())),
    ("a tunnel is there twice", &["tunnels"], |c| {
        let mut twice = c.switch().interfaces.last().unwrap().clone();
        twice.name.push('x');
        c.switch().interfaces.push(twice);
    }),
    ("a tunnel to nobody", &["tunnels"], |c| {
        let stranger = c.stranger().to_string();
        let mut tunnel = c.switch().interfaces.last().unwrap().clone();
        tunnel.options.insert("remote_ip".to_owned(), stranger);
        c.switch().interfaces.push(tunnel);
    }),
    ("a tunnel to oneself", &["tunnels"], |c| {
        let myself = c.encap(VICTIM).to_string();
        c.switch().interfaces.last_mut().unwrap().options.insert("remote_ip".to_owned(), myself);
    }),
    ("a tunnel of another kind", &["tunnels"], |c| c.switch().interfaces.last_mut().unwrap().kind = "vxlan".to_owned()),
    ("a tunnel without a remote", &["tunnels"], |c| {
        c.switch().interfaces.last_mut().unwrap().options.remove("remote_ip").unwrap();
    }),
    // Chassis
    ("a chassis is missing", &["sb_chassis", "sb_encap"], |c| drop(c.southbound().chassis.remove(2))),
    ("a chassis is there twice", &["sb_chassis", "sb_encap"], |c| {
        let mut twice = c.southbound().chassis[2].clone();
        twice.uuid = "another".to_owned();
        c.southbound().chassis.push(twice);
    }),
    ("a chassis nobody planned", &["sb_chassis"], |c| {
        let mut stranger = c.southbound().chassis[2].clone();
        (stranger.name, stranger.encaps) = ("stranger".to_owned(), Vec::new());
        c.southbound().chassis.push(stranger);
    }),
    ("a chassis with a longer name", &["sb_chassis", "sb_encap"], |c| c.southbound().chassis[0].name.push('0')),
    ("another host name", &["sb_chassis"], |c| c.southbound().chassis[2].hostname = "localhost".to_owned()),
    ("no host name", &["sb_chassis"], |c| c.southbound().chassis[2].hostname.clear()),
    // Encap
    ("an encap is missing", &["sb_encap"], |c| drop(c.southbound().encaps.remove(2))),
    ("an encap is there twice", &["sb_encap"], |c| {
        let mut twice = c.southbound().encaps[2].clone();
        twice.uuid = "another".to_owned();
        c.southbound().encaps.push(twice);
    }),
    ("an encap without a chassis", &["sb_encap"], |c| {
        let mut orphan = c.southbound().encaps[2].clone();
        (orphan.uuid, orphan.chassis_name) = ("another".to_owned(), "gone".to_owned());
        c.southbound().encaps.push(orphan);
    }),
    ("an encap of the wrong address", &["sb_encap"], |c| {
        c.southbound().encaps[2].ip = AddressText::new(c.stranger().to_string());
    }),
    ("two encaps exchanged", &["sb_encap"], |c| {
        let [first, second, ..] = c.southbound().encaps.as_mut_slice() else { panic!() };
        std::mem::swap(&mut first.ip, &mut second.ip);
    }),
    ("an encap that is no address", &["sb_encap"], |c| c.southbound().encaps[2].ip = AddressText::new("10.88.0.999")),
    ("an encap of another kind", &["sb_encap"], |c| c.southbound().encaps[2].kind = "vxlan".to_owned()),
    ("an encap without checksums", &["sb_encap"], |c| {
        c.southbound().encaps[2].options.insert("csum".to_owned(), "false".to_owned());
    }),
    ("an encap that says nothing of checksums", &["sb_encap"], |c| c.southbound().encaps[2].options.clear()),
    ("a chassis that refers to no encap", &["sb_encap"], |c| c.southbound().chassis[2].encaps.clear()),
    ("a chassis that refers to another's encap", &["sb_encap"], |c| {
        let other = c.southbound().chassis[0].encaps.clone();
        c.southbound().chassis[2].encaps = other;
    }),
    ("an empty Southbound", &["sb_chassis", "sb_encap"], |c| {
        *c.southbound() = Southbound { chassis: vec![], encaps: vec![] }
    }),
    // RAFT
    ("another Northbound cluster", &["nb_clustered"], |c| c.nb().cluster_id = Some("another".to_owned())),
    ("no Northbound cluster yet", &["nb_clustered"], |c| c.nb().cluster_id = None),
    ("a Northbound server is missing", &["nb_clustered"], |c| drop(c.nb().servers.pop())),
    ("a Northbound server is there twice", &["nb_clustered"], |c| {
        let twice = c.nb().servers[0].clone();
        c.nb().servers.push(twice);
    }),
    ("Northbound disconnected", &["nb_clustered"], |c| c.nb().status = "disconnected from the cluster".to_owned()),
    ("no Northbound leader", &["nb_clustered"], |c| c.nb().leader = Leader::Unknown),
    ("no Northbound leader that the first central knows", &["nb_clustered"], |c| {
        inner(&mut c.at(0).nb_raft).leader = Leader::Unknown;
    }),
    ("no Southbound cluster that any central knows", &["sb_clustered"], |c| {
        (0..3).for_each(|n| inner(&mut c.at(n).sb_raft).cluster_id = None);
    }),
    ("a Northbound database of another name", &["nb_clustered"], |c| c.nb().name = "OVN_Southbound".to_owned()),
    ("two Northbound leaders", &["nb_clustered"], |c| c.nb().leader = Leader::Myself),
    ("another election timer of the Northbound", &["nb_clustered"], |c| c.nb().election_timer = 1000),
    ("another election timer of the Southbound", &["sb_clustered"], |c| c.sb().election_timer = 32_000),
    ("the Northbound server is the Southbound one", &["nb_clustered"], |c| *c.nb() = c.sb().clone()),
    ("another Southbound cluster", &["sb_clustered"], |c| c.sb().cluster_id = Some("another".to_owned())),
    ("a Southbound server is missing", &["sb_clustered"], |c| drop(c.sb().servers.pop())),
    ("a Southbound server elsewhere", &["sb_clustered"], |c| c.sb().servers[0].address.host = c.stranger()),
    ("a Southbound server at another address", &["sb_clustered"], |c| c.sb().address.host = c.stranger()),
    ("a Southbound server at another port", &["sb_clustered"], |c| c.sb().address.port = 6643),
    ("a Southbound server without TLS", &["sb_clustered"], |c| c.sb().address.scheme = "tcp".to_owned()),
    ("no Southbound leader", &["sb_clustered"], |c| c.sb().leader = Leader::Unknown),
    // cluster list
    ("a member is missing", &["members"], |c| drop(c.members().pop())),
    ("a member nobody planned", &["members"], |c| {
        let mut stranger = c.members()[0].clone();
        stranger.name = "stranger".to_owned();
        c.members().push(stranger);
    }),
    ("a member at another address", &["members"], |c| {
        let stranger = c.stranger();
        c.members()[0].address.set_ip(stranger);
    }),
    ("a member at another port", &["members"], |c| c.members()[0].address.set_port(6443)),
    ("a member is unreachable", &["members"], |c| c.members()[0].status = "UNREACHABLE".to_owned()),
    ("an empty list of members", &["members"], |c| c.members().clear()),
    // snap services
    ("a service does not run", &["services"], |c| c.service("ovn-northd").current = Activity::Inactive),
    ("a service would not start again", &["services"], |c| c.service("chassis").startup = Startup::Disabled),
    ("a service that should not run", &["services"], |c| c.service("bird").current = Activity::Active),
    ("a service is not listed", &["services"], |c| c.services().retain(|service| service.name != "switch")),
    ("a service nobody knows", &["services"], |c| {
        let mut stranger = c.service("daemon").clone();
        stranger.name = "stranger".to_owned();
        c.services().push(stranger);
    }),
    ("central where none is planned", &["services"], |c| {
        let service = inner(&mut c.at(3).services).iter_mut().find(|service| service.name == "ovn-northd").unwrap();
        (service.startup, service.current) = (Startup::Enabled, Activity::Active);
    }),
    // snap connections
    ("a plug is not connected", &["plugs"], |c| c.plugs().set("hardware-observe", None)),
    ("a plug that nobody declared", &["plugs"], |c| c.plugs().set("stranger", Some(":stranger"))),
    // ovn.env and ovn-northd
    ("ovn.env without a central", &["connection_strings"], |c| {
        let fewer = c.fewer(6641);
        c.env().insert("OVN_NB_CONNECT", fewer);
    }),
    ("ovn.env with a member that is no central", &["connection_strings"], |c| {
        let more = c.more(6642);
        c.env().insert("OVN_SB_CONNECT", more);
    }),
    ("ovn.env with an empty list", &["connection_strings"], |c| c.env().insert("OVN_SB_CONNECT", "")),
    ("ovn.env that starts from a member that is no central", &["connection_strings"], |c| {
        let stranger = c.state.members[3].address;
        c.env()
            .insert("OVN_INITIAL_NB", if stranger.is_ipv6() { format!("[{stranger}]") } else { stranger.to_string() });
    }),
    ("ovn.env that starts from nobody", &["connection_strings"], |c| c.env().insert("OVN_INITIAL_SB", "")),
    ("ovn.env with another local address", &["connection_strings"], |c| c.env().insert("OVN_LOCAL_IP", "192.0.2.1")),
    ("ovn.env with no local address", &["connection_strings"], |c| c.env().insert("OVN_LOCAL_IP", "")),
    ("ovn-northd without a central", &["connection_strings"], |c| c.northd().northbound = c.fewer(6641)),
    ("ovn-northd with both databases exchanged", &["connection_strings"], |c| {
        let Northd { northbound, southbound } = c.northd();
        std::mem::swap(northbound, southbound);
    }),
    // ip address, ip route
    ("the encap address is on no device", &["encap_route"], |c| c.device().addresses.clear()),
    ("the encap address is on another device", &["encap_route"], |c| {
        let moved = std::mem::take(&mut c.device().addresses);
        let planned = c.device().name.clone();
        c.devices().iter_mut().find(|device| device.name != planned).unwrap().addresses.extend(moved);
    }),
    ("the encap device is down", &["encap_route"], |c| c.device().operstate = "DOWN".to_owned()),
    ("the encap device is not up", &["encap_route"], |c| c.device().flags.retain(|flag| flag != "UP")),
    ("the encap device has no carrier", &["encap_route"], |c| c.device().flags.retain(|flag| flag != "LOWER_UP")),
    ("the encap device takes a byte less than its network", &["encap_route"], |c| c.device().mtu = Some(1499)),
    ("a route by another device", &["encap_route"], |c| c.route().dev = "lo".to_owned()),
    ("a route from another address", &["encap_route"], |c| c.route().prefsrc = Some(c.stranger())),
    ("a route to elsewhere", &["encap_route"], |c| c.route().dst = c.stranger()),
    ("a route is not read", &["encap_route"], |c| c.victim().routes.clear()),
    // The daemons
    ("ovn-northd is not there", &["daemon_arguments"], |c| c.daemons().retain(|it| it.program != "ovn-northd")),
    ("MicroOVN's daemon is not there", &["daemon_arguments"], |c| c.daemons().retain(|it| it.program != "microovnd")),
    ("no daemon is there", &["daemon_arguments"], |c| c.daemons().clear()),
    ("a daemon is there twice", &["daemon_arguments"], |c| {
        let twice = c.daemon("ovn-controller", "").clone();
        c.daemons().push(twice);
    }),
    ("a database server that serves something else", &["daemon_arguments"], |c| {
        let argv = ["ovsdb-server", "/tmp/x.db", "--remote=ptcp:6640"].map(str::to_owned).to_vec();
        c.daemons().push(Daemon { program: "ovsdb-server".to_owned(), argv, identity: (1, 1) });
    }),
    ("ovn-northd where no central is planned", &["daemon_arguments"], |c| {
        let stray = c.daemon("ovn-northd", "").clone();
        inner(&mut c.at(3).daemons).push(stray);
    }),
    ("a security log that nobody turned off", &["daemon_arguments"], |c| {
        c.daemon("microovnd", "").argv.push("--disable-security-logging".to_owned());
    }),
    ("the key of another service", &["daemon_arguments"], |c| {
        c.argument("ovsdb-server", "ovnnb", "ovnnb-privkey", "ovnsb-privkey");
    }),
    ("no authority", &["daemon_arguments"], |c| {
        c.daemon("ovn-northd", "").argv.retain(|argument| !argument.starts_with("--ca-cert"));
    }),
    ("an authority that is none", &["daemon_arguments"], |c| {
        c.argument("ovn-controller", "", "/var/snap/microovn/common/data/pki/cacert.pem", "none");
    }),
    ("a remote without TLS", &["daemon_arguments"], |c| {
        c.daemon("ovsdb-server", "ovnsb").argv.insert(1, "--remote=ptcp:6642:0.0.0.0".to_owned());
    }),
    ("a remote is missing", &["daemon_arguments"], |c| {
        c.daemon("ovsdb-server", "ovnsb").argv.retain(|argument| !argument.contains("connections"));
    }),
    ("the switch has another database", &["daemon_arguments"], |c| {
        c.argument("ovsdb-server", "conf.db", "conf.db", "other.db");
    }),
    ("the switch's database takes any authority", &["daemon_arguments"], |c| {
        c.daemon("ovsdb-server", "conf.db").argv.retain(|argument| !argument.contains("bootstrap-ca-cert"));
    }),
    ("ovs-vswitchd with another database", &["daemon_arguments"], |c| {
        c.argument("ovs-vswitchd", "", "run/switch//db.sock", "run/db.sock");
    }),
    ("a database server's control socket elsewhere", &["daemon_arguments"], |c| {
        c.argument("ovsdb-server", "ovnnb", "ovnnb_db.ctl", "nb.ctl");
    }),
    ("an option that nobody planned", &["daemon_arguments"], |c| {
        c.daemon("ovn-northd", "").argv.push("--dry-run".to_owned());
    }),
    ("weaker ciphers", &["daemon_arguments"], |c| {
        c.argument("ovsdb-server", "ovnnb", "db:OVN_Northbound,SSL,ssl_ciphers", "ALL");
    }),
    ("MicroOVN's state elsewhere", &["daemon_arguments"], |c| {
        c.argument("microovnd", "", "/var/snap/microovn/common/state", "/tmp/state");
    }),
    // TLS
    ("a database server that talks to strangers", &["mutual_tls"], |c| {
        c.listener(6641).attempt = Attempt::Answered;
    }),
    ("a RAFT server that talks to strangers", &["mutual_tls"], |c| c.listener(6644).attempt = Attempt::Answered),
    ("a database server that nobody reaches", &["mutual_tls"], |c| {
        c.listener(6642).attempt = Attempt::Other("connect:errno=111".to_owned());
    }),
    ("a database server that was not asked", &["mutual_tls"], |c| {
        inner(&mut c.victim().listeners).retain(|listener| listener.port != 6643);
    }),
    ("a database server that shows another's certificate", &["mutual_tls"], |c| {
        let other = c.listener(6642).shown.clone();
        c.listener(6641).shown = other;
    }),
    ("a RAFT server that shows a certificate of before", &["mutual_tls"], |c| {
        let (name, authority) = (c.name(VICTIM), &common::AUTHORITIES[0]);
        let (before, _) = authority.sign(&common::issued("ovnsb", &name));
        c.listener(6644).shown[0] = Certificate::parse(&before).unwrap();
    }),
    ("a database server that shows another authority", &["mutual_tls"], |c| {
        c.listener(6641).shown[1] = Certificate::parse(&common::AUTHORITIES[1].certificate).unwrap();
    }),
    ("a database server that shows no authority", &["mutual_tls"], |c| drop(c.listener(6641).shown.pop())),
    ("a database server that shows nothing", &["mutual_tls"], |c| c.listener(6643).shown.clear()),
    ("a daemon that shows no certificate", &["mutual_tls"], |c| c.api().shown.clear()),
    ("a daemon that shows a service's certificate", &["mutual_tls"], |c| {
        let other = c.listener(6641).shown.clone();
        c.api().shown = other;
    }),
    ("a daemon without a central shows another's certificate", &["mutual_tls"], |c| {
        let other = c.api().shown.clone();
        inner(&mut c.at(3).api).shown = other;
    }),
    ("a daemon that was not asked", &["mutual_tls"], |c| c.victim().api = Reading::NotRead),
    ("no database server was asked", &["mutual_tls"], |c| c.victim().listeners = Reading::NotRead),
    // Units and journal
    ("a unit that failed", &["healthy"], |c| {
        let unit = &mut c.units()[1];
        (unit.active, unit.sub) = ("failed".to_owned(), "failed".to_owned());
    }),
    ("a unit that ended in failure", &["healthy"], |c| c.units()[1].result = "exit-code".to_owned()),
    ("a unit that systemd restarted", &["healthy"], |c| c.units()[0].restarts = 1),
    ("a unit that systemd is about to restart", &["healthy"], |c| c.units()[0].sub = "auto-restart".to_owned()),
    ("no unit", &["healthy"], |c| c.units().clear()),
    ("an empty journal", &["healthy"], |c| c.health().lines = 0),
    ("a journal of which lines were left out", &["healthy"], |c| c.health().left_out = 1),
    ("a panic", &["healthy"], |c| c.says(Kind::Panic, "panic: runtime error", 1)),
    ("a core dump", &["healthy"], |c| c.says(Kind::CoreDump, "Process 12 (ovn-controller) of user 0 dumped core.", 1)),
    ("a failed assertion", &["healthy"], |c| c.says(Kind::Assertion, "util|EMER|x.c:1: assertion a failed in b()", 1)),
    ("a process that ended", &["healthy"], |c| c.says(Kind::Ended, "pid 252 died, killed (Killed), exiting", 1)),
    ("a restart", &["healthy"], |c| c.says(Kind::Restarted, "Scheduled restart job, restart counter is at 1.", 1)),
    ("a failure", &["healthy"], |c| c.says(Kind::Failed, "Failed with result 'exit-code'.", 1)),
    ("a denial", &["healthy"], |c| c.says(Kind::Denied, "apparmor=\"DENIED\" profile=\"snap.microovn.switch\"", 1)),
    ("a flood", &["healthy"], |c| c.says(Kind::Repeated, "OVNSB commit failed, force recompute next time.", 1000)),
    // Readings
    (
        "the switch was not read",
        &["datapath", "ovs_encap_ip", "ovs_encap_type", "ovn_remote", "system_id", "tunnels"],
        |c| {
            c.victim().switch = Reading::NotRead;
        },
    ),
    ("the daemons were not read", &["daemon_arguments"], |c| c.victim().daemons = Reading::NotRead),
    ("units and journal could not be read", &["healthy"], |c| {
        c.victim().health = Reading::Failed("exit 1".to_owned());
    }),
    ("the Southbound failed", &["sb_chassis", "sb_encap"], |c| {
        c.victim().southbound = Reading::Failed("database connection failed ()".to_owned());
    }),
    ("cluster list failed", &["members"], |c| c.victim().members = Reading::Failed("exit 1".to_owned())),
    ("snap connections failed", &["plugs"], |c| c.victim().plugs = Reading::Failed("exit 1".to_owned())),
    ("snap services failed", &["services"], |c| c.victim().services = Reading::Failed("exit 1".to_owned())),
    ("the Northbound server was not read", &["nb_clustered"], |c| c.victim().nb_raft = Reading::NotRead),
    ("the Southbound server was not read", &["sb_clustered"], |c| c.victim().sb_raft = Reading::NotRead),
    ("ovn.env was not read", &["connection_strings"], |c| c.victim().ovn_env = Reading::NotRead),
    ("ovn-northd does not run", &["connection_strings"], |c| c.victim().northd = Reading::Failed("exit 1".to_owned())),
    ("the devices were not read", &["encap_route"], |c| c.victim().devices = Reading::NotRead),
    (
        "a member that has no central was not read at all",
        &[
            "certificates",
            "connection_strings",
            "daemon_arguments",
            "datapath",
            "encap_route",
            "healthy",
            "members",
            "mutual_tls",
            "ovn_remote",
            "ovs_encap_ip",
            "ovs_encap_type",
            "plugs",
            "sb_chassis",
            "sb_encap",
            "services",
            "system_id",
            "tunnels",
        ],
        |c| {
            let name = c.name(3);
            c.seen.members.remove(&name).unwrap();
        },
    ),
];
