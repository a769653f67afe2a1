//! Removing what a run made: by its tags, checked against its ledger.

mod late;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Kind, Ledger, LedgerError, Process, RunId, Tags, key};
use crate::lxd::{self, Client, ClusterMember, Instance, Operation};
use crate::wait::{self, Pace, Poll, WaitError};

pub use late::{sweep_late, sweep_undone};

/// How long LXD gets to finish what it was doing for a dead run and to delete all of it.
const PACE: Pace = Pace::new(120, 150);
/// How long one deletion gets.
const DELETE: Duration = Duration::from_secs(60);

/// What is to be removed.
#[derive(Debug, Clone)]
pub enum Target {
    /// Everything that the tests of one runner made and that is not kept on purpose.
    Runner(Process),
    /// Everything of one cell of a run that is not kept on purpose.
    Cell(RunId, String),
    /// Everything of runs whose runner has ended.
    Abandoned,
    /// The kept cluster of one cell.
    Kept(String),
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Instance names.
    pub instances: BTreeSet<String>,
    /// Network names.
    pub networks: BTreeSet<String>,
    /// What could not be removed because a member of the LXD cluster is away.
    pub later: Option<Later>,
}

/// What waits for members of an LXD cluster to be back. What is on one that is away LXD lists without its tags, and it removes
/// no network meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// What LXD says of each member that is away.
    pub away: Vec<String>,
    /// Instances that are there, whoever they are of.
    pub instances: usize,
    /// Networks that stay until then.
    pub networks: BTreeSet<String>,
}

impl Swept {
    /// Whether there was nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.networks.is_empty() && self.later.is_none()
    }
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} instances and {} networks", self.instances.len(), self.networks.len())?;
        self.later.as_ref().map_or(Ok(()), |later| write!(f, "; {later}"))
    }
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { away, instances, networks } = self;
        let networks = networks.len();
        write!(
            f,
            "LXD member {}: what is left on it, of its {instances} instances, and {networks} networks go with the next sweep \
             once it is back",
            away.join(", ")
        )
    }
}

/// A sweep that could not finish.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// LXD could not be asked.
    #[error("failed to look for what is left of a run")]
    Lxd(#[source] lxd::Error),
    /// LXD could not be reached.
    #[error("failed to reach LXD")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Something did not go away.
    #[error("{0}; `testkit sweep` tries again")]
    Remains(String),
}

impl Target {
    fn matches(&self, config: &BTreeMap<String, String>, now: Timestamp) -> bool {
        let Some(tags) = Tags::find(config) else { return false };
        // Until a moment where it is one, else until somebody removes it.
        let kept =
            config.get(key::KEEP).is_some_and(|until| until.parse().map_or(true, |until: Timestamp| now < until));
        match self {
            Self::Runner(runner) => tags.runner == *runner && !kept,
            Self::Cell(run, cell) => tags.run == *run && tags.cell == *cell && !kept,
            Self::Abandoned => !kept && tags.is_abandoned(now),
            Self::Kept(cell) => config.contains_key(key::KEEP) && tags.cell == *cell,
        }
    }
}

