//! What to run on a member to read each of its surfaces: argv, never a shell line.
//!
//! The placement of options is that of the real tools: `--format` is an option of the whole command line, `--columns`
//! one of each `list`, and `--` starts the next command.

use std::net::IpAddr;

/// A program and its arguments.
pub type Argv = Vec<String>;

/// Where the control sockets of the OVN databases are.
const OVN_RUN: &str = "/var/snap/microovn/common/run/ovn";

fn argv(words: &[&str]) -> Argv {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Open_vSwitch and Interface of the local switch; read by [`Switch::parse`](crate::ovn::Switch::parse).
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
    ])
}

/// Chassis and Encap of the Southbound; read by [`Southbound::parse`](crate::ovn::Southbound::parse).
pub fn southbound() -> Argv {
    argv(&[
        "microovn.ovn-sbctl",
        "--format=json",
        "--columns=_uuid,name,hostname,encaps",
        "list",
        "Chassis",
        "--",
        "--columns=_uuid,chassis_name,ip,type,options",
        "list",
        "Encap",
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

/// The snap's services; read by [`parse_services`](super::parse_services).
pub fn services() -> Argv {
    argv(&["snap", "services", "microovn"])
}

/// What is connected to the snap's plugs; read by [`Plugs::parse`](super::Plugs::parse).
pub fn plugs() -> Argv {
    argv(&["snap", "connections", "microovn"])
}

/// The services' environment; read by [`OvnEnv::parse`](super::OvnEnv::parse).
pub fn ovn_env() -> Argv {
    argv(&["cat", "/var/snap/microovn/common/data/env/ovn.env"])
}

/// ovn-northd's argv; read by [`Northd::parse`](super::Northd::parse). `-ww` because ps may cut lines at 80 columns
/// when it does not print to a terminal (ps(1), "-w").
pub fn northd() -> Argv {
    argv(&["ps", "-ww", "-C", "ovn-northd", "-o", "args="])
}

/// The network devices; read by [`parse_devices`](super::parse_devices).
pub fn addresses() -> Argv {
    argv(&["ip", "-j", "address", "show"])
}

/// The way to `peer`; read by [`Route::parse`](super::Route::parse).
pub fn route(peer: IpAddr) -> Argv {
    argv(&["ip", "-j", "route", "get", &peer.to_string()])
}

/// A certificate's file; read by [`Certificate::parse`](super::Certificate::parse).
pub fn certificate(file: &str) -> Argv {
    argv(&["cat", &format!("/var/snap/microovn/common/data/pki/{file}")])
}
