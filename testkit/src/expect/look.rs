//! How a person sees on its member what a difference is about.

use std::net::SocketAddr;

use super::{Difference, find_check};
use crate::microovn::commands::{self, Argv};
use crate::plan::{Member, State};

/// Where MicroOVN keeps certificates and keys.
const PKI: &str = "/var/snap/microovn/common/data/pki";
/// Keeps a command from waiting for what never comes.
const PATIENCE: &str = "--timeout=30";
/// The name of the Northbound's schema.
const NORTHBOUND: &str = "OVN_Northbound";
/// Programs whose arguments may be what a difference is about.
const DAEMONS: [&str; 5] = ["ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-server", "microovnd"];

/// The command that shows on `member` what a difference is about: the row, file, argument or service itself, as a person
/// reads it. Of a table that is not known here, and where nothing was compared, it is what the check reads first; `None`
/// of a check that reads nothing, or is not known.
pub fn look(state: &State, member: &Member, check: &str, difference: Option<&Difference>) -> Option<Argv> {
    difference.and_then(|difference| show(state, member, difference)).or_else(|| {
        let mut reads = find_check(check)?.reads.iter().flat_map(|subject| subject.reads(state, member));
        Some(reads.next()?.argv(state, member).into_iter().filter(|word| word != "--format=json").collect())
    })
}

fn show(state: &State, member: &Member, difference: &Difference) -> Option<Argv> {
    let (table, column) = (difference.table.as_str(), difference.column.as_str());
    let first = column.split(' ').next().unwrap_or_default();
    // Of a daemon that is there twice, or whose database matters, the program comes first.
    let program = if table == "daemons" { first } else { table.split(' ').next().unwrap_or_default() };
    Some(match table {
        "cluster list" => argv(&["microovn", "cluster", "list"]),
        "snap services" if difference.unread => commands::services(),
        "snap services" => argv(&["snap", "services", &format!("microovn.{column}")]),
        "snap connections" => argv(&["snap", "connections", "microovn"]),
        "snap list" => commands::snap_version(),
        "remains" if column == "devices" => argv(&["ip", "-brief", "link"]),
        "remains" if column == "mounts" => argv(&["cat", "/proc/self/mounts"]),
        "remains" if column == "processes" => argv(&["ps", "-ww", "-eo", "pid,cgroup,args"]),
        "remains" => argv(&["ls", "-d", "/snap/microovn", "/var/snap/microovn"]),
        "microovn status" => commands::status(),
        "schema" if column == NORTHBOUND => commands::northbound_schema(),
        "schema" => commands::southbound_schema(),
        "journal" => argv(&["journalctl", "--boot", "--no-pager", "--unit=snap.microovn.*"]),
        "systemd" if column == "units" => argv(&["systemctl", "--no-pager", "list-units", "--all", "snap.microovn.*"]),
        "systemd" => argv(&["systemctl", "--no-pager", "status", column]),
        "ovn.env" if column.starts_with("OVN_") => {
            let file = commands::ovn_env().pop()?;
            argv(&["grep", "--with-filename", &format!("^{column}="), &file])
        }
        "ovn.env" => commands::ovn_env(),
        // Of a process that is not there nothing shows but its service.
        "ovn-northd" if difference.unread => argv(&["snap", "services", "microovn.ovn-northd"]),
        _ if DAEMONS.contains(&program) => argv(&["ps", "-ww", "-C", program, "-o", "pid=,args="]),
        "daemons" => argv(&["ps", "-ww", "-eo", "pid,args"]),
        "Open_vSwitch" if column.starts_with("external_ids:") => {
            argv(&["microovn.ovs-vsctl", "--if-exists", "get", "Open_vSwitch", ".", column])
        }
        "Open_vSwitch" => argv(&["microovn.ovs-vsctl", "list", "Open_vSwitch"]),
        "Interface" => argv(&["microovn.ovs-vsctl", "--columns=name,type,options", "list", "Interface"]),
        "Chassis" | "Encap" => southbound(state, table, column),
        "OVN_Northbound" => commands::northbound_raft(),
        "OVN_Southbound" => commands::southbound_raft(),
        "ip address" => match column.strip_suffix(" state") {
            Some(device) => argv(&["ip", "address", "show", "dev", device]),
            None => argv(&["ip", "address", "show"]),
        },
        route if route.starts_with("ip route get ") => argv(&route.split(' ').collect::<Vec<_>>()),
        waiting if waiting.starts_with("ovn-nbctl --wait=") => {
            let wait = waiting.split(' ').nth(1)?;
            argv(&["microovn.ovn-nbctl", PATIENCE, wait, "sync"])
        }
        "Datapath_Binding" => argv(&["microovn.ovn-sbctl", PATIENCE, "find", "Datapath_Binding", column]),
        "certificates list" | "certificates list as text" => argv(&["microovn", "certificates", "list"]),
        file if file.ends_with(".pem") => pem(file, column),
        "data/pki" if first.ends_with(".pem") => pem(first, column),
        "data/pki" => argv(&["ls", "-l", PKI]),
        "TLS" => {
            let port = column.strip_prefix("port ")?.strip_suffix(" shows")?.parse().ok()?;
            let server = SocketAddr::new(member.address, port);
            argv(&["openssl", "s_client", "-showcerts", "-connect", &server.to_string()])
        }
        "TLS without a certificate" => {
            let server = SocketAddr::new(member.address, column.strip_prefix("port ")?.parse().ok()?);
            argv(&["openssl", "s_client", "-brief", "-connect", &server.to_string()])
        }
        // `ping red`, and `ipv6 to m-2 (fd42::2), 84 bytes`.
        ping if ping.starts_with("ping ") => {
            let network = ping.strip_prefix("ping ")?;
            let (_, address) = column.split_once('(')?;
            let (address, size) = address.split_once("), ")?;
            let headers = if address.contains(':') { 48 } else { 28 };
            let payload = size.strip_suffix(" bytes")?.parse::<u16>().ok()?.checked_sub(headers)?.to_string();
            argv(&["ip", "netns", "exec", network, "ping", "-c", "3", "-M", "do", "-s", &payload, address])
        }
        geneve if geneve.starts_with("geneve on ") => {
            argv(&["tcpdump", "-n", "-v", "-c", "20", "-i", geneve.strip_prefix("geneve on ")?, "udp port 6081"])
        }
        _ => return None,
    })
}

