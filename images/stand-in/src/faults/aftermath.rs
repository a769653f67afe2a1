//! Faults that come about once a member is formed: rows, ports and services are changed behind its back.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::net::UnixStream;

use crate::address;
use crate::error::{Context, Error, Result};
use crate::http;
use crate::ovn::{raft, snapctl, tools};
use crate::paths::Paths;

use super::{Fault, NOBODY, find_or, health, plays};

/// How long a chassis may take to register.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the first peer may take to come.
const UNTIL_JOINED: Duration = Duration::from_secs(600);
/// When an encapsulation address that is late comes, in seconds.
const LATE: &str = "60";
/// When what was right goes, in seconds after the chassis has registered.
const SOON: &str = "3";
/// The database and the election timer that it gets, in milliseconds, when the fault names none.
const TIMER: &str = "sb 10000";
/// The snap service that is down when the fault names none.
const DOWN: &str = "chassis";
/// The plug that is disconnected when the fault names none.
const PLUG: &str = "hardware-observe";
/// Where snapd listens.
const SNAPD: &str = "/run/snapd.socket";

/// A member that has just been formed.
#[derive(Debug, Clone)]
pub(crate) struct Formed {
    /// The paths.
    pub(crate) paths: Paths,
    /// Its name.
    pub(crate) name: String,
    /// Its encapsulation address.
    pub(crate) encap_ip: String,
    /// Whether there are members that it may have tunnels to.
    pub(crate) has_peers: bool,
}

/// Plays what is to be played now, and returns when it has come about; what needs time is left running.
pub(crate) async fn play(member: Formed) {
    let paths = &member.paths;
    report(Fault::ServiceNotStarted, stop_service(paths).await);
    report(Fault::ServiceDead, kill_service(paths).await);
    report(Fault::SystemIdHostname, restart_switch(paths).await);
    report(Fault::PlugUnconnected, disconnect_plug(paths).await);
    report(Fault::ServiceRestarts, kill_registered(paths).await);
    report(Fault::ServiceFails, health::fail(paths).await);
    health::say(paths);
    report(Fault::EncapStaleRow, add_stale(paths).await);
    report(Fault::ChassisDuplicated, duplicate(&member).await);
    report(Fault::ElectionTimer, change_timer(paths).await);
    report(Fault::TunnelExtra, add_tunnel(paths).await);
    report(Fault::TunnelMissing, remove_tunnels(paths).await);
    if member.has_peers {
        report(Fault::TunnelWrongPeer, bend_tunnel(paths, PATIENCE).await);
    }
    tokio::task::spawn_local(async move {
        if !member.has_peers {
            report(Fault::TunnelWrongPeer, bend_tunnel(&member.paths, UNTIL_JOINED).await);
        }
        report(Fault::JournalFloods, health::flood(&member.paths).await);
        report(Fault::EncapLate, set_encap_late(&member).await);
        report(Fault::EncapRegresses, bend_encap(&member).await);
        report(Fault::ChassisLeaves, remove_chassis(&member).await);
    });
}

/// A fault that does not come about is said in the daemon's log.
fn report(fault: Fault, outcome: Result<()>) {
    if let Err(error) = outcome {
        complain!("the fault {} is not played: {error}", fault.name());
    }
}

/// Whether a snap service is to stay down, which a restart would undo.
pub(crate) fn keeps_down(paths: &Paths, service: &str) -> bool {
    let faults = [Fault::ServiceNotStarted, Fault::ServiceDead];
    faults.iter().any(|fault| find_or(paths, *fault, DOWN).is_some_and(|down| down == service))
}

async fn stop_service(paths: &Paths) -> Result<()> {
    match find_or(paths, Fault::ServiceNotStarted, DOWN) {
        Some(service) => snapctl::stop(&[&service]).await,
        None => Ok(()),
    }
}

async fn kill_service(paths: &Paths) -> Result<()> {
    match find_or(paths, Fault::ServiceDead, DOWN) {
        Some(service) => snapctl::halt(&[&service]).await,
        None => Ok(()),
    }
}

