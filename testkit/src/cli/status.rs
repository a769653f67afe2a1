//! What is up: runs, cells, nodes.

use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use futures_util::future::join_all;
use jiff::{RoundMode, SpanRound, Timestamp, Unit};
use serde::Serialize;

use super::Failure;
use super::output::{self, Format, complain};
use crate::config::Config;
use crate::host;
use crate::lxd::{AddressScope, Client, Instance};
use crate::session::{Tags, key};

/// One node, as it is shown.
#[derive(Debug, Serialize)]
struct Node {
    run: String,
    cell: String,
    node: String,
    instance: String,
    /// The member of the LXD cluster that it is on; absent where LXD is no cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    lxd_member: Option<String>,
    /// As LXD has it: `Running`.
    state: String,
    /// What will become of it: its runner is `running`, has `ended`, is `elsewhere`, or it is `kept`.
    runner: &'static str,
    /// `eth0 10.0.0.2 fd42::2`, an interface each.
    addresses: Vec<String>,
    /// When it was made.
    created: Option<Timestamp>,
    /// Bytes in use.
    memory: Option<u64>,
}

impl Node {
    /// `None` for an instance that is none of a run's.
    async fn find(client: &Client, instance: &Instance) -> Option<Self> {
        let tags = Tags::find(&instance.config)?;
        let runner = match (instance.config.contains_key(key::KEEP), tags.runner.is_alive()) {
            (true, _) => "kept",
            (false, Some(true)) => "running",
            (false, Some(false)) => "ended",
            (false, None) => "elsewhere",
        };
        // One that goes meanwhile is shown as it was listed.
        let state = client.get_instance_state(&instance.name).await.ok();
        let global = |(name, interface): (&String, &crate::lxd::Interface)| {
            let of_scope = interface.addresses.iter().filter(|address| address.scope == AddressScope::Global);
            let texts: Vec<String> = of_scope.map(|address| address.address.to_string()).collect();
            (!texts.is_empty()).then(|| format!("{name} {}", texts.join(" ")))
        };
        Some(Self {
            run: tags.run.to_string(),
            cell: tags.cell,
            node: tags.node,
            instance: instance.name.clone(),
            lxd_member: client.is_clustered().then(|| instance.location.clone()),
            state: instance.status.clone(),
            runner,
            addresses: state.iter().flat_map(|state| state.network.iter().filter_map(global)).collect(),
            created: instance.created_at.parse().ok(),
            memory: state.and_then(|state| u64::try_from(state.memory.usage).ok()).filter(|bytes| *bytes > 0),
        })
    }

    fn row(&self, now: Timestamp) -> Vec<String> {
        let absent = || "-".to_owned();
        let mut row = vec![self.run.clone(), self.cell.clone(), self.node.clone()];
        row.extend(self.lxd_member.clone());
        row.extend([
            self.state.clone(),
            self.runner.to_owned(),
            self.created.map_or_else(absent, |created| age(created, now)),
            self.memory.map_or_else(absent, |bytes| format!("{} MiB", bytes >> 20)),
            self.addresses.join("\n"),
        ]);
        row
    }
}

/// How long ago, to the second: `1h 2m 5s`. A moment to come, which a clock that was set back makes of the past, is now.
fn age(created: Timestamp, now: Timestamp) -> String {
    let created = created.min(now);
    let rounding = SpanRound::new().smallest(Unit::Second).largest(Unit::Hour).mode(RoundMode::Trunc);
    now.since(created).and_then(|span| span.round(rounding)).map_or_else(|_| "-".to_owned(), |span| format!("{span:#}"))
}

/// Shows every instance of a run.
pub(super) async fn status(config: &Config, format: Format) -> Result<ExitCode, Failure> {
    let client = host::connect(config).await.map_err(Failure::usage)?;
    let mut instances = client.list_instances(None).await.map_err(Failure::usage)?;
    instances.sort_by(|a, b| a.name.cmp(&b.name));
    // What is on a member that is away LXD lists without its tags, so nobody can say whose it is.
    if client.is_clustered() {
        let members = client.list_cluster_members().await.map_err(Failure::usage)?;
        for member in members.iter().filter(|member| !member.is_online()) {
            let there = instances.iter().filter(|instance| instance.location == member.name).count();
            complain!("note: LXD member {}; of its {there} instances is not known whose they are", member.told());
        }
    }
    let nodes: Vec<Node> =
        join_all(instances.iter().map(|instance| Node::find(&client, instance))).await.into_iter().flatten().collect();
    match format {
        Format::Json => output::show(&serde_json::to_string_pretty(&nodes).map_err(Failure::usage)?),
        Format::Table if nodes.is_empty() => output::show("no clusters"),
        Format::Table => {
            let mut table = Table::new();
            let mut header = vec!["run", "cell", "node", "state", "runner", "age", "memory", "addresses"];
            if client.is_clustered() {
                header.insert(3, "on");
            }
            table.load_style(NOTHING).set_header(header);
            let now = Timestamp::now();
            table.add_rows(nodes.iter().map(|node| node.row(now)));
            output::show(&table.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_to_the_second() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2026-03-01T12:00:05.7Z");
        assert_eq!(age(at("2026-03-01T11:58:00Z"), now), "2m 5s");
        assert_eq!(age(at("2026-02-28T11:00:00Z"), now), "25h 5s");
        assert_eq!(age(at("2026-03-01T14:00:00Z"), now), "0s");
    }
}
