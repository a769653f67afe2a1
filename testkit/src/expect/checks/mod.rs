//! The checks, one a file.

mod certificates;
mod connection_strings;
mod daemon_arguments;
mod datapath;
mod east_west;
mod encap_route;
mod failover;
mod geneve;
mod healthy;
mod isolated;
mod members;
mod microovn_told;
mod mtu;
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
mod underlay_only;

use super::{Check, MemberObservation, Observation, Reading, VerdictBuilder};
use crate::ovn::{Southbound, Switch};
use crate::packets::{Ping, Traffic, Wire};
use crate::plan::{Burst, Member, Process, Service, State, Trial};

/// Every check that judges an observation, from the outside in: members and services first, tunnels last.
pub const CHECKS: &[Check] = &[
    members::CHECK,
    microovn_told::CHECK,
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
    east_west::CHECK,
    underlay_only::CHECK,
    geneve::CHECK,
    mtu::CHECK,
    isolated::CHECK,
    failover::CHECK,
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

/// What became of echo requests that were sent from every endpoint for one of these trials, compared one by one: what is wanted
/// and seen of those of a burst to one address.
fn pings(
    state: &State,
    observation: &Observation,
    trials: &[Trial],
    verdict: &mut VerdictBuilder,
    compare: impl Fn(&Burst, &Ping) -> (String, String),
) {
    for member in state.talkers() {
        for burst in state.bursts(member).iter().filter(|burst| trials.contains(&burst.trial)) {
            let reading: fn(&MemberObservation) -> &Reading<Traffic> = match burst.trial {
                Trial::TooLarge => |seen| &seen.large_packets,
                _ => |seen| &seen.traffic,
            };
            let traffic = match observation.get(&member.name, reading) {
                Ok(traffic) => traffic,
                Err(reason) => {
                    // Of one reading are all that follow.
                    verdict.unread(&member.name, "packets", reason);
                    break;
                }
            };
            let (from, family) = (burst.from.to_string(), if burst.is_ipv6() { "ipv6" } else { "ipv4" });
            for (peer, address) in &burst.to {
                let column = format!("{family} to {peer} ({address}), {} bytes", burst.size());
                let is = |ping: &&Ping| ping.from == from && ping.payload == burst.payload && ping.to == *address;
                let (wanted, seen) = match traffic.pings.iter().find(is).filter(|ping| ping.sent > 0) {
                    Some(ping) => compare(burst, ping),
                    None => ("packets that are sent".to_owned(), "nothing was sent".to_owned()),
                };
                verdict.compare(&member.name, &format!("ping {from}"), &column, wanted, seen);
            }
        }
    }
}

/// What went over each NIC of every member that sends and hears, with whether it is the one to the tunnels' endpoints.
fn wires(
    state: &State,
    observation: &Observation,
    verdict: &mut VerdictBuilder,
    mut judge: impl FnMut(&Member, bool, &Wire, &mut VerdictBuilder),
) {
    for member in state.talkers() {
        let traffic = match observation.get(&member.name, |seen| &seen.traffic) {
            Ok(traffic) => traffic,
            Err(reason) => {
                verdict.unread(&member.name, "packets", reason);
                continue;
            }
        };
        let planned = member.wire().map(|nic| nic.device.as_str());
        for nic in &member.nics {
            match traffic.find_wire(&nic.device) {
                Some(wire) => judge(member, planned == Some(nic.device.as_str()), wire, verdict),
                None => drop(verdict.unread(&member.name, &format!("geneve on {}", nic.device), "nobody looked there")),
            }
        }
    }
}

/// The members whose tunnels a member has.
fn others<'a>(state: &'a State, member: &'a Member) -> impl Iterator<Item = &'a Member> {
    state.talkers().filter(|peer| peer.name != member.name)
}
