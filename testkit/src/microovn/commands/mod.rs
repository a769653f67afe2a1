//! What to run on a member to read each of its surfaces: argv, never a shell line.
//!
//! The placement of options is that of the real tools: `--format` is an option of the whole command line, `--columns`
//! one of each `list`, and `--` starts the next command.

use std::net::{IpAddr, SocketAddr};

use super::LISTENERS;

/// A program and its arguments.
pub type Argv = Vec<String>;

/// Where the control sockets of the OVN databases are.
const OVN_RUN: &str = "/var/snap/microovn/common/run/ovn";

/// The folder of what the daemon knows.
const STATE: &str = "/var/snap/microovn/common/state";

/// Where a tap on the control socket notes what MicroOVN is told.
pub const TOLD: &str = "/run/testkit-told";

/// Where snapd answers.
const SNAPD: &str = "/run/snapd.socket";

/// Where snapd writes the units of services.
const UNITS: &str = "/etc/systemd/system";

/// The folder of keys and certificates.
pub(crate) const PKI: &str = "/var/snap/microovn/common/data/pki";

/// Where a member keeps until its next boot which public key belongs to a private one.
const PUBLIC_KEYS: &str = "/run/testkit-public-keys";
const PKI_SCRIPT: &str = include_str!("pki.sh");
const LISTENERS_SCRIPT: &str = include_str!("listeners.sh");
const API_SCRIPT: &str = include_str!("api.sh");
const DAEMONS_SCRIPT: &str = include_str!("daemons.sh");
const REMAINS_SCRIPT: &str = include_str!("remains.sh");
const SERVICES_SCRIPT: &str = include_str!("services.sh");
const PLUGS_SCRIPT: &str = include_str!("plugs.pl");

