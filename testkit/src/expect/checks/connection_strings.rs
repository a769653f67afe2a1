//! The databases that a member's services were configured with.

use super::{NORTHBOUND_PORT, SOUTHBOUND_PORT};
use crate::expect::{Check, Observation, Subject, Verdict, VerdictBuilder};
use crate::ovn::{Connection, Connections, parse_host};
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "connection_strings",
    about: "ovn.env on every member, and ovn-northd on every central, name the databases of every central and nothing \
            else",
    reads: &[Subject::Environment],
    applies: super::everywhere,
    judge,
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let wanted = |port| -> Connections {
        state.members_with(Service::Central).map(|central| Connection::ssl(central.address, port)).collect()
    };
    let (northbound, southbound) = (wanted(NORTHBOUND_PORT), wanted(SOUTHBOUND_PORT));
    for member in state.online() {
        match observation.get(&member.name, |seen| &seen.ovn_env) {
            Ok(env) => {
                let table = "ovn.env";
                let find = |name| env.find(name);
                compare(&mut verdict, &member.name, (table, "OVN_NB_CONNECT"), &northbound, find("OVN_NB_CONNECT"));
                compare(&mut verdict, &member.name, (table, "OVN_SB_CONNECT"), &southbound, find("OVN_SB_CONNECT"));
                // IPv6 is in brackets here, unlike in the databases.
                let (column, local) = ("OVN_LOCAL_IP", find("OVN_LOCAL_IP"));
                match local.map(parse_host) {
                    Some(Err(error)) => {
                        let (wanted, note) = (member.address.to_string(), Some(error.to_string()));
                        verdict.judge(false, &member.name, table, column, wanted, local.unwrap_or_default(), note)
                    }
                    parsed => {
                        let text = parsed.and_then(Result::ok).map(|address| address.to_string());
                        verdict.compare_address(state, member, table, column, member.address, text.as_deref())
                    }
                };
            }
            Err(reason) => drop(verdict.unread(&member.name, "ovn.env", reason)),
        }
        if !member.runs(Service::Central) {
            continue;
        }
        match observation.get(&member.name, |seen| &seen.northd) {
            Ok(northd) => {
                let place = |option| ("ovn-northd", option);
                compare(&mut verdict, &member.name, place("--ovnnb-db"), &northbound, Some(&northd.northbound));
                compare(&mut verdict, &member.name, place("--ovnsb-db"), &southbound, Some(&northd.southbound));
            }
            Err(reason) => drop(verdict.unread(&member.name, "ovn-northd", reason)),
        }
    }
    verdict.finish()
}

/// Compares a connection string as a set of connections; the order means nothing. `place` is table and column.
pub(super) fn compare(
    verdict: &mut VerdictBuilder,
    member: &str,
    (table, column): (&str, &str),
    wanted: &Connections,
    seen: Option<&str>,
) {
    let Some(text) = seen else {
        verdict.judge(false, member, table, column, wanted.to_string(), "nothing", None);
        return;
    };
    match text.parse::<Connections>() {
        Ok(seen) => {
            let missing: Vec<_> = wanted.0.difference(&seen.0).map(ToString::to_string).collect();
            let extra: Vec<_> = seen.0.difference(&wanted.0).map(ToString::to_string).collect();
            let mut note = Vec::new();
            if !missing.is_empty() {
                note.push(format!("{} is missing", missing.join(", ")));
            }
            if !extra.is_empty() {
                note.push(format!("{} is not planned", extra.join(", ")));
            }
            let holds = note.is_empty();
            verdict.judge(holds, member, table, column, wanted.to_string(), seen.to_string(), Some(note.join("; ")));
        }
        Err(error) => {
            let note = Some(error.to_string());
            verdict.judge(false, member, table, column, wanted.to_string(), text, note);
        }
    }
}
