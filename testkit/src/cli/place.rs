//! Where the cells of a tier would go, where LXD is a cluster of hosts.

use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use super::Failure;
use super::output::show;
use super::suites::Suite;
use crate::cluster::{self, CLUSTER_MEMORY};
use crate::config::Config;
use crate::host;
use crate::placement::{Place, schedule};

/// What would be on one member.
#[derive(Debug, Serialize)]
struct Row {
    lxd_member: String,
    turns: usize,
    /// In the order in which they would begin.
    suites: Vec<String>,
    /// When the last of them would end, in seconds.
    seconds: u64,
}

/// Shows where these suites would go on the cluster as it is now, forming none.
pub(super) async fn place(config: &Config, suites: &[Suite], json: bool) -> Result<ExitCode, Failure> {
    let client = host::connect(config).await.map_err(Failure::usage)?;
    let places = cluster::places(config, &client).await.map_err(Failure::cluster)?;
    if places.is_empty() {
        let said = if client.is_clustered() {
            "no member of the LXD cluster can be used; `testkit doctor` says what is wrong with each"
        } else {
            "LXD is no cluster: every suite goes to its one host"
        };
        return Err(Failure::Usage(said.to_owned()));
    }
    let rows = rows(&places, suites, config);
    if json {
        return show(&serde_json::to_string_pretty(&rows).map_err(Failure::usage)?);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["LXD member", "turns", "until s", "suites"]);
    for row in rows {
        table.add_row([row.lxd_member, row.turns.to_string(), row.seconds.to_string(), row.suites.join(" ")]);
    }
    show(&table.to_string())
}

fn rows(places: &[Place], suites: &[Suite], config: &Config) -> Vec<Row> {
    let costs: Vec<u64> = suites.iter().map(|suite| suite.cost(&config.out_dir)).collect();
    let all = schedule(&costs, CLUSTER_MEMORY, places, 0);
    let row = |(number, place): (usize, &Place)| {
        let stays = || all.stays.iter().filter(move |stay| stay.place == number);
        Row {
            lxd_member: place.name.clone(),
            turns: place.turns,
            suites: stays().map(|stay| suites[stay.cell].name().to_owned()).collect(),
            seconds: stays().map(|stay| stay.ended).max().unwrap_or_default().div_ceil(1000),
        }
    };
    (0..).zip(places).map(row).collect()
}