fn argv(words: &[&str]) -> Argv {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The rows of the Southbound that a column is about: of one chassis where it names one, of all else.
fn southbound(state: &State, table: &str, column: &str) -> Argv {
    let client = ["microovn.ovn-sbctl", PATIENCE];
    // Which row refers to which is in two tables.
    if column.starts_with("row of ") || column.ends_with(" encaps") {
        let tables =
            ["--columns=name,encaps", "list", "Chassis", "--", "--columns=_uuid,chassis_name,ip", "list", "Encap"];
        return argv(&[&client[..], &tables].concat());
    }
    let (columns, key) = match table {
        "Chassis" => ("--columns=name,hostname", "name"),
        _ => ("--columns=chassis_name,ip,type,options", "chassis_name"),
    };
    let named = column.split_once(' ').map(|(name, _)| name);
    let row = named.filter(|name| state.members.iter().any(|member| member.name == *name));
    match row {
        Some(name) => argv(&[&client[..], &[columns, "find", table, &format!("{key}={name}")]].concat()),
        None => argv(&[&client[..], &[columns, "list", table]].concat()),
    }
}

/// What a person reads of a certificate or a public key, or of a file's owner and mode. No private key is shown.
fn pem(file: &str, column: &str) -> Argv {
    let path = format!("{PKI}/{file}");
    if column.ends_with(" mode") {
        argv(&["ls", "-l", &path])
    } else if file.contains("privkey") {
        argv(&["openssl", "pkey", "-noout", "-text_pub", "-in", &path])
    } else {
        argv(&["openssl", "x509", "-noout", "-subject", "-issuer", "-dates", "-fingerprint", "-sha256", "-in", &path])
    }
}
