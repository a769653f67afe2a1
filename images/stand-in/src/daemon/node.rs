//! This server: whether it is a member, and how members agree.
//!
//! Every member holds the whole record of the cluster. The first member in the list that answers makes the changes,
//! one at a time, and hands the new record to the others; the higher version is right. That is much less than RAFT,
//! and enough for members that are started by a test.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{Context, Error, Result};
use crate::faults::{self, Fault};
use crate::http;
use crate::ovn::services;
use crate::paths::Paths;
use crate::tls::{self, Identity};

use super::cluster::{Change, Cluster, Member};

/// How long a member may take to accept a connection when somebody waits to hear why it does not. A host that is gone
/// is reported by the kernel within this time.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long a member may take to accept a connection when it can be done without.
const CONNECT_BRIEFLY: Duration = Duration::from_secs(2);
/// How long a member may take to answer; it may restart services meanwhile.
const ANSWER: Duration = Duration::from_secs(60);

/// This server.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where its files are.
    pub(crate) paths: Paths,
    /// The certificate it shows to others.
    pub(crate) identity: RwLock<Identity>,
    phase: RwLock<Phase>,
    /// Held while this member makes a change for all.
    leading: tokio::sync::Mutex<()>,
    /// Held while this member's services are being changed.
    pub(crate) working: tokio::sync::Mutex<()>,
    /// Whether the daemon was a member already when it started.
    restarted: AtomicBool,
}

/// Whether this server is a member.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// Not yet.
    Out,
    /// Never again until the daemon is restarted: `seen` says whether anybody has noticed.
    Wedged {
        /// A second attempt was made.
        seen: bool,
    },
    /// It was removed while it was away, and does not get over it.
    Removed,
    /// Yes.
    In(Arc<Membership>),
}

/// This server as a member.
#[derive(Debug)]
pub(crate) struct Membership {
    /// Its name.
    pub(crate) name: String,
    /// What all members share.
    pub(crate) shared: Identity,
    /// The record of the cluster.
    cluster: RwLock<Cluster>,
    /// When the member that leads was last heard.
    pub(crate) leader_heard: Mutex<Option<Instant>>,
    /// What runs for this membership only.
    pub(crate) tasks: Mutex<Vec<tokio::task::AbortHandle>>,
}

impl Membership {
    /// A membership with a first record of the cluster.
    pub(crate) fn new(name: String, shared: Identity, cluster: Cluster) -> Self {
        Self {
            name,
            shared,
            cluster: RwLock::new(cluster),
            leader_heard: Mutex::new(None),
            tasks: Mutex::new(Vec::new()),
        }
    }

    /// The record of the cluster as this member knows it.
    pub(crate) fn cluster(&self) -> Cluster {
        self.cluster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This member's own entry.
    pub(crate) fn own(&self) -> Result<Member> {
        self.cluster().get(&self.name).cloned()
    }

    fn fingerprint(&self) -> String {
        tls::fingerprint_of_pem(&self.shared.certificate).unwrap_or_default()
    }
}

impl Node {
    /// A server that is no member.
    pub(crate) fn new(paths: Paths, identity: Identity) -> Self {
        Self {
            paths,
            identity: RwLock::new(identity),
            phase: RwLock::new(Phase::Out),
            leading: tokio::sync::Mutex::default(),
            working: tokio::sync::Mutex::default(),
            restarted: AtomicBool::new(false),
        }
    }

