//! With which arguments the daemons of MicroOVN's services are started.
//!
//! From the recorded process list, and from what makes these command lines: MicroOVN's `snapcraft/commands/*.start`,
//! OVN's `ovn-ctl` and Open vSwitch's `ovs-ctl`, which do so alike from the 22.03 releases on.

use std::collections::BTreeMap;

use crate::microovn::commands::PKI;
use crate::plan::{Member, Process, Service};

const STATE: &str = "/var/snap/microovn/common/state";
const DATA: &str = "/var/snap/microovn/common/data";
const RUN: &str = "/var/snap/microovn/common/run";
const LOGS: &str = "/var/snap/microovn/common/logs";

/// How a daemon goes about its work, which says nothing of the plan: in the background, watched, how talkative.
const MANNERS: [&str; 10] = [
    "debug",
    "detach",
    "disable-file-column-diff",
    "mlockall",
    "monitor",
    "no-chdir",
    "no-self-confinement",
    "syslog-method",
    "v",
    "verbose",
];

/// What one daemon is started with.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) role: Process,
    /// What is no option.
    pub(super) words: Vec<String>,
    /// Options that must be given, with exactly these values.
    pub(super) options: BTreeMap<&'static str, Vec<String>>,
    /// Options that need not be given, and their values then.
    may: BTreeMap<&'static str, String>,
}

impl Planned {
    /// Whether an option may be given: with this value, or with any.
    pub(super) fn allowed(&self, option: &str) -> Option<Option<&str>> {
        // Where northd's databases are is for `connection_strings` to judge.
        let elsewhere = self.role == Process::Northd && matches!(option, "ovnnb-db" | "ovnsb-db");
        let value = self.may.get(option).map(|value| Some(value.as_str()));
        value.or_else(|| (elsewhere || MANNERS.contains(&option)).then_some(None))
    }
}

/// The daemons of a member with the services that run on it now.
pub(super) fn planned(member: &Member) -> Vec<Planned> {
    let services = member.running();
    let mut own = daemon(Process::Daemon, &[], &[("state-dir", STATE)], &[]);
    if !member.logs_security() {
        own.options.insert("disable-security-logging", vec![String::new()]);
    }
    let mut daemons = vec![own];
    let switch = format!("unix:{RUN}/switch/db.sock");
    if services.contains(&Service::Switch) {
        daemons.push(switch_database());
        daemons.push(daemon(Process::Switch, &[&switch], &[], &files("run/switch", "ovs-vswitchd", "ovs-vswitchd")));
    }
    if services.contains(&Service::Central) {
        daemons.push(database(Process::Northbound, "nb", "OVN_Northbound", "NB_Global"));
        daemons.push(database(Process::Southbound, "sb", "OVN_Southbound", "SB_Global"));
        daemons.push(with_keys(
            daemon(Process::Northd, &[], &[], &files("run/ovn", "ovn-northd", "ovn-northd")),
            "ovn-northd",
        ));
    }
    if services.contains(&Service::Chassis) {
        let files = files("run/ovn", "ovn-controller", "ovn-controller");
        daemons.push(with_keys(daemon(Process::Controller, &[&switch], &[], &files), "ovn-controller"));
    }
    daemons
}

type Pair = (&'static str, String);

fn daemon(role: Process, words: &[&str], options: &[(&'static str, &str)], may: &[Pair]) -> Planned {
    let mut planned = Planned {
        role,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        options: BTreeMap::new(),
        may: may.iter().cloned().collect(),
    };
    for (option, value) in options {
        planned.options.entry(option).or_default().push((*value).to_owned());
    }
    planned
}

/// Where a daemon leaves its process id and, if told to, its log.
fn files(run: &str, pid: &str, log: &str) -> [Pair; 2] {
    let common = RUN.trim_end_matches("/run");
    [("pidfile", format!("{common}/{run}/{pid}.pid")), ("log-file", format!("{LOGS}/{log}.log"))]
}

/// The key and the certificate that a service has of its own, and the authority.
fn with_keys(mut planned: Planned, stem: &str) -> Planned {
    for (option, file) in [
        ("private-key", format!("{PKI}/{stem}-privkey.pem")),
        ("certificate", format!("{PKI}/{stem}-cert.pem")),
        ("ca-cert", format!("{PKI}/cacert.pem")),
    ] {
        planned.options.insert(option, vec![file]);
    }
    planned
}

fn switch_database() -> Planned {
    let socket = format!("punix:{RUN}/switch/db.sock");
    daemon(
        Process::SwitchDatabase,
        &[&format!("{DATA}/switch/db/conf.db")],
        &[
            ("remote", &socket),
            ("private-key", "db:Open_vSwitch,SSL,private_key"),
            ("certificate", "db:Open_vSwitch,SSL,certificate"),
            ("bootstrap-ca-cert", "db:Open_vSwitch,SSL,ca_cert"),
        ],
        &files("run/switch", "ovsdb-server", "ovsdb-server"),
    )
}

/// A server of the Northbound or of the Southbound: it listens on a local socket and where its database says.
fn database(role: Process, short: &str, schema: &str, table: &str) -> Planned {
    let socket = format!("punix:{RUN}/ovn/ovn{short}_db.sock");
    let connections = format!("db:{schema},{table},connections");
    let control = format!("{RUN}/ovn/ovn{short}_db.ctl");
    let ssl = |option: &'static str, column: &str| (option, format!("db:{schema},SSL,{column}"));
    let may = [
        &files("run/ovn", &format!("ovn{short}_db"), &format!("ovsdb-server-{short}"))[..],
        &[
            ssl("ssl-protocols", "ssl_protocols"),
            ssl("ssl-ciphers", "ssl_ciphers"),
            ssl("ssl-ciphersuites", "ssl_ciphersuites"),
        ],
    ]
    .concat();
    let file = format!("{DATA}/central/db/ovn{short}_db.db");
    let options = [("remote", &*socket), ("remote", &*connections), ("unixctl", &*control)];
    with_keys(daemon(role, &[&file], &options, &may), &format!("ovn{short}"))
}
