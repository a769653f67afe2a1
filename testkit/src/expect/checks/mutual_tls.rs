//! Who may talk to the databases, and who answers.

use std::net::SocketAddr;

use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::microovn::{AUTHORITY, Api, Attempt, Certificate, LISTENERS, Listener, Pki};
use crate::plan::{Member, Service, State};

pub(super) const CHECK: Check = Check {
    name: "mutual_tls",
    about: "the database servers of every central, for clients and for RAFT, show the certificate of their file and the \
            authority behind it, and end the handshake of a client that shows none; the daemon of every member shows one of \
            its own",
    reads: &[Subject::Listeners, Subject::Certificates],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "TLS without a certificate";
const SHOWN: &str = "TLS";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        if member.runs(Service::Central) {
            judge_servers(member, observation, &mut verdict);
        }
        match observation.get(&member.name, |seen| &seen.api) {
            Ok(api) => judge_api(state, member, api, &mut verdict),
            Err(reason) => drop(verdict.unread(&member.name, SHOWN, reason)),
        }
    }
    verdict.finish()
}

fn judge_servers(member: &Member, observation: &Observation, verdict: &mut VerdictBuilder) {
    let listeners = match observation.get(&member.name, |seen| &seen.listeners) {
        Ok(listeners) => listeners,
        Err(reason) => {
            verdict.unread(&member.name, TABLE, reason);
            return;
        }
    };
    let pki = match observation.get(&member.name, |seen| &seen.pki) {
        Ok(pki) => Some(pki),
        Err(reason) => {
            verdict.unread(&member.name, "data/pki", reason);
            None
        }
    };
    for port in LISTENERS {
        let seen = listeners.iter().find(|listener| listener.port == port);
        if in_the_clear(member, port) {
            judge_clear(member, port, seen, verdict);
            continue;
        }
        // Whoever could not be asked has refused nobody.
        let answer = seen.map_or_else(|| "not asked".to_owned(), |listener| listener.attempt.to_string());
        verdict.compare(&member.name, TABLE, &format!("port {port}"), "refused", answer);
        if let (Some(seen), Some(pki)) = (seen, pki) {
            judge_shown(member, seen, pki, verdict);
        }
    }
}

/// Whether the server behind this port was made to talk in the clear.
fn in_the_clear(member: &Member, port: u16) -> bool {
    member.plain.iter().any(|database| database.port() == port)
}

/// A server that speaks no TLS shows no certificate, and refuses nobody for want of one. That it is there, `nb_clustered` and
/// `sb_clustered` know of the others.
fn judge_clear(member: &Member, port: u16, seen: Option<&Listener>, verdict: &mut VerdictBuilder) {
    let clear = |it: &&Listener| it.shown.is_empty() && !matches!(it.attempt, Attempt::Refused(_));
    let seen = match seen {
        None => "not asked",
        Some(seen) if clear(&seen) => "no TLS",
        Some(_) => "TLS",
    };
    verdict.compare(&member.name, SHOWN, &format!("port {port} speaks"), "no TLS", seen);
}

/// Recorded: a server shows the certificate of its file, and behind it those of the authority's, and new ones at once when the
/// files are written anew.
fn judge_shown(member: &Member, Listener { port, shown, .. }: &Listener, pki: &Pki, verdict: &mut VerdictBuilder) {
    let service = if port % 2 == 1 { "ovnnb" } else { "ovnsb" };
    let file = format!("{service}-cert.pem");
    let of = |file: &str| pki.certificates(file).unwrap_or_default();
    let wanted: Vec<&Certificate> = of(&file).iter().chain(of(AUTHORITY)).collect();
    let holds = !shown.is_empty() && wanted.iter().copied().eq(shown);
    let seen = if holds { "that".to_owned() } else { told(shown) };
    let note = (!holds).then(|| format!("in the files: {}", told(wanted)));
    let wanted = format!("{file}, then {AUTHORITY}");
    verdict.judge(holds, &member.name, SHOWN, &format!("port {port} shows"), wanted, seen, note);
}

/// Recorded: one that it made for itself, as the daemons of LXD do.
fn judge_api(state: &State, member: &Member, Api { shown, own, said }: &Api, verdict: &mut VerdictBuilder) {
    let end = SocketAddr::new(member.address, state.member_port());
    let column = format!("port {} shows", end.port());
    let seen = match (&shown[..], said) {
        ([], said) => said.clone().unwrap_or_default(),
        ([one], _) if own.contains(one) && one.is_signed_by(one) => "its own".to_owned(),
        _ => told(shown),
    };
    verdict.compare(&member.name, SHOWN, &column, "its own", seen);
}

/// Certificates as a person tells them apart.
fn told<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    let one = |it: &Certificate| format!("{} ({})", it.subject, it.sha256.get(..16).unwrap_or_default());
    let all: Vec<String> = certificates.into_iter().map(one).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", then ") }
}
