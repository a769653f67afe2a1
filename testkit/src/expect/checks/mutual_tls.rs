//! Who may talk to the databases.

use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::microovn::LISTENERS;
use crate::plan::{Service, State};

pub(super) const CHECK: Check = Check {
    name: "mutual_tls",
    about: "the database servers of every central, for clients and for RAFT, end the handshake of a client that shows \
            no certificate",
    reads: &[Subject::Listeners],
    applies: super::with_centrals,
    judge: Judge::Now(judge),
};

const TABLE: &str = "TLS without a certificate";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for central in state.online_with(Service::Central) {
        let listeners = match observation.get(&central.name, |seen| &seen.listeners) {
            Ok(listeners) => listeners,
            Err(reason) => {
                verdict.unread(&central.name, TABLE, reason);
                continue;
            }
        };
        for port in LISTENERS {
            let seen = listeners.iter().find(|listener| listener.port == port);
            // Whoever could not be asked has refused nobody.
            let seen = seen.map_or_else(|| "not asked".to_owned(), |listener| listener.attempt.to_string());
            verdict.compare(&central.name, TABLE, &format!("port {port}"), "refused", seen);
        }
    }
    verdict.finish()
}