/// Removes everything that matches, and returns when LXD shows none of it and does nothing for it any more.
///
/// With a ledger, an operation that is still making an object named there is waited for first: its maker may be
/// dead, but LXD goes on.
///
/// # Errors
/// When LXD or the ledger cannot be read, or something remains after two minutes; then it says what and why.
pub async fn sweep(client: &Client, target: &Target, ledger: Option<&Ledger>) -> Result<Swept, SweepError> {
    let intended: BTreeSet<String> = match ledger {
        Some(ledger) => {
            ledger.read()?.into_iter().filter(|made| made.kind == Kind::Instance).map(|made| made.name).collect()
        }
        None => BTreeSet::new(),
    };
    let swept = std::sync::Mutex::new(Swept::default());
    let emptied = wait::until("everything of the run to be gone", PACE, async || {
        match round(client, target, &intended, &swept).await {
            Ok(None) => Poll::Ready(()),
            Ok(Some(remains)) => Poll::NotYet(remains),
            // LXD may be restarting, or a member of its cluster may have gone and not be missed yet; the deadline bounds it.
            Err(error) if error.is_unreachable() || client.is_clustered() => Poll::NotYet(error.to_string()),
            Err(error) => Poll::Failed(error),
        }
    });
    match emptied.await {
        Ok(()) => Ok(swept.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
        Err(WaitError::Failed { source, .. }) => Err(SweepError::Lxd(source)),
        Err(late @ WaitError::Deadline { .. }) => Err(SweepError::Remains(late.to_string())),
    }
}

/// One look and one attempt. `None` when nothing is left.
async fn round(
    client: &Client,
    target: &Target,
    intended: &BTreeSet<String>,
    swept: &std::sync::Mutex<Swept>,
) -> Result<Option<String>, lxd::Error> {
    // Operations first: one that ends after this look has left its object for the look below.
    let busy = if intended.is_empty() { Vec::new() } else { busy_with(client, intended).await? };
    let now = Timestamp::now();
    let instances = client.list_instances(None).await?;
    let mut later = missing(client, &instances).await?;
    let (instances, others): (Vec<_>, Vec<_>) =
        instances.into_iter().partition(|instance| target.matches(&instance.config, now));
    let instances: Vec<String> = instances.into_iter().map(|instance| instance.name).collect();
    let mut networks: Vec<String> = client
        .list_networks()
        .await?
        .into_iter()
        .filter(|network| target.matches(&network.config, now))
        .map(|network| network.name)
        .collect();
    if matches!(target, Target::Kept(_)) {
        let shared = shared(&networks, &others);
        for (network, cell) in &shared {
            client.patch_network(network, [(key::CELL.to_owned(), cell.clone())].into()).await?;
        }
        networks.retain(|network| !shared.contains_key(network));
    }
    if let Some(later) = &mut later {
        // LXD would refuse each, after it had removed some of it.
        later.networks.extend(networks.drain(..));
    }
    if instances.is_empty() && networks.is_empty() {
        if let Ok(mut swept) = swept.lock() {
            swept.later = later;
        }
        return Ok((!busy.is_empty()).then(|| format!("LXD still works on {}", busy.join(", "))));
    }
    let mut remains = Vec::new();
    let deletions = instances.iter().map(|name| client.delete_instance_forced(name, DELETE));
    for (name, result) in instances.iter().zip(join_all(deletions).await) {
        match result {
            Ok(()) => drop(swept.lock().map(|mut swept| swept.instances.insert(name.clone()))),
            Err(error) => remains.push(format!("instance {name:?}: {}", chain(&error))),
        }
    }
    for name in &networks {
        match client.delete_network(name).await {
            Ok(()) => drop(swept.lock().map(|mut swept| swept.networks.insert(name.clone()))),
            Err(error) => remains.push(format!("network {name:?}: {}", chain(&error))),
        }
    }
    // Even after a clean round the next look decides, since LXD may have finished making something meanwhile.
    Ok(Some(if remains.is_empty() { "deleting".to_owned() } else { remains.join("; ") }))
}

/// Of these networks, those that another kept cluster is on, too, and whose they are from now on: in an LXD cluster two kept
/// clusters on different members may have the same lane.
fn shared(networks: &[String], others: &[Instance]) -> BTreeMap<String, String> {
    let kept = others.iter().filter(|other| other.config.contains_key(key::KEEP));
    let nics = kept.filter_map(|other| Some((Tags::find(&other.config)?.cell, &other.devices)));
    let used = nics.flat_map(|(cell, devices)| {
        devices.values().filter_map(move |nic| Some((nic.get("network")?.clone(), cell.clone())))
    });
    used.filter(|(network, _)| networks.contains(network)).collect()
}

/// What has to wait for members of an LXD cluster that are away, the networks not yet among it; `None` where all are there.
async fn missing(client: &Client, instances: &[Instance]) -> Result<Option<Later>, lxd::Error> {
    if !client.is_clustered() {
        return Ok(None);
    }
    let mut members = client.list_cluster_members().await?;
    members.retain(|member| !member.is_there());
    if members.is_empty() {
        return Ok(None);
    }
    let there = instances.iter().filter(|instance| members.iter().any(|member| member.name == instance.location));
    let away = members.iter().map(ClusterMember::told).collect();
    Ok(Some(Later { away, instances: there.count(), networks: BTreeSet::new() }))
}

/// Instances from `names` that a running task is about. A command that runs in an instance is none: it makes nothing,
/// and LXD lists some whose caller was killed as running for ever.
async fn busy_with(client: &Client, names: &BTreeSet<String>) -> Result<Vec<String>, lxd::Error> {
    Ok(makers(client.list_operations().await?, names))
}

fn makers(operations: Vec<Operation>, names: &BTreeSet<String>) -> Vec<String> {
    operations
        .into_iter()
        .filter(|operation| !operation.is_final() && operation.is_task())
        .flat_map(|operation| operation.instance_names())
        .filter(|name| names.contains(name))
        .collect()
}

/// An error with its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(class: &str, code: u16, instance: &str) -> Operation {
        serde_json::from_value(serde_json::json!({
            "id": "a", "class": class, "status": "", "status_code": code,
            "resources": {"instances": [format!("/1.0/instances/{instance}?project=p")]},
        }))
        .expect("an operation")
    }

    #[test]
    fn what_is_kept_until_a_moment_is_swept_after_it_and_what_is_kept_is_not() {
        use jiff::ToSpan;
        let tags = Tags {
            run: RunId::new("0badcafe".into()).expect("an id"),
            runner: Process { started: 1, ..Process::current() },
            cell: "downscale".into(),
            node: "microovn-downscale-1".into(),
            expires: Timestamp::now(),
        };
        let now = Timestamp::now();
        let soon = now.checked_add(1.hour()).expect("a time");
        let past = now.checked_sub(1.hour()).expect("a time");
        for (keep, abandoned) in [
            (None, true),
            (Some("true".to_owned()), false),
            (Some(soon.to_string()), false),
            (Some(past.to_string()), true),
        ] {
            let mut config = tags.to_config();
            config.extend(keep.clone().map(|until| (key::KEEP.to_owned(), until)));
            assert_eq!(Target::Abandoned.matches(&config, now), abandoned, "{keep:?}");
            assert_eq!(Target::Kept("downscale".into()).matches(&config, now), keep.is_some(), "{keep:?}");
        }
    }

    #[test]
    fn a_bridge_that_another_kept_cluster_is_on_is_that_ones_from_then_on() {
        let other = |cell: &str, kept: bool, network: &str| -> Instance {
            let tags = Tags {
                run: RunId::new("0badcafe".into()).expect("an id"),
                runner: Process::current(),
                cell: cell.into(),
                node: format!("microovn-{cell}-1"),
                expires: Timestamp::now(),
            };
            let mut config = tags.to_config();
            config.extend(kept.then(|| (key::KEEP.to_owned(), "true".to_owned())));
            let devices = serde_json::json!({ "eth0": { "type": "nic", "network": network } });
            let said = serde_json::json!({ "name": cell, "status": "Stopped", "type": "container", "config": config, "devices": devices });
            serde_json::from_value(said).expect("an instance")
        };
        let others = [other("scaleup", true, "tk1m"), other("tls", false, "tk1u"), other("reboot", true, "tk2m")];
        let networks = ["tk1m", "tk1u"].map(str::to_owned);
        let kept = BTreeMap::from([("tk1m".to_owned(), "scaleup".to_owned())]);
        assert_eq!(shared(&networks, &others), kept);
    }

    #[test]
    fn what_waits_for_a_member_is_told_and_is_not_nothing() {
        let later = Later {
            away: vec!["\"c\" is Offline (No heartbeat for 25s)".to_owned()],
            instances: 3,
            networks: ["tk1m".to_owned()].into(),
        };
        let swept = Swept { later: Some(later), ..Swept::default() };
        assert!(!swept.is_empty());
        let said = swept.to_string();
        assert!(said.starts_with("0 instances and 0 networks; LXD member \"c\" is Offline"), "{said}");
        assert!(said.contains("of its 3 instances, and 1 networks go with the next sweep"), "{said}");
    }

    #[test]
    fn only_a_task_that_goes_on_can_still_make_something() {
        let operations = vec![
            operation("task", 103, "ours"),
            operation("task", 200, "done"),
            operation("websocket", 103, "commanded"),
            operation("task", 103, "other"),
        ];
        let names = ["ours", "done", "commanded"].map(str::to_owned).into();
        assert_eq!(makers(operations, &names), ["ours"]);
    }
}
