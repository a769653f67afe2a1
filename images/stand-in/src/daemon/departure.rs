//! Ceasing to be a member.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::Method;

use crate::address;
use crate::error::{Context, Error, Result, io_text};
use crate::faults::{self, Fault};
use crate::ovn::{services, tools};

use super::cluster::{Change, Cluster, Member};
use super::formation::replace_identity;
use super::log;
use super::node::{Node, Phase};

/// How long what a dead member leaves behind may take to be cleared away. Who has it removed waits for 30 seconds, and
/// some of them were spent on finding it dead.
const CLEARING: Duration = Duration::from_secs(12);

/// Makes another member, or this one, leave.
pub(crate) async fn remove(node: &Arc<Node>, name: &str, force: bool) -> Result<()> {
    let membership = node.membership()?;
    let cluster = membership.cluster();
    let leaving = cluster.get(name)?.clone();
    if cluster.members.len() == 1 {
        return Err(Error::internal("Cannot leave a cluster with 1 members"));
    }
    let is_self = name == membership.name;
    let encap_ip = faults::life::note_encap(&node.paths, name).await;
    let prepared = if is_self {
        prepare_to_leave(node).await
    } else {
        let path = format!("/core/internal/hooks/pre-remove?target={name}");
        let asked = node.ask(&leaving, Method::POST, &path, None).await.map(drop);
        asked.map_err(|error| {
            let address = leaving.address;
            // Who has just died does not even refuse.
            let error =
                if error.message.ends_with("i/o timeout") { "context deadline exceeded" } else { &error.message };
            Error::internal(format!("Post \"https://{address}/core/internal/hooks/pre-remove?target={name}\": {error}"))
        })
    };
    if let Err(error) = prepared {
        if !force {
            return Err(error);
        }
        let (_, _) = tokio::join!(kick(node, &cluster, &leaving), delete_chassis(node, &leaving));
    }
    node.commit(Change::Remove { name: name.to_owned() }).await?;
    if let Some(ip) = encap_ip {
        faults::life::leave_behind(&node.paths, name, &ip).await;
    }
    if is_self {
        return reset(node).await;
    }
    // A dead member cannot be told; it finds out when nobody knows it any more.
    let told = node.ask_briefly(&leaving, Method::POST, "/core/internal/reset", None).await;
    if force { Ok(()) } else { told.map(drop) }
}

/// Has a central throw the database servers of a dead one out of their clusters. MicroOVN does not.
async fn kick(node: &Node, cluster: &Cluster, dead: &Member) {
    let is_central = |member: &&Member| member.services.iter().any(|service| service == "central");
    if !is_central(&dead) || faults::plays(&node.paths, Fault::ForceLeavesRaft) {
        return;
    }
    let Ok(membership) = node.membership() else { return };
    let path = format!("/core/internal/kick?ip={}", dead.address.ip());
    for central in cluster.members.iter().filter(is_central).filter(|member| member.name != dead.name) {
        let kicked = if central.name == membership.name {
            faults::life::kick(&node.paths, dead.address.ip()).await;
            Ok(())
        } else {
            node.ask_briefly(central, Method::POST, &path, None).await.map(drop)
        };
        if kicked.is_ok() {
            return;
        }
    }
}

/// Removes the chassis of a dead member from the Southbound database. MicroOVN does not.
async fn delete_chassis(node: &Node, dead: &Member) {
    if faults::plays(&node.paths, Fault::ForceLeavesChassis) {
        return;
    }
    let timeout = format!("--timeout={}", CLEARING.as_secs());
    let deleted = tools::run(&node.paths, "ovn-sbctl", &[&timeout, "--if-exists", "chassis-del", &dead.name]).await;
    if let Err(error) = deleted {
        complain!("failed to remove the chassis of {}: {error}", dead.name);
    }
}

/// Takes this member's services out of the cluster while the others still know it.
pub(crate) async fn prepare_to_leave(node: &Node) -> Result<()> {
    let membership = node.membership()?;
    let own = membership.own()?;
    let last_central = membership.cluster().centrals() == 1;
    let leaves = format!("Node '{}' shutting down OVN services before departure", own.name);
    log::say_system("sys_shutdown", &leaves, &own.name);
    let _guard = node.working.lock().await;
    for service in ["chassis", "central", "switch"] {
        if own.services.iter().any(|running| running == service) {
            services::disable(&node.paths, service, last_central).await?;
        }
    }
    Ok(())
}

/// Makes this server one that was never a member; what it had is kept as a backup.
pub(crate) async fn reset(node: &Node) -> Result<()> {
    let _guard = node.working.lock().await;
    let mut keeps = true;
    if let Phase::In(membership) = node.phase() {
        keeps = !faults::plays(&node.paths, Fault::RemovedWithoutBackup);
        node.set_phase(Phase::Out);
        for task in membership.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        services::stop_controller(&node.paths).await;
        services::stop_all().await?;
        let (name, left) = (&membership.name, format!("Node '{}' left cluster", membership.name));
        log::say_done("cluster_leave", &left, &[("node", name)]);
    }
    let paths = &node.paths;
    let seconds = jiff::Timestamp::now().as_second();
    let backup = paths.common.join(format!("backup_{seconds}"));
    for directory in ["data", "logs"] {
        let from = paths.common.join(directory);
        match (from.exists(), keeps) {
            (true, true) => {
                make_backup(&backup)?;
                std::fs::rename(&from, backup.join(directory)).context(from.display())?;
            }
            (true, false) => std::fs::remove_dir_all(&from).context(from.display())?,
            (false, _) => {}
        }
    }
    for file in ["cluster.crt", "cluster.key", "daemon.yaml", "database/cluster.json"] {
        match std::fs::remove_file(paths.state.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::internal(format!("failed to remove {file}: {}", io_text(&error))));
            }
            _ => {}
        }
    }
    for entry in std::fs::read_dir(paths.state.join("truststore"))?.flatten() {
        std::fs::remove_file(entry.path())?;
    }
    replace_identity(node, &address::hostname())
}

/// The folder for what a member had: the group may look into it.
fn make_backup(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(path).context(path.display())
}
