//! Faults of a cluster that is there: what goes wrong when services are moved, and members leave and come back.

use crate::daemon::cluster::{Cluster, Member};
use crate::ovn::raft::{self, Db};
use crate::ovn::{snapctl, tools};
use crate::paths::Paths;

use super::{Fault, find, find_or, plays};

/// The snap service that a restart turns on or off when the fault names none.
const TURNED: &str = "chassis";
/// As how manieth a member comes later when the fault says nothing of it.
const LATER: usize = 5;

/// Where a service is enabled or disabled instead of on the member that was named.
pub(crate) fn other_target(paths: &Paths, cluster: &Cluster, target: &str, service: &str, on: bool) -> Option<String> {
    let value = find(paths, Fault::NodeOther)?;
    if !value.is_empty() {
        return Some(value);
    }
    let has = |member: &Member| member.services.iter().any(|running| running == service);
    cluster.members.iter().find(|member| member.name != target && has(member) != on).map(|member| member.name.clone())
}

/// The members as they are listed: those that were removed, too, if that is to be played.
pub(crate) fn listed(paths: &Paths, cluster: &Cluster) -> Vec<Member> {
    let mut members: Vec<Member> = cluster.by_address().into_iter().cloned().collect();
    if plays(paths, Fault::RemovedStillListed) {
        members.extend(cluster.departed.iter().filter(|gone| cluster.find(&gone.name).is_none()).cloned());
    }
    members
}

/// Whether this server was a member before: what it had then lies beside what it has now.
pub(crate) fn was_member(paths: &Paths) -> bool {
    let entries = std::fs::read_dir(&paths.common).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("backup_"))
}

/// Whether a member other than `own` has joined a cluster that was complete: it was a member before, or is at least the
/// `later`th.
fn has_joined_later(before: &Cluster, after: &Cluster, own: &str, later: usize) -> bool {
    let is_ready = |cluster: &Cluster, name: &str| cluster.find(name).is_some_and(|member| member.ready);
    after.members.iter().enumerate().any(|(index, member)| {
        let is_new = member.name != own && member.ready && !is_ready(before, &member.name);
        is_new && (index + 1 >= later || after.departed.iter().any(|gone| gone.name == member.name))
    })
}

/// Plays what the change of a record is the occasion for.
pub(crate) async fn follow(paths: &Paths, before: &Cluster, after: &Cluster, own: &Member) {
    let is_later = |fault| {
        let later = find(paths, fault).map(|value| value.parse().unwrap_or(LATER));
        later.is_some_and(|later| has_joined_later(before, after, &own.name, later))
    };
    let has = |service: &str| own.services.iter().any(|running| running == service);
    if has("central") && is_later(Fault::JoinStopsNorthd) {
        report(Fault::JoinStopsNorthd, snapctl::halt(&["ovn-northd"]).await);
    }
    if has("chassis") && is_later(Fault::JoinRestartsController) {
        report(Fault::JoinRestartsController, snapctl::restart(&["chassis"]).await);
    }
}

/// Plays what the start of a member's daemon is the occasion for, and says whether there was any.
pub(crate) async fn restarted(paths: &Paths) -> bool {
    let (disabled, enabled) = (plays(paths, Fault::RestartDisables), plays(paths, Fault::RestartEnables));
    if let Some(service) = find_or(paths, Fault::RestartDisables, TURNED) {
        report(Fault::RestartDisables, snapctl::stop(&[&service]).await);
    }
    if let Some(service) = find_or(paths, Fault::RestartEnables, TURNED) {
        report(Fault::RestartEnables, snapctl::start(&[&service]).await);
    }
    disabled || enabled
}

fn report(fault: Fault, outcome: crate::error::Result<()>) {
    if let Err(error) = outcome {
        complain!("the fault {} is not played: {error}", fault.name());
    }
}

/// Whether a database server that departs stays in its cluster.
pub(crate) fn stays_in_raft(paths: &Paths, db: Db) -> bool {
    plays(
        paths,
        match db {
            Db::Northbound => Fault::RaftLeftNb,
            Db::Southbound => Fault::RaftLeftSb,
        },
    )
}

/// The encapsulation address of a member that is about to be removed, if that is to be of use later.
pub(crate) async fn note_encap(paths: &Paths, name: &str) -> Option<String> {
    if !plays(paths, Fault::RemovedEncapStays) && !plays(paths, Fault::RemovedTunnelStays) {
        return None;
    }
    let named = format!("chassis_name={name}");
    let find = ["--timeout=10", "--bare", "--columns=ip", "find", "Encap", &named];
    let found = tools::run(paths, "ovn-sbctl", &find).await;
    found.ok().map(|ip| ip.trim().to_owned()).filter(|ip| !ip.is_empty())
}

/// Leaves behind of a removed member what is to be left, though it is gone.
pub(crate) async fn leave_behind(paths: &Paths, name: &str, encap_ip: &str) {
    if plays(paths, Fault::RemovedEncapStays) {
        let other = format!("{name}-left");
        let add = ["--timeout=10", "chassis-add", &other, "geneve", encap_ip];
        report(Fault::RemovedEncapStays, tools::run(paths, "ovn-sbctl", &add).await.map(drop));
    }
    if plays(paths, Fault::RemovedTunnelStays) {
        // Without the mark of a tunnel that is ovn-controller's own, which it would remove.
        let remote = format!("options:remote_ip=\"{encap_ip}\"");
        let args = [
            "--timeout=10",
            "--no-wait",
            "--may-exist",
            "add-port",
            "br-int",
            "ovn-left-0",
            "--",
            "set",
            "Interface",
            "ovn-left-0",
            "type=geneve",
            &remote,
            "options:key=flow",
        ];
        report(Fault::RemovedTunnelStays, tools::run(paths, "ovs-vsctl", &args).await.map(drop));
    }
}

/// Whether ovn-northd is to go on as it is, since it names a central that has departed.
pub(crate) fn keeps_northd(paths: &Paths, env: &crate::ovn::env::OvnEnv) -> bool {
    if !plays(paths, Fault::NorthdKeepsCentral) {
        return false;
    }
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let pid = read(paths.run_ovn().join("ovn-northd.pid"));
    let line = read(["/proc", pid.trim(), "cmdline"].iter().collect());
    let remotes = line.split('\0').find_map(|argument| argument.strip_prefix("--ovnsb-db=")).unwrap_or_default();
    !env.departed(remotes).is_empty()
}

/// Throws the servers of a dead member out of the clusters of both databases, but for those that are to stay.
pub(crate) async fn kick(paths: &Paths, ip: std::net::IpAddr) {
    let kick = async |db| {
        if !stays_in_raft(paths, db)
            && let Err(error) = raft::kick(paths, db, ip).await
        {
            complain!("failed to remove a server: {error}");
        }
    };
    tokio::join!(kick(Db::Northbound), kick(Db::Southbound));
}

#[cfg(test)]
mod tests;