fn argv(words: &[&str]) -> Argv {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Open_vSwitch, Interface and Bridge of the local switch; read by [`Switch::parse`](crate::ovn::Switch::parse).
pub fn switch() -> Argv {
    argv(&[
        "microovn.ovs-vsctl",
        "--format=json",
        "--columns=external_ids",
        "list",
        "Open_vSwitch",
        "--",
        "--columns=name,type,options",
        "list",
        "Interface",
        "--",
        "--columns=name,datapath_type,datapath_id",
        "list",
        "Bridge",
    ])
}

/// What MicroOVN was told since somebody listens; read by [`Told::parse_all`](super::Told::parse_all).
pub fn told() -> Argv {
    argv(&["cat", TOLD])
}

/// Chassis and Encap of the Southbound; read by [`Southbound::parse`](crate::ovn::Southbound::parse).
pub fn southbound() -> Argv {
    chassis_and_encaps(&["microovn.ovn-sbctl"])
}

/// The same where nobody should answer. It gives up after two seconds by itself, as recorded, where the other servers are gone, and
/// not at all where they keep their connections and say nothing.
pub fn lost_southbound() -> Argv {
    chassis_and_encaps(&["microovn.ovn-sbctl", "--timeout=8"])
}

fn chassis_and_encaps(program: &[&str]) -> Argv {
    let words = [
        "--format=json",
        "--columns=_uuid,name,hostname,encaps",
        "list",
        "Chassis",
        "--",
        "--columns=_uuid,chassis_name,ip,type,options",
        "list",
        "Encap",
    ];
    argv(&[program, &words[..]].concat())
}

/// The keys of the logical networks, and who has the gateways of routers; read by [`Bindings::parse`](crate::ovn::Bindings::parse).
pub fn bindings() -> Argv {
    argv(&[
        "microovn.ovn-sbctl",
        "--format=json",
        "--columns=external_ids,tunnel_key",
        "list",
        "Datapath_Binding",
        "--",
        "--columns=logical_port,chassis",
        "find",
        "Port_Binding",
        "type=chassisredirect",
    ])
}

/// The local Northbound server's cluster; read by [`RaftStatus::parse`](crate::ovn::RaftStatus::parse).
pub fn northbound_raft() -> Argv {
    raft("ovnnb_db.ctl", "OVN_Northbound")
}

/// The local Southbound server's cluster; read by [`RaftStatus::parse`](crate::ovn::RaftStatus::parse).
pub fn southbound_raft() -> Argv {
    raft("ovnsb_db.ctl", "OVN_Southbound")
}

fn raft(socket: &str, database: &str) -> Argv {
    argv(&["microovn.ovn-appctl", "-t", &format!("{OVN_RUN}/{socket}"), "cluster/status", database])
}

/// The cluster's members; read by [`parse_members`](super::parse_members).
pub fn members() -> Argv {
    argv(&["microovn", "cluster", "list", "--format", "json"])
}

/// The snap's services, for a person.
pub fn services() -> Argv {
    argv(&["snap", "services", "microovn"])
}

/// The same as a table of the same form, and the services' units; read by [`parse_services`](super::parse_services) and
/// [`parse_units`](super::parse_units).
pub fn services_table() -> Argv {
    argv(&["bash", "-c", SERVICES_SCRIPT, "services", "microovn", UNITS])
}

/// The version of the snap; read by [`parse_snap_version`](super::parse_snap_version).
pub fn snap_version() -> Argv {
    argv(&["snap", "list", "microovn"])
}

/// What MicroOVN says of the databases; read by [`Status::parse`](super::Status::parse).
pub fn status() -> Argv {
    argv(&["microovn", "status"])
}

/// The version of the schema that the local Northbound server has.
pub fn northbound_schema() -> Argv {
    schema("ovnnb_db.sock", "OVN_Northbound")
}

/// The version of the schema that the local Southbound server has.
pub fn southbound_schema() -> Argv {
    schema("ovnsb_db.sock", "OVN_Southbound")
}

fn schema(socket: &str, database: &str) -> Argv {
    let server = format!("unix:{OVN_RUN}/{socket}");
    argv(&["microovn.ovsdb-client", "--timeout=30", "get-schema-version", &server, database])
}

/// What is connected to the snap's plugs; read by [`Plugs::parse`](super::Plugs::parse).
pub fn plugs() -> Argv {
    argv(&["perl", "-e", PLUGS_SCRIPT, "--", SNAPD, "microovn"])
}

/// The services' environment; read by [`OvnEnv::parse`](super::OvnEnv::parse).
pub fn ovn_env() -> Argv {
    argv(&["cat", "/var/snap/microovn/common/data/env/ovn.env"])
}

/// How the services have fared since the boot; read by [`Health::parse`](super::Health::parse).
pub fn health() -> Argv {
    super::health::argv()
}

/// What is left of a snap that was removed; read by [`Remains::parse`](super::Remains::parse).
pub fn remains() -> Argv {
    argv(&["bash", "-c", REMAINS_SCRIPT, "remains"])
}

/// The network devices; read by [`parse_devices`](super::parse_devices).
pub fn addresses() -> Argv {
    argv(&["ip", "-j", "address", "show"])
}

/// The way to `peer`; read by [`Route::parse`](super::Route::parse).
pub fn route(peer: IpAddr) -> Argv {
    argv(&["ip", "-j", "route", "get", &peer.to_string()])
}

/// The folder of keys and certificates; read by [`Pki::parse`](super::Pki::parse). Private keys stay on the member: of a
/// key's file only the public key that belongs to it is printed, of the others only certificates.
pub fn pki() -> Argv {
    argv(&["bash", "-c", PKI_SCRIPT, "pki", PUBLIC_KEYS, PKI])
}

/// The certificates as MicroOVN lists them; read by [`CertificateList::parse`](super::CertificateList::parse).
pub fn certificate_list() -> Argv {
    argv(&["microovn", "certificates", "list", "--format", "json"])
}

/// The same as text; read by [`CertificateList::parse_text`](super::CertificateList::parse_text).
pub fn certificate_text() -> Argv {
    argv(&["microovn", "certificates", "list"])
}

/// What the daemon shows at `end`, its address; read by [`Api::parse`](super::Api::parse).
pub fn api(end: SocketAddr) -> Argv {
    argv(&["bash", "-c", API_SCRIPT, "api", STATE, &end.to_string()])
}

/// What the database servers at `address` show and answer a client without a certificate; read by
/// [`Listener::parse_all`](super::Listener::parse_all).
pub fn listeners(address: IpAddr) -> Argv {
    let ends = LISTENERS.map(|port| SocketAddr::new(address, port).to_string());
    [&argv(&["bash", "-c", LISTENERS_SCRIPT, "listeners"])[..], &ends].concat()
}

/// The daemons and their arguments; read by [`Daemon::parse_all`](super::Daemon::parse_all) and
/// [`Northd::find`](super::Northd::find).
pub fn daemons() -> Argv {
    argv(&["bash", "-c", DAEMONS_SCRIPT, "daemons"])
}

#[cfg(test)]
mod tests;
