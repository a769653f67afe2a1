//! What `microovn certificates list` says.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::expect::{Observation, VerdictBuilder};
use crate::microovn::{
    AUTHORITY, CertificateList, ListedAuthority, ListedCertificate, Pki, commands::PKI, planned_certificates,
};
use crate::plan::{Member, State};

const TABLE: &str = "certificates list";
const TEXT: &str = "certificates list as text";

/// Compares the list of one member with the plan, and its dates with the certificates that are there.
pub(super) fn judge(state: &State, member: &Member, observation: &Observation, verdict: &mut VerdictBuilder) {
    let list = match observation.get(&member.name, |seen| &seen.certificate_list) {
        Ok(list) => list,
        Err(reason) => {
            verdict.unread(&member.name, TABLE, reason);
            return;
        }
    };
    match observation.get(&member.name, |seen| &seen.certificate_text) {
        Ok(text) => agree(member, list, text, verdict),
        Err(reason) => drop(verdict.unread(&member.name, TEXT, reason)),
    }
    let pki = observation.get(&member.name, |seen| &seen.pki).ok();
    let mut compare = |column: &str, wanted: String, seen: String| {
        verdict.compare(&member.name, TABLE, column, wanted, seen);
    };
    compare("ca cert", format!("{PKI}/{AUTHORITY}"), list.ca.cert.clone());
    // A release that takes no authority from users has nothing to say of renewal.
    if state.user_ca.is_some() || list.ca.auto_renew.is_some() {
        let seen = list.ca.auto_renew.map_or_else(|| "nothing".to_owned(), |renewed| renewed.to_string());
        compare("ca auto_renew", state.user_ca.is_none().to_string(), seen);
    }
    if let Some(date) = &list.ca.expiration_date {
        compare("ca expiration_date", expiry(pki, AUTHORITY), date.clone());
    }
    let planned = planned_certificates(&member.services);
    if member.name != member.hostname && is_silent(list) {
        // MicroOVN looks its services up by the host's name, so of a member that is called otherwise it lists none.
        return;
    }
    for service in &planned {
        let Some(Some(seen)) = list.services.get(*service) else {
            compare(service, "listed".to_owned(), "not present".to_owned());
            continue;
        };
        compare(&format!("{service} cert"), format!("{PKI}/{service}-cert.pem"), seen.cert.clone());
        compare(&format!("{service} key"), format!("{PKI}/{service}-privkey.pem"), seen.key.clone());
        match (&seen.expiration_date, &list.ca.expiration_date) {
            (Some(date), _) => {
                let wanted = expiry(pki, &format!("{service}-cert.pem"));
                compare(&format!("{service} expiration_date"), wanted, date.clone());
            }
            (None, Some(_)) => {
                compare(&format!("{service} expiration_date"), "a date".to_owned(), "nothing".to_owned());
            }
            (None, None) => {}
        }
    }
    for (service, seen) in list.services.iter().filter(|(service, _)| !planned.contains(&service.as_str())) {
        let seen = if seen.is_some() { "listed" } else { "not present" };
        compare(service, "not present".to_owned(), seen.to_owned());
    }
}

/// Compares what the list says as text with what it says as JSON.
fn agree(member: &Member, json: &CertificateList, text: &CertificateList, verdict: &mut VerdictBuilder) {
    let mut compare = |column: &str, wanted: String, seen: String| {
        verdict.compare(&member.name, TEXT, column, wanted, seen);
    };
    let authority = |list: &CertificateList| {
        let ListedAuthority { cert, auto_renew, expiration_date } = &list.ca;
        let renewed = auto_renew.map(|renewed| format!("auto-renew {renewed}"));
        let parts = [Some(cert.clone()), expiration_date.clone(), renewed];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    compare("ca", authority(json), authority(text));
    let listed = |list: &CertificateList, service: &str| match list.services.get(service) {
        Some(Some(ListedCertificate { cert, key, expiration_date })) => {
            let parts = [Some(cert.clone()), expiration_date.clone(), Some(key.clone())];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Some(None) => "not present".to_owned(),
        None => "not named".to_owned(),
    };
    let names: BTreeSet<&String> = json.services.keys().chain(text.services.keys()).collect();
    for name in names {
        compare(name, listed(json, name), listed(text, name));
    }
}

fn is_silent(list: &CertificateList) -> bool {
    list.services.values().all(Option::is_none)
}

/// The end of a file's first certificate, as the list writes it.
fn expiry(pki: Option<&Pki>, file: &str) -> String {
    let certificate = pki.and_then(|pki| pki.certificates(file).ok()?.first());
    let end = certificate.and_then(|it| Timestamp::from_second(it.not_after).ok());
    end.map_or_else(|| format!("that of {file}"), |end| end.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string())
}
