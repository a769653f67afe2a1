//! What both clustered databases are held to.

use super::sorted;
use crate::expect::{Verdict, VerdictBuilder};
use crate::ovn::{Connection, RaftStatus};
use crate::plan::{Database, Member, Service, State};

/// What a server says that has stood for election and was not elected, as recorded.
const LOST: &str = "disconnected from the cluster (election timeout)";

/// Where the server of a central listens for the others.
fn address(database: Database, central: &Member) -> Connection {
    let made = if central.plain.contains(&database) { Connection::tcp } else { Connection::ssl };
    made(central.address, database.port())
}

pub(super) fn judge<'a>(
    check: &str,
    state: &State,
    database: Database,
    get: impl Fn(&Member) -> Result<&'a RaftStatus, String>,
) -> Verdict {
    let mut verdict = Verdict::builder(check);
    let centrals = || state.online_with(Service::Central);
    let servers = sorted(state.members_with(Service::Central).map(|central| address(database, central)));
    // One cluster and one leader are what the first central that answers says; the others must agree.
    let first = centrals().find_map(|central| get(central).ok());
    for central in centrals() {
        match get(central) {
            Ok(seen) => server(database, central, seen, first.unwrap_or(seen), &servers, state, &mut verdict),
            Err(reason) => drop(verdict.unread(&central.name, database.name(), reason)),
        }
    }
    verdict.finish()
}

fn server(
    database: Database,
    central: &Member,
    seen: &RaftStatus,
    first: &RaftStatus,
    servers: &str,
    state: &State,
    verdict: &mut VerdictBuilder,
) {
    let (member, table) = (&central.name, database.name());
    verdict.compare(member, table, "name", database.name(), &seen.name);
    verdict.compare(member, table, "address", address(database, central), &seen.address);
    let status = if state.has_quorum() { "cluster member" } else { LOST };
    verdict.compare(member, table, "status", status, &seen.status);
    verdict.compare(member, table, "election timer", state.election_timer(database), seen.election_timer);
    verdict.compare(member, table, "servers", servers, sorted(seen.servers.iter().map(|server| &server.address)));

    // Knowing none is a difference on every member, also on the first.
    let agree = |verdict: &mut VerdictBuilder, column, wanted: Option<&str>, seen: Option<&str>| {
        let holds = seen.is_some() && wanted.is_none_or(|wanted| seen == Some(wanted));
        let wanted = wanted.map_or_else(|| "one that is known".to_owned(), str::to_owned);
        verdict.judge(holds, member, table, column, wanted, seen.unwrap_or("unknown"), None);
    };
    agree(verdict, "cluster id", first.cluster_id.as_deref(), seen.cluster_id.as_deref());
    if state.has_quorum() {
        agree(verdict, "leader", first.find_leader(), seen.find_leader());
    } else {
        // A server knows its last leader until it stands for election itself.
        verdict.compare(member, table, "leader", "nobody", seen.find_leader().unwrap_or("nobody"));
    }
}
