//! The RAFT cluster of an OVN database, through the control socket of the local server.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::error::{Error, Result};
use crate::paths::Paths;

use super::tools::wait_until;

/// One of OVN's two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Db {
    /// Northbound: what is wanted.
    Northbound,
    /// Southbound: what follows from it.
    Southbound,
}

impl Db {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Northbound, Self::Southbound];

    /// `nb` or `sb`.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Northbound => "nb",
            Self::Southbound => "sb",
        }
    }

    /// The schema's name.
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Northbound => "OVN_Northbound",
            Self::Southbound => "OVN_Southbound",
        }
    }

    /// The port for clients.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Northbound => 6641,
            Self::Southbound => 6642,
        }
    }

    /// The port the servers use among themselves.
    pub(crate) fn raft_port(self) -> u16 {
        match self {
            Self::Northbound => 6643,
            Self::Southbound => 6644,
        }
    }

    fn ctl(self, paths: &Paths) -> std::path::PathBuf {
        paths.run_ovn().join(format!("ovn{}_db.ctl", self.short()))
    }
}

/// Sends a command to a daemon of OVS or OVN, as `ovs-appctl` does.
///
/// # Errors
///
/// Nobody listens on the socket, or the daemon refuses the command.
pub(crate) async fn appctl(ctl: &Path, method: &str, params: &[&str]) -> Result<String> {
    let mut stream = UnixStream::connect(ctl).await?;
    let request = json!({"id": 0, "method": method, "params": params});
    stream.write_all(request.to_string().as_bytes()).await?;
    let mut bytes = Vec::new();
    loop {
        // The reply has no length and no end mark: it is complete when it parses.
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(Error::internal(format!("{}: connection closed", ctl.display())));
        }
        if let Ok(reply) = serde_json::from_slice::<Value>(&bytes) {
            return match reply["error"].as_str() {
                Some(error) => Err(Error::internal(error.trim_end())),
                None => Ok(reply["result"].as_str().unwrap_or_default().to_owned()),
            };
        }
    }
}

/// Waits until the local server of a database is a member of its cluster that knows a leader.
pub(crate) async fn wait_member(paths: &Paths, db: Db, patience: Duration) -> Result<()> {
    wait_until(&format!("{} to be a cluster member", db.schema()), patience, async || {
        let status = appctl(&db.ctl(paths), "cluster/status", &[db.schema()]).await?;
        let says = |line: &str| status.lines().any(|seen| seen == line);
        if says("Status: cluster member") && !says("Leader: unknown") {
            return Ok(());
        }
        let seen = status.lines().filter(|line| line.starts_with("Status:") || line.starts_with("Leader:"));
        Err(Error::internal(seen.collect::<Vec<_>>().join(", ")))
    })
    .await
}

/// Lets another server lead if the local one does. A leader that just leaves asks to be removed while there is nobody
/// to do it, and asks again only after the election timer: 16 seconds.
async fn hand_over(ctl: &Path, db: Db) -> Result<()> {
    let status = appctl(ctl, "cluster/status", &[db.schema()]).await?;
    if !status.contains("\nRole: leader\n") {
        return Ok(());
    }
    appctl(ctl, "cluster/failure-test", &["transfer-leadership"]).await?;
    let other_leads = wait_until("another leader", Duration::from_secs(5), async || {
        let status = appctl(ctl, "cluster/status", &[db.schema()]).await?;
        let waiting = status.contains("\nRole: leader\n") || status.contains("\nLeader: unknown\n");
        if waiting { Err(Error::internal("there is none")) } else { Ok(()) }
    });
    // Without one it takes longer, that is all.
    let _ = other_leads.await;
    Ok(())
}

/// Makes the local server leave its cluster, and waits until it has.
pub(crate) async fn leave(paths: &Paths, db: Db, patience: Duration) -> Result<()> {
    let ctl = db.ctl(paths);
    if appctl(&ctl, "cluster/status", &[db.schema()]).await?.matches(" at ssl:").count() == 1 {
        // Nobody is there who could let it go.
        return Ok(());
    }
    hand_over(&ctl, db).await?;
    match appctl(&ctl, "cluster/leave", &[db.schema()]).await {
        // Somebody has asked before, and did not wait for it.
        Err(error) if !error.message.starts_with("already in progress") => return Err(error),
        _ => {}
    }
    wait_until(&format!("{} to leave its cluster", db.schema()), patience, async || {
        match appctl(&ctl, "cluster/status", &[db.schema()]).await {
            Ok(status) if !status.contains("Status: left cluster") => Err(Error::internal("still a member")),
            // A server that has left ends its service of the database.
            _ => Ok(()),
        }
    })
    .await
}

/// Has the cluster use another election timer; only the server that leads can.
pub(crate) async fn change_timer(paths: &Paths, db: Db, milliseconds: &str) -> Result<()> {
    appctl(&db.ctl(paths), "cluster/change-election-timer", &[db.schema(), milliseconds]).await.map(drop)
}

/// Throws a dead member's server out of the cluster, and waits until it is.
pub(crate) async fn kick(paths: &Paths, db: Db, ip: std::net::IpAddr) -> Result<()> {
    let server = format!("ssl:{}:{}", crate::address::bracketed(ip), db.raft_port());
    let ctl = db.ctl(paths);
    appctl(&ctl, "cluster/kick", &[db.schema(), &server]).await?;
    wait_until(&format!("{server} to be out of {}", db.schema()), Duration::from_secs(10), async || {
        let status = appctl(&ctl, "cluster/status", &[db.schema()]).await?;
        let stays = status.contains(&format!(" at {server})"));
        if stays { Err(Error::internal("it still is in the cluster")) } else { Ok(()) }
    })
    .await
}