/// A snap cannot disconnect its own plugs, so snapd is asked as an administrator would.
async fn disconnect_plug(paths: &Paths) -> Result<()> {
    let Some(plug) = find_or(paths, Fault::PlugUnconnected, PLUG) else { return Ok(()) };
    let snapd = UnixStream::connect(SNAPD).await.context(SNAPD)?;
    let ends = json!({"action": "disconnect", "plugs": [{"snap": "microovn", "plug": plug}],
                      "slots": [{"snap": "", "slot": ""}]});
    http::request(snapd, Method::POST, "/v2/interfaces", Some(&ends)).await.map(drop)
}

async fn sbctl(paths: &Paths, args: &[&str]) -> Result<String> {
    tools::run(paths, "ovn-sbctl", &[&["--timeout=20"], args].concat()).await
}

async fn vsctl(paths: &Paths, args: &[&str]) -> Result<String> {
    tools::run(paths, "ovs-vsctl", &[&["--timeout=20", "--no-wait"], args].concat()).await
}

async fn change_timer(paths: &Paths) -> Result<()> {
    let Some(value) = find_or(paths, Fault::ElectionTimer, TIMER) else {
        return Ok(());
    };
    let (db, milliseconds) = value.split_once(' ').unwrap_or((&value, ""));
    let db = raft::Db::ALL.into_iter().find(|known| known.short() == db);
    let db = db.ok_or_else(|| Error::internal(format!("there is no database {value:?}")))?;
    raft::change_timer(paths, db, milliseconds).await
}

async fn add_stale(paths: &Paths) -> Result<()> {
    let Some(ip) = find_or(paths, Fault::EncapStaleRow, NOBODY) else {
        return Ok(());
    };
    sbctl(paths, &["chassis-add", "stale", "geneve", &ip]).await.map(drop)
}

async fn duplicate(member: &Formed) -> Result<()> {
    let Some(name) = find_or(&member.paths, Fault::ChassisDuplicated, &format!("{}-duplicate", member.name)) else {
        return Ok(());
    };
    let hostname = format!("hostname={}", address::hostname());
    // No two Encap rows have the same type and address.
    let add = ["chassis-add", &name, "vxlan", &member.encap_ip, "--", "set", "Chassis", &name, &hostname];
    sbctl(&member.paths, &add).await.map(drop)
}

async fn add_tunnel(paths: &Paths) -> Result<()> {
    let Some(ip) = find_or(paths, Fault::TunnelExtra, NOBODY) else {
        return Ok(());
    };
    let (remote, kind) = (format!("options:remote_ip=\"{ip}\""), "type=geneve");
    let interface = ["--", "set", "Interface", "ovn-extra-0", kind, &remote, "options:key=flow"];
    let bridge = ["--may-exist", "add-br", "br-int", "--", "--may-exist", "add-port", "br-int", "ovn-extra-0"];
    vsctl(paths, &[&bridge[..], &interface].concat()).await.map(drop)
}

/// The geneve ports of this member.
async fn tunnels(paths: &Paths) -> Result<Vec<String>> {
    let names = vsctl(paths, &["--bare", "--columns=name", "find", "Interface", "type=geneve"]).await?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}

async fn remove_tunnels(paths: &Paths) -> Result<()> {
    if !plays(paths, Fault::TunnelMissing) {
        return Ok(());
    }
    wait_registered(paths).await?;
    freeze_controller(paths).await?;
    for port in tunnels(paths).await? {
        vsctl(paths, &["del-port", &port]).await?;
    }
    Ok(())
}

async fn bend_tunnel(paths: &Paths, patience: Duration) -> Result<()> {
    let Some(ip) = find_or(paths, Fault::TunnelWrongPeer, NOBODY) else {
        return Ok(());
    };
    let first = tools::wait_until("a tunnel", patience, async || {
        tunnels(paths).await?.into_iter().next().ok_or_else(|| Error::internal("there is none"))
    });
    let first = first.await?;
    freeze_controller(paths).await?;
    vsctl(paths, &["set", "Interface", &first, &format!("options:remote_ip=\"{ip}\"")]).await.map(drop)
}

/// Lets as many seconds pass as a fault says.
async fn pass(seconds: &str) -> Result<()> {
    let seconds = seconds.parse().map_err(|error| Error::internal(format!("no number of seconds: {error}")))?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(())
}

