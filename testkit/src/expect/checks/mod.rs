//! The checks, one a file.

mod certificates;
mod connection_strings;
mod daemon_arguments;
mod datapath;
mod encap_route;
mod healthy;
mod members;
mod mutual_tls;
mod nb_clustered;
mod ovn_remote;
mod ovs_encap_ip;
mod ovs_encap_type;
mod plugs;
mod raft;
mod sb_chassis;
mod sb_clustered;
mod sb_encap;
mod services;
mod since;
mod system_id;
mod tunnels;

use super::Check;
use crate::plan::State;

/// Every check that judges an observation, from the outside in: members and services first, tunnels last.
pub const CHECKS: &[Check] = &[
    members::CHECK,
    services::CHECK,
    plugs::CHECK,
    daemon_arguments::CHECK,
    healthy::CHECK,
    nb_clustered::CHECK,
    sb_clustered::CHECK,
    mutual_tls::CHECK,
    connection_strings::CHECK,
    ovn_remote::CHECK,
    ovs_encap_ip::CHECK,
    ovs_encap_type::CHECK,
    system_id::CHECK,
    sb_chassis::CHECK,
    sb_encap::CHECK,
    datapath::CHECK,
    tunnels::CHECK,
    encap_route::CHECK,
    certificates::CHECK,
    since::PROCESSES,
    since::CERTIFICATES,
    since::DATABASES,
];

/// The ports on which clients reach the databases. Recorded: `ovn.env` of every cluster.
const NORTHBOUND_PORT: u16 = 6641;
const SOUTHBOUND_PORT: u16 = 6642;

/// A list in one line, sorted, so that two lists of the same elements print equally.
fn sorted(items: impl IntoIterator<Item = impl ToString>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.sort();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// For a check that every cell can have.
fn everywhere(_: &State) -> bool {
    true
}
