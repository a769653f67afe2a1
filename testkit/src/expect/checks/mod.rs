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
mod remains;
mod sb_chassis;
mod sb_clustered;
mod sb_encap;
mod schemas;
mod services;
mod since;
mod snap_version;
mod system_id;
mod tunnels;

use super::{Check, Observation, Reading, VerdictBuilder};
use crate::ovn::{Southbound, Switch};
use crate::plan::{Member, Process, Service, State};

/// Every check that judges an observation, from the outside in: members and services first, tunnels last.
pub const CHECKS: &[Check] = &[
    members::CHECK,
    snap_version::CHECK,
    services::CHECK,
    plugs::CHECK,
    remains::CHECK,
    daemon_arguments::CHECK,
    healthy::CHECK,
    nb_clustered::CHECK,
    sb_clustered::CHECK,
    schemas::CHECK,
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

/// Judges a reading of what nobody should be able to read: the command ends with an error of its own. `seen` is what was read, or
/// why nothing was.
fn nobody_answers(
    verdict: &mut VerdictBuilder,
    member: &str,
    table: &str,
    column: &str,
    seen: Result<impl std::fmt::Display, String>,
) {
    let (holds, seen) = match seen {
        Ok(seen) => (false, seen.to_string()),
        Err(reason) => (reason.contains("` exited with "), reason),
    };
    verdict.judge(holds, member, table, column, "no answer, and an error", seen, None);
}

/// For a check that every cell can have.
fn everywhere(_: &State) -> bool {
    true
}

/// Where there are database servers to be asked.
fn with_centrals(state: &State) -> bool {
    state.online_with(Service::Central).next().is_some()
}

/// Where there are chassis to be asked.
fn with_chassis(state: &State) -> bool {
    state.online_with(Service::Chassis).next().is_some()
}

/// The Southbound as a member sees it, for a check to go on with. Where no majority of its servers is up, what is compared is
/// that nobody answers.
fn southbound<'a>(
    state: &State,
    observation: &'a Observation,
    member: &Member,
    table: &str,
    verdict: &mut VerdictBuilder,
) -> Option<&'a Southbound> {
    let reading = observation.find(&member.name).map(|seen| &seen.southbound);
    answer(reading, state.has_quorum(), member, table, verdict)
}

/// The local switch of a member, for a check to go on with. Where its service is off, or its database was killed, what is
/// compared is that nobody answers.
fn switch<'a>(
    observation: &'a Observation,
    member: &Member,
    table: &str,
    verdict: &mut VerdictBuilder,
) -> Option<&'a Switch> {
    let reading = observation.find(&member.name).map(|seen| &seen.switch);
    let answers = member.lives(Process::SwitchDatabase);
    answer(reading, answers, member, table, verdict)
}

/// What a database said that `answers`; of one that does not, that it was asked in vain.
fn answer<'a, T>(
    reading: Option<&'a Reading<T>>,
    answers: bool,
    member: &Member,
    table: &str,
    verdict: &mut VerdictBuilder,
) -> Option<&'a T> {
    match (reading.unwrap_or(&Reading::NotRead), answers) {
        (Reading::Seen(seen), true) => return Some(seen),
        (Reading::Seen(_), false) => {
            verdict.judge(false, &member.name, table, "(all)", "no answer", "an answer", None);
        }
        (Reading::Failed(reason), false) => {
            verdict.judge(true, &member.name, table, "(all)", "no answer", reason, None);
        }
        (unread, _) => drop(unread.get().map_err(|reason| verdict.unread(&member.name, table, reason))),
    }
    None
}