async fn restart_switch(paths: &Paths) -> Result<()> {
    if !plays(paths, Fault::SystemIdHostname) {
        return Ok(());
    }
    wait_registered(paths).await?;
    snapctl::restart(&["switch"]).await
}

async fn kill_registered(paths: &Paths) -> Result<()> {
    if plays(paths, Fault::ServiceRestarts) {
        wait_registered(paths).await?;
    }
    health::kill(paths)
}

async fn bend_encap(member: &Formed) -> Result<()> {
    let Some(seconds) = find_or(&member.paths, Fault::EncapRegresses, SOON) else {
        return Ok(());
    };
    wait_registered(&member.paths).await?;
    pass(&seconds).await?;
    freeze_controller(&member.paths).await?;
    let named = format!("chassis_name={}", member.name);
    let row = sbctl(&member.paths, &["--bare", "--columns=_uuid", "find", "Encap", &named]).await?;
    sbctl(&member.paths, &["set", "Encap", row.trim(), &format!("ip=\"{NOBODY}\"")]).await.map(drop)
}

async fn remove_chassis(member: &Formed) -> Result<()> {
    let Some(seconds) = find_or(&member.paths, Fault::ChassisLeaves, SOON) else {
        return Ok(());
    };
    wait_registered(&member.paths).await?;
    pass(&seconds).await?;
    freeze_controller(&member.paths).await?;
    sbctl(&member.paths, &["chassis-del", &member.name]).await.map(drop)
}

async fn set_encap_late(member: &Formed) -> Result<()> {
    let Some(seconds) = find_or(&member.paths, Fault::EncapLate, LATE) else {
        return Ok(());
    };
    pass(&seconds).await?;
    let ip = format!("external-ids:ovn-encap-ip=\"{}\"", member.encap_ip);
    vsctl(&member.paths, &["set", "Open_vSwitch", ".", &ip]).await.map(drop)
}

/// The control socket of ovn-controller.
fn controller(paths: &Paths) -> Result<PathBuf> {
    let pid = std::fs::read_to_string(paths.run_ovn().join("ovn-controller.pid"))?;
    Ok(paths.run_ovn().join(format!("ovn-controller.{}.ctl", pid.trim())))
}

/// Waits until this member's chassis is in the Southbound.
async fn wait_registered(paths: &Paths) -> Result<()> {
    tools::wait_until("the chassis to register", PATIENCE, async || {
        let name = vsctl(paths, &["get", "Open_vSwitch", ".", "external_ids:system-id"]).await?;
        let named = format!("name={}", name.trim());
        let found = sbctl(paths, &["--bare", "--columns=_uuid", "find", "Chassis", &named]).await?;
        if found.trim().is_empty() { Err(Error::internal("it has not")) } else { Ok(()) }
    })
    .await
}

/// Has ovn-controller run and do nothing, so that it repairs nothing.
async fn freeze_controller(paths: &Paths) -> Result<()> {
    let ctl = tools::wait_until("ovn-controller", PATIENCE, async || controller(paths)).await?;
    raft::appctl(&ctl, "debug/pause", &[]).await.map(drop)
}

/// Whether a member that has just joined is to leave again.
pub(crate) fn leaves(member: &Formed) -> bool {
    member.has_peers && plays(&member.paths, Fault::JoinThenLeaves)
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn what_is_down_stays_down() {
        for (faults, northd, chassis) in [
            ("", false, false),
            ("service-dead", false, true),
            ("service-dead ovn-northd", true, false),
            ("service-not-started ovn-northd", true, false),
            ("service-not-started\nservice-dead ovn-northd", true, true),
        ] {
            let (_dir, paths) = playing(faults);
            let down = (keeps_down(&paths, "ovn-northd"), keeps_down(&paths, "chassis"));
            assert_eq!(down, (northd, chassis), "{faults}");
        }
    }

    #[test]
    fn only_who_joins_leaves() {
        let (_dir, paths) = playing("join-then-leaves");
        let member = |has_peers| Formed {
            paths: paths.clone(),
            name: "real-1".to_owned(),
            encap_ip: "10.88.0.11".to_owned(),
            has_peers,
        };
        assert!(leaves(&member(true)));
        assert!(!leaves(&member(false)));
    }
}
