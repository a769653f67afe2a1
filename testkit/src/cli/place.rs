//! Where the cells of a tier would go, where LXD is a cluster of hosts.

use std::collections::BTreeMap;
use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use super::Failure;
use super::output::show;
use super::suites::Suite;
use crate::cluster::{self, CLUSTER_MEMORY, Joint};
use crate::config::Config;
use crate::host;
use crate::placement::{Place, Schedule, Stay, schedule, spread};

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

/// Which member each member of one suite would be on.
#[derive(Debug, Serialize)]
struct Seats {
    suite: String,
    /// By the members of the suite.
    lxd_members: BTreeMap<String, String>,
}

/// What is said where members of a cell are on several hosts.
pub(super) fn told(joint: &Joint) -> String {
    format!("members of a cell are on different LXD members, joined by {joint}")
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
    if config.spread {
        let joint = cluster::joint(config, &client).await.map_err(Failure::cluster)?;
        let seats = seats(&places, suites, config);
        return show(&if json {
            serde_json::to_string_pretty(&seats).map_err(Failure::usage)?
        } else {
            format!("{}\n{}", told(&joint), table_of(&seats))
        });
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

/// In the order in which they would begin.
fn seats(places: &[Place], suites: &[Suite], config: &Config) -> Vec<Seats> {
    let hosts: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    let seats = |stay: &Stay| {
        let members = &suites[stay.cell].plan.state.members;
        let on = spread(&hosts, hosts[stay.place], members.len());
        let lxd_members = members.iter().zip(on).map(|(member, host)| (member.name.clone(), host.to_owned()));
        Seats { suite: suites[stay.cell].name().to_owned(), lxd_members: lxd_members.collect() }
    };
    laid_out(places, suites, config).stays.iter().map(seats).collect()
}

fn table_of(seats: &[Seats]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["suite", "its members on"]);
    for Seats { suite, lxd_members } in seats {
        let on: Vec<String> = lxd_members.iter().map(|(member, host)| format!("{member}={host}")).collect();
        table.add_row([suite.clone(), on.join(" ")]);
    }
    table
}

fn laid_out(places: &[Place], suites: &[Suite], config: &Config) -> Schedule {
    let costs: Vec<u64> = suites.iter().map(|suite| suite.cost(&config.out_dir)).collect();
    schedule(&costs, CLUSTER_MEMORY, places, 0)
}

fn rows(places: &[Place], suites: &[Suite], config: &Config) -> Vec<Row> {
    let all = laid_out(places, suites, config);
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
