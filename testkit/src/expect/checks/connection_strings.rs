//! The databases that a member's services were configured with.

use std::net::IpAddr;

use super::{NORTHBOUND_PORT, SOUTHBOUND_PORT};
use crate::expect::explain::explain_address;
use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::ovn::{Connection, Connections, parse_host};
use crate::plan::{Member, Process, State};

pub(super) const CHECK: Check = Check {
    name: "connection_strings",
    about: "ovn.env on every member, and ovn-northd on every central, name the databases of every central and nothing \
            else, and a database would start from another central where there is one",
    reads: &[Subject::Environment],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let wanted =
        |port| -> Connections { state.databases().into_iter().map(|address| Connection::ssl(address, port)).collect() };
    let (northbound, southbound) = (wanted(NORTHBOUND_PORT), wanted(SOUTHBOUND_PORT));
    for member in state.online() {
        match observation.get(&member.name, |seen| &seen.ovn_env) {
            Ok(env) => {
                let table = "ovn.env";
                let find = |name| env.find(name);
                compare(&mut verdict, &member.name, (table, "OVN_NB_CONNECT"), &northbound, find("OVN_NB_CONNECT"));
                compare(&mut verdict, &member.name, (table, "OVN_SB_CONNECT"), &southbound, find("OVN_SB_CONNECT"));
                for column in ["OVN_INITIAL_NB", "OVN_INITIAL_SB"] {
                    initial(&mut verdict, state, member, column, find(column));
                }
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
        if !member.lives(Process::Northd) {
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

/// Compares the central from which a database of this member starts where it has no file yet: any other, whose cluster it
/// joins, and itself only where it is the only one. Releases up to 22.03 name the first on every member, also on itself.
fn initial(verdict: &mut VerdictBuilder, state: &State, member: &Member, column: &str, seen: Option<&str>) {
    let centrals = state.databases();
    let others: Vec<IpAddr> = centrals.iter().copied().filter(|address| *address != member.address).collect();
    let wanted = if others.is_empty() || !state.release.core_api { centrals } else { others };
    let Some(first) = wanted.first().copied() else {
        verdict.compare(
            &member.name,
            "ovn.env",
            column,
            "nothing",
            seen.filter(|text| !text.is_empty()).unwrap_or("nothing"),
        );
        return;
    };
    let address = seen.map(parse_host).and_then(Result::ok);
    let text = address.map_or_else(|| seen.unwrap_or("nothing").to_owned(), |address| address.to_string());
    let holds = address.is_some_and(|address| wanted.contains(&address));
    let note = seen.and_then(|_| explain_address(state, member, first, &text));
    let wanted = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    verdict.judge(holds, &member.name, "ovn.env", column, wanted, text, note);
}

/// Compares a connection string as a set of connections; the order means nothing, and there is none without a central. `place` is table and column.
pub(super) fn compare(
    verdict: &mut VerdictBuilder,
    member: &str,
    (table, column): (&str, &str),
    wanted: &Connections,
    seen: Option<&str>,
) {
    if wanted.0.is_empty() {
        // Recorded: `ovn.env` has empty values then, and the switch has none.
        let seen = seen.filter(|text| !text.is_empty()).unwrap_or("nothing");
        verdict.compare(member, table, column, "nothing", seen);
        return;
    }
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
