//! The schemas of the databases, which are held back until every member has the newer release.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::microovn::Summary;
use crate::plan::{Presence, Release, Schemas, Service, State};

pub(super) const CHECK: Check = Check {
    name: "schemas",
    about: "both databases have the schemas of the older release until every member has the newer, and then those of the \
            newer, as every server says; and MicroOVN says which it is, and who wants which where not all want the same",
    reads: &[Subject::Schemas],
    applies,
    judge: Judge::Upgrade(judge),
};

const STATUS: &str = "microovn status";
const SCHEMA: &str = "schema";

/// Of databases that nobody can write nothing was recorded.
fn applies(state: &State) -> bool {
    let are_known = |state: &State| state.newer.as_ref().is_some_and(|newer| newer.schemas.is_some());
    are_known(state) && state.schemas().is_some() && state.has_majority() && state.has_quorum()
}

/// A database, as MicroOVN and its schema call it.
type Database = (&'static str, &'static str, fn(&Schemas) -> &str);

const DATABASES: [Database; 2] = [
    ("OVN Northbound", "OVN_Northbound", |schemas| &schemas.northbound),
    ("OVN Southbound", "OVN_Southbound", |schemas| &schemas.southbound),
];

fn judge(_newer: &Release, state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let Some(schemas) = state.schemas() else { return verdict.finish() };
    for member in state.online() {
        for (number, (title, name, of)) in DATABASES.into_iter().enumerate() {
            match observation.get(&member.name, |seen| &seen.status) {
                Ok(status) => {
                    let said = [&status.northbound, &status.southbound][number].as_ref();
                    let said = said.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                    verdict.compare(&member.name, STATUS, title, summary(state, of), said);
                }
                Err(reason) => drop(verdict.unread(&member.name, STATUS, reason)),
            }
            if !member.runs(Service::Central) {
                continue;
            }
            match observation.get(&member.name, |seen| [&seen.nb_schema, &seen.sb_schema][number]) {
                Ok(version) => drop(verdict.compare(&member.name, SCHEMA, name, of(schemas), version)),
                Err(reason) => drop(verdict.unread(&member.name, SCHEMA, reason)),
            }
        }
    }
    verdict.finish()
}

/// What MicroOVN says of a database. Recorded: all is well where every member wants the schema that there is; else each is listed
/// with what it wants, and one that does not answer as such.
fn summary(state: &State, of: fn(&Schemas) -> &str) -> Summary {
    let active = state.schemas().map(of).unwrap_or_default().to_owned();
    let expected = state.members().map(|member| {
        let wants = state.release_of(member).schemas.as_ref().map_or("unknown", of);
        let says = if member.presence == Presence::Down { "Error. Failed to contact member" } else { wants };
        (member.name.clone(), says.to_owned())
    });
    let expected: std::collections::BTreeMap<String, String> = expected.collect();
    match expected.values().all(|version| *version == active) {
        true => Summary::Content(active),
        false => Summary::Attention { active, expected },
    }
}
