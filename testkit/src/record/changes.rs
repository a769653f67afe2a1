//! What must be otherwise at a station than at the one before.

use super::schema::Change;
use crate::plan::{Member, Presence, Process, State, Turnover};

/// What a step makes of a state, by member, and then of the whole cluster.
pub(super) fn between(before: &State, after: &State) -> Vec<Change> {
    let mut changes = Vec::new();
    for now in &after.members {
        if let Some(was) = before.find(&now.name) {
            member(was, now, &mut changes);
        }
    }
    if before.user_ca != after.user_ca {
        changes.push(Change {
            member: None,
            what: "given authority".to_owned(),
            before: None,
            after: Some("another".to_owned()),
        });
    }
    let Some(since) = &after.since else { return changes };
    let mut turned = |member: Option<&String>, what: String, turnover| {
        let after = match turnover {
            Turnover::Same => return,
            Turnover::Fresh => "another than before",
            Turnover::Any => "that one or another",
        };
        changes.push(Change { member: member.cloned(), what, before: None, after: Some(after.to_owned()) });
    };
    for (member, processes) in &since.processes {
        for process in Process::ALL {
            processes.get(&process).into_iter().for_each(|it| turned(Some(member), format!("process {process}"), *it));
        }
    }
    for (member, certificates) in &since.certificates {
        for (stem, turnover) in certificates {
            turned(Some(member), format!("certificate {stem}"), *turnover);
        }
    }
    turned(None, "certificate authority".to_owned(), since.authority);
    turned(None, "database clusters".to_owned(), since.databases);
    changes
}

fn member(was: &Member, now: &Member, changes: &mut Vec<Change>) {
    let mut differs = |what: String, before: Option<String>, after: Option<String>| {
        if before != after {
            changes.push(Change { member: Some(now.name.clone()), what, before, after });
        }
    };
    differs("presence".to_owned(), Some(was.presence.to_string()), Some(now.presence.to_string()));
    let snap = |member: &Member| Some(if member.bare { "removed" } else { "installed" }.to_owned());
    differs("snap".to_owned(), snap(was), snap(now));
    let running = |member: &Member, service| {
        (member.presence == Presence::Online && member.services.contains(service)).then(|| "on".to_owned())
    };
    for service in was.services.union(&now.services) {
        // What a member that went or came runs is said by that.
        if was.presence == now.presence {
            differs(format!("service {service}"), running(was, service), running(now, service));
        }
    }
    differs("tunnel endpoint".to_owned(), Some(was.encap.ip.to_string()), Some(now.encap.ip.to_string()));
    let log = |member: &Member| Some(if member.logs_security() { "on" } else { "off" }.to_owned());
    differs("security log".to_owned(), log(was), log(now));
    for service in was.upset.symmetric_difference(&now.upset) {
        let upset = |member: &Member| member.upset.contains(service).then(|| "made to fail".to_owned());
        differs(format!("service {service} of the snap"), upset(was), upset(now));
    }
}
