//! What the tools print on members.

use std::net::{IpAddr, SocketAddr};

use serde_json::json;
use testkit::expect::Read;
use testkit::microovn::{Activity, LISTENERS, planned_services};
use testkit::plan::{Changes, Database, Datapath, Member, Nic, Presence, Process, Schemas, Service, State};

use super::{certificates, daemons, packets};

fn uuid(kind: u8, n: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{n:012x}")
}

/// A connection string of every database.
pub(super) fn list(state: &State, port: u16) -> String {
    let one = |address| format!("ssl:{}", SocketAddr::new(address, port));
    state.databases().into_iter().map(one).collect::<Vec<_>>().join(",")
}

/// What one read prints on a member, or says where there is nothing to be read.
pub(crate) fn printed(state: &State, member: &Member, read: Read, changes: &Changes) -> Result<String, &'static str> {
    let chassis: Vec<_> = state.members_with(Service::Chassis).enumerate().collect();
    Ok(match read {
        Read::Switch if !member.lives(Process::SwitchDatabase) => {
            return Err("database connection failed (No such file or directory)");
        }
        Read::Switch => {
            let mut ids = vec![json!(["hostname", member.hostname]), json!(["system-id", member.name])];
            let mut interfaces = vec![json!(["br-int", "internal", ["map", []]])];
            if member.runs(Service::Chassis) || member.had.contains(&Service::Chassis) {
                ids.push(json!(["ovn-encap-ip", member.encap.ip]));
                ids.push(json!(["ovn-encap-type", "geneve"]));
                // Where no central is left there is none.
                if !state.databases().is_empty() {
                    ids.push(json!(["ovn-remote", list(state, 6642)]));
                }
            }
            if member.runs(Service::Chassis) && state.has_had_centrals() {
                for (n, peer) in chassis.iter().filter(|(_, peer)| peer.name != member.name) {
                    let options = json!(["map", [["csum", "true"], ["key", "flow"], ["remote_ip", peer.encap.ip]]]);
                    interfaces.push(json!([format!("ovn-peer-{n}-0"), "geneve", options]));
                }
            }
            let roots = json!({"data": [[["map", ids]]], "headings": ["external_ids"]});
            let interfaces = json!({"data": interfaces, "headings": ["name", "type", "options"]});
            let kind = state.datapath.map_or("", Datapath::kind);
            let bridges =
                json!({"data": [["br-int", kind, "0000ce8f"]], "headings": ["name", "datapath_type", "datapath_id"]});
            format!("{roots}\n{interfaces}\n{bridges}\n")
        }
        Read::LostSouthbound => return Err("`microovn.ovn-sbctl` exited with 1: database connection failed ()"),
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
        Read::Bindings => {
            let network = |(n, name): (usize, &str)| json!([["map", [["name", name]]], n]);
            let rows: Vec<_> = (7..).zip(["red", "blue", "edge", "uplink"]).map(network).collect();
            let has = |it: &&(usize, &Member)| Some(&it.1.name) == state.gateway().map(|gateway| &gateway.name);
            let gateway = chassis.iter().find(has).map_or(json!(["set", []]), |(n, _)| json!(["uuid", uuid(1, *n)]));
            let ports = json!({"data": [["cr-uplink-router", gateway]], "headings": ["logical_port", "chassis"]});
            format!("{}\n{ports}\n", json!({"data": rows, "headings": ["external_ids", "tunnel_key"]}))
        }
        Read::Packets => packets::packets(state, member, false),
        Read::LargePackets => packets::packets(state, member, true),
        Read::Pki => certificates::folder(state, member, changes),
        Read::CertificateList => certificates::certificate_list(state, member),
        Read::Daemons => daemons::daemons(state, member, changes),
        Read::CertificateText => certificates::certificate_text(state, member),
        Read::Api(_) => {
            let own = certificates::own(&member.hostname);
            format!("own\n{own}\nshown\nCONNECTED(00000003)\n---\nCertificate chain\n{own}---\nDONE\n")
        }
        Read::Listeners(_) => {
            let clear = |port| member.plain.iter().any(|database| database.port() == port);
            let one = |port| {
                if clear(port) {
                    return format!("port {port}\n40B7:error:0A000126:SSL routines::unexpected eof while reading\n");
                }
                let shown = certificates::shown(state, member, changes, if port % 2 == 1 { "ovnnb" } else { "ovnsb" });
                let alert = "40B7:error:0A00045C:SSL routines: SSL alert number 116";
                format!("port {port}\nverify return:1\nCertificate chain\n{shown}---\n{alert}\n")
            };
            LISTENERS.map(one).concat()
        }
        Read::Health => {
            "= journal 1204 0\n1\t0\tovs-vswitchd\tovs|00003|vswitchd|ERR|mlockall failed: Cannot allocate \
                         memory\n= end\n"
                .to_owned()
        }
        Read::Remains => {
            let nics = member.nics.iter().flat_map(|nic| [Some(&nic.device), nic.bridge.as_ref()]).flatten();
            let nics = nics.map(|device| format!("device {device}\n"));
            format!("device lo\ndevice tunl0\n{}end\n", nics.collect::<String>())
        }
        Read::Told => told(state, member),
        Read::NbRaft => raft(state, member, changes, Database::Northbound),
        Read::SbRaft => raft(state, member, changes, Database::Southbound),
        Read::Members if !state.has_majority() => {
            return Err("`microovn cluster list` exited with 1: Error: Failed to get cluster members");
        }
        Read::Members => {
            let row = |member: &Member| {
                let address = SocketAddr::new(member.address, state.member_port()).to_string();
                let status = if member.presence == Presence::Down { "UNREACHABLE" } else { "ONLINE" };
                json!({"name": member.name, "address": address, "certificate": "", "role": "PENDING", "status": status})
            };
            json!(state.members().map(row).collect::<Vec<_>>()).to_string()
        }
        Read::Services => {
            let mut text = "Service  Startup  Current  Notes\n".to_owned();
            for (name, (startup, current)) in planned_services(state.release_of(member), member.running()) {
                let dead = name == "ovn-northd" && member.dead.contains(&Process::Northd);
                let current = if dead { Activity::Inactive } else { current };
                let notes = if name == "refresh-expiring-certs" { "timer-activated" } else { "-" };
                text += &format!("microovn.{name}  {startup}  {current}  {notes}\n");
            }
            text + "= units\nId=snap.microovn.daemon.service\nNRestarts=0\nResult=success\nActiveState=active\n\
                    SubState=running\n\nId=snap.microovn.bird.service\nNRestarts=0\nResult=success\n\
                    ActiveState=inactive\nSubState=dead\n"
        }
        Read::Plugs => {
            let declared = &state.release_of(member).plugs;
            let plug = |name: &str| json!({"snap": "microovn", "plug": name});
            let connected: Vec<_> = declared
                .iter()
                .map(|(name, it)| json!({"plug": plug(name), "slot": {"snap": "snapd", "slot": it.interface}}))
                .collect();
            let plugs: Vec<_> = declared.keys().map(|name| plug(name)).collect();
            json!({"result": {"established": connected, "plugs": plugs}}).to_string()
        }
        Read::Version => {
            let version = &state.release_of(member).version;
            format!(
                "Name      Version  Rev  Tracking  Publisher  Notes\nmicroovn  {version}  x1   -         -          -\n"
            )
        }
        Read::Status => status(state),
        Read::NbSchema => format!("{}\n", state.schemas().map_or("none", |it| &it.northbound)),
        Read::SbSchema => format!("{}\n", state.schemas().map_or("none", |it| &it.southbound)),
        Read::OvnEnv => {
            let host = |ip| match ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            let local = host(member.address);
            let centrals = state.databases();
            let other = centrals.iter().find(|central| **central != member.address);
            let initial = other.or(centrals.first()).copied().map(host).unwrap_or_default();
            let (nb, sb) = (list(state, 6641), list(state, 6642));
            format!(
                "# # Generated\nOVN_INITIAL_NB=\"{initial}\"\nOVN_INITIAL_SB=\"{initial}\"\nOVN_NB_CONNECT=\"{nb}\"\n\
                 OVN_SB_CONNECT=\"{sb}\"\nOVN_LOCAL_IP=\"{local}\"\n"
            )
        }
        Read::Devices => {
            let device = |name: &str, nic: &Nic, has: bool| {
                let addresses = nic.addresses.iter().filter(|_| has);
                let addresses = addresses.map(|net| json!({"local": net.addr(), "prefixlen": net.prefix_len()}));
                let cut = member.cut.contains(&nic.network);
                let (flags, operstate) =
                    if cut { (&["BROADCAST"][..], "DOWN") } else { (&["BROADCAST", "UP", "LOWER_UP"][..], "UP") };
                json!({"ifname": name, "flags": flags, "operstate": operstate, "mtu": nic.mtu,
                       "addr_info": addresses.collect::<Vec<_>>()})
            };
            let all = member.nics.iter().flat_map(|nic| {
                let bridge = nic.bridge.as_ref().map(|bridge| device(bridge, nic, true));
                [Some(device(&nic.device, nic, nic.bridge.is_none())), bridge]
            });
            json!(all.flatten().collect::<Vec<_>>()).to_string()
        }
        Read::Route(peer) => {
            json!([{"dst": peer, "dev": member.encap.via, "prefsrc": member.encap.ip, "flags": []}]).to_string()
        }
    })
}