    /// Whether this server is a member.
    pub(crate) fn phase(&self) -> Phase {
        self.phase.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says whether this server is a member.
    pub(crate) fn set_phase(&self, phase: Phase) {
        *self.phase.write().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// The certificate and key this server shows to others.
    pub(crate) fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This server as a member.
    ///
    /// # Errors
    ///
    /// It is none; the text is the one the REST API answers with.
    pub(crate) fn membership(&self) -> Result<Arc<Membership>> {
        match self.phase() {
            Phase::In(membership) => Ok(membership),
            Phase::Removed => Err(Error::new(503, "Database is still starting")),
            Phase::Wedged { seen: true } => Err(Error::new(503, "Database is offline")),
            _ => Err(Error::new(503, "Database is not yet initialized")),
        }
    }

    /// # Errors
    ///
    /// This server is a member, or was one and does not know that it is none any more.
    pub(crate) fn require_no_member(&self) -> Result<()> {
        let state = match self.phase() {
            Phase::In(_) => "online",
            Phase::Removed => "still starting",
            _ => return Ok(()),
        };
        Err(Error::internal(format!("Unable to initialize cluster: Database is {state}")))
    }

    /// Notes that the daemon was a member already when it started.
    pub(crate) fn set_restarted(&self) {
        self.restarted.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon was a member already when it started.
    pub(crate) fn restarted(&self) -> bool {
        self.restarted.load(Ordering::Relaxed)
    }

    /// Asks another member.
    ///
    /// # Errors
    ///
    /// Status 502 when it cannot be reached; otherwise what it answered.
    pub(crate) async fn ask(&self, to: &Member, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        self.ask_within(CONNECT, to, method, path, body).await
    }

    /// Asks another member that may well be gone.
    pub(crate) async fn ask_briefly(
        &self,
        to: &Member,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        self.ask_within(CONNECT_BRIEFLY, to, method, path, body).await
    }

    async fn ask_within(
        &self,
        connect: Duration,
        to: &Member,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let membership = self.membership()?;
        let unreachable = |error: Error| Error::new(502, error.message);
        let (identity, fingerprint) = (self.identity(), membership.fingerprint());
        let stream = tls::connect(to.address, &identity, &fingerprint, connect).await.map_err(unreachable)?;
        match tokio::time::timeout(ANSWER, http::request(stream, method, path, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(502, format!("\"{}\" does not answer", to.address))),
        }
    }

    /// The names of the members that can be reached now.
    pub(crate) async fn reachable(&self) -> Result<Vec<String>> {
        let membership = self.membership()?;
        let cluster = membership.cluster();
        let probes = cluster.members.iter().map(async |member| {
            let is_self = member.name == membership.name;
            let reached = is_self || self.ask_briefly(member, Method::GET, "/core/1.0/ready", None).await.is_ok();
            reached.then(|| member.name.clone())
        });
        Ok(join_all(probes).await.into_iter().flatten().collect())
    }

    /// Has a change made, by whoever makes changes now.
    ///
    /// # Errors
    ///
    /// The change is not possible, or too few members are there to agree.
    pub(crate) async fn commit(&self, change: Change) -> Result<Value> {
        let membership = self.membership()?;
        let body = serde_json::to_value(&change)?;
        for member in &membership.cluster().members {
            if member.name == membership.name {
                return self.lead(change).await;
            }
            match self.ask_briefly(member, Method::POST, "/core/internal/change", Some(&body)).await {
                Err(error) if error.code == 502 => {}
                outcome => return outcome,
            }
        }
        self.lead(change).await
    }

    /// Makes a change and hands the new record to all others.
    pub(crate) async fn lead(&self, change: Change) -> Result<Value> {
        let _guard = self.leading.lock().await;
        let membership = self.membership()?;
        let before = membership.cluster();
        let mut cluster = before.clone();
        let reply = cluster.apply(change, Timestamp::now())?;
        let record = json!(cluster);
        let handed = join_all(before.members.iter().map(async |member| {
            if member.name == membership.name || cluster.find(&member.name).is_none() {
                return Some(member.name.clone());
            }
            // A member that is still being formed gets the record when it is done.
            let handed = self.ask_briefly(member, Method::POST, "/core/internal/state", Some(&record)).await;
            handed.is_ok().then(|| member.name.clone())
        }));
        let (kept, handed) = tokio::join!(self.adopt(cluster.clone()), handed);
        kept?;
        let handed: Vec<String> = handed.into_iter().flatten().collect();
        if !before.has_quorum(&handed) {
            return Err(no_quorum());
        }
        Ok(reply)
    }

    /// Takes over a record of the cluster if it is newer, and tells the services what it means for them.
    pub(crate) async fn adopt(&self, cluster: Cluster) -> Result<()> {
        let membership = self.membership()?;
        let (before, after) = (membership.cluster(), cluster.clone());
        {
            let mut known = membership.cluster.write().unwrap_or_else(PoisonError::into_inner);
            if cluster.version <= known.version {
                return Ok(());
            }
            *known = cluster;
            save(&self.paths, &known)?;
        }
        self.follow(has_others(&before, &after, &membership.name)).await?;
        if let Some(own) = after.find(&membership.name) {
            faults::life::follow(&self.paths, &before, &after, own).await;
        }
        Ok(())
    }

    /// Brings this member's services up to the record, unless they are just being formed. ovn-northd is told where members
    /// came or `moved` away, too.
    async fn follow(&self, moved: bool) -> Result<()> {
        let membership = self.membership()?;
        if !membership.own().is_ok_and(|own| own.ready) {
            return Ok(());
        }
        let _guard = self.working.lock().await;
        let (own, cluster) = (membership.own()?, membership.cluster());
        let env = cluster.env_of(&own);
        let elsewhere = cluster.centrals() == 0 && !env.centrals.is_empty();
        if elsewhere && faults::plays(&self.paths, Fault::CentralIpsNotHeard) {
            return Ok(());
        }
        if let Err(error) = services::follow(&self.paths, &own.services, &env, moved).await {
            // The next change tries again; the one at hand must not fail for it.
            complain!("failed to update the services of this member: {error}");
        }
        Ok(())
    }
}

/// Whether others are members after than before, as far as they are formed, seen by one that is among them.
fn has_others(before: &Cluster, after: &Cluster, own: &str) -> bool {
    let formed = |cluster: &Cluster| -> BTreeSet<String> {
        cluster.members.iter().filter(|member| member.ready).map(|member| member.name.clone()).collect()
    };
    let (before, after) = (formed(before), formed(after));
    before.contains(own) && before != after
}

/// The error of a cluster that has lost its majority.
pub(crate) fn no_quorum() -> Error {
    Error::internal(
        "Failed to begin transaction: failed to create dqlite connection: no available dqlite leader server found",
    )
}

/// Writes the record, and the members as the trust store has them.
pub(crate) fn save(paths: &Paths, cluster: &Cluster) -> Result<()> {
    let text = serde_json::to_string(cluster)?;
    tls::write_file(&paths.database(), &text, 0o600).context("failed to write the database")?;
    let store = paths.state.join("truststore");
    let mut expected = Vec::new();
    for member in &cluster.members {
        let file = store.join(format!("{}.yaml", member.name));
        if !file.exists() {
            let certificate: String = member.certificate.lines().map(|line| format!("  {line}\n")).collect();
            let text = format!("name: {}\naddress: {}\ncertificate: |\n{certificate}", member.name, member.address);
            tls::write_file(&file, &text, 0o644).context("failed to write the trust store")?;
        }
        expected.push(file);
    }
    for entry in std::fs::read_dir(&store)?.flatten() {
        if !expected.contains(&entry.path()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_removed_while_away_says_so_as_recorded() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let paths = Paths { state: dir.path().into(), common: dir.path().into(), snap: dir.path().into() };
        let node = Node::new(paths, Identity::generate("real-1").expect("an identity"));
        assert_eq!(node.require_no_member(), Ok(()));
        node.set_phase(Phase::Removed);
        for (error, text) in [
            (node.membership().map(drop), include_str!("../../tests/fixtures/305-started-again-list.txt")),
            (node.require_no_member(), include_str!("../../tests/fixtures/306-removed-central-back-join.txt")),
        ] {
            let error = error.expect_err("it is none");
            assert!(text.ends_with(&format!("Error: {error}\n")), "{error}");
        }
    }
}