/// Recorded: where all want the schema that there is, all is well.
fn status(state: &State) -> String {
    let mut text =
        "MicroOVN deployment summary:\n- one (10.0.0.1)\n  Services: central\nOVN Database summary:\n".to_owned();
    let of: [fn(&Schemas) -> &str; 2] = [|it| &it.northbound, |it| &it.southbound];
    for (title, of) in ["Northbound", "Southbound"].into_iter().zip(of) {
        let wants = |member: &Member| {
            let schemas = state.release_of(member).schemas.as_ref();
            if member.presence == Presence::Down {
                "Error. Failed to contact member"
            } else {
                schemas.map_or("none", of)
            }
        };
        let active = state.schemas().map_or("none", of);
        if state.members().all(|member| wants(member) == active) {
            text += &format!("OVN {title}: OK ({active})\n");
            continue;
        }
        text += &format!("OVN {title}: Upgrade or attention required!\nCurrently active schema: {active}\n");
        text += "Cluster report (expected schema versions):\n";
        state.members().for_each(|member| text += &format!("\t{}: {}\n", member.name, wants(member)));
        text += "\n";
    }
    text
}

/// Of the servers that answer the first leads, where there is a majority of them.
fn raft(state: &State, member: &Member, changes: &Changes, database: Database) -> String {
    let (name, timer) = (database.name(), state.election_timer(database));
    let centrals: Vec<_> = state.members_with(Service::Central).enumerate().collect();
    let number = centrals.iter().find(|(_, central)| central.name == member.name).unwrap().0;
    let id = |n: usize| format!("aaa{n}");
    let first = centrals.iter().find(|(_, central)| central.presence == Presence::Online).unwrap().0;
    let (role, leader) = match first {
        _ if !state.has_quorum() => ("candidate", "unknown".to_owned()),
        first if first == number => ("leader", "self".to_owned()),
        first => ("follower", id(first)),
    };
    let status = if state.has_quorum() { "cluster member" } else { "disconnected from the cluster (election timeout)" };
    let cluster = format!("c{:03}", super::number(changes.databases));
    let address = |member: &Member| {
        let scheme = if member.plain.contains(&database) { "tcp" } else { "ssl" };
        format!("{scheme}:{}", SocketAddr::new(member.address, database.port()))
    };
    let mut text = format!(
        "{short}\nName: {name}\nCluster ID: {cluster} ({cluster}0000-0000-4000-8000-000000000000)\n\
         Server ID: {short} ({short}0000-0000-4000-8000-000000000000)\nAddress: {}\nStatus: {status}\n\
         Role: {role}\nTerm: 2\nLeader: {leader}\nVote: unknown\n\nElection timer: {timer}\nServers:\n",
        address(member),
        short = id(number),
    );
    for (n, central) in centrals {
        let myself = if n == number { " (self)" } else { "" };
        text += &format!("    {0} ({0} at {1}){myself} last msg 3348 ms ago\n", id(n), address(central));
    }
    text
}

/// What MicroCloud told this member's MicroOVN.
fn told(state: &State, member: &Member) -> String {
    let bootstraps = state.members().next().is_some_and(|first| first.name == member.name);
    let config = if member.encap.custom { json!({"ovn-encap-ip": member.encap.ip}) } else { json!({}) };
    let address = SocketAddr::new(member.address, state.member_port()).to_string();
    let body = json!({"bootstrap": bootstraps, "config": config, "address": address, "name": member.name});
    format!("POST /core/control {body}\n")
}
