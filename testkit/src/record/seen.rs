//! What was seen otherwise at a station than at the one before: only that, so that a person sees what a step did.

use std::collections::BTreeMap;

use super::schema::Change;
use crate::expect::{MemberObservation, Observation, Reading};
use crate::microovn::{PkiContent, redact};
use crate::ovn::{Leader, RaftStatus};

/// Things by what they are called, each as it is shown.
type Facts = BTreeMap<String, String>;

/// What differs: what is the whole cluster's, by the first member that says it each time, and then what is a member's own.
pub(super) fn between(before: &Observation, after: &Observation) -> Vec<Change> {
    let mut changes = Vec::new();
    for (what, facts) in CLUSTER {
        let first = |seen: &Observation| seen.members.values().find_map(facts);
        if let (Some(was), Some(is)) = (first(before), first(after)) {
            differ(None, what, &was, &is, &mut changes);
        }
    }
    for (name, is) in &after.members {
        let Some(was) = before.members.get(name) else { continue };
        for (what, facts) in MEMBER {
            if let (Some(was), Some(is)) = (facts(was), facts(is)) {
                differ(Some(name), what, &was, &is, &mut changes);
            }
        }
        for ((what, was), (_, is)) in readable(was).into_iter().zip(readable(is)) {
            let shown = |read: bool| Some(if read { "read" } else { "not read" }.to_owned());
            if was != is {
                let what = format!("reading {what}");
                changes.push(Change { member: Some(name.clone()), what, before: shown(was), after: shown(is) });
            }
        }
    }
    changes
}

fn differ(member: Option<&String>, what: &str, was: &Facts, is: &Facts, changes: &mut Vec<Change>) {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (before, after) = (was.get(name), is.get(name));
        if before != after {
            let shown = |value: Option<&String>| value.map(|value| redact(value));
            let what = format!("{what} {name}").trim_end().to_owned();
            changes.push(Change { member: member.cloned(), what, before: shown(before), after: shown(after) });
        }
    }
}

/// What is read of a member; `None` where it could not be.
type Read = fn(&MemberObservation) -> Option<Facts>;

const CLUSTER: [(&str, Read); 5] = [
    ("member", |seen| {
        let members = seen.members.get().ok()?;
        Some(members.iter().map(|it| (it.name.clone(), format!("{} {} {}", it.address, it.role, it.status))).collect())
    }),
    ("Chassis", |seen| {
        let chassis = &seen.southbound.get().ok()?.chassis;
        Some(chassis.iter().map(|it| (it.name.clone(), format!("of {}", it.hostname))).collect())
    }),
    ("Encap", |seen| {
        let encaps = &seen.southbound.get().ok()?.encaps;
        Some(encaps.iter().map(|it| (format!("{} {}", it.chassis_name, it.kind), it.ip.to_string())).collect())
    }),
    ("Northbound", |seen| Some(cluster(seen.nb_raft.get().ok()?))),
    ("Southbound", |seen| Some(cluster(seen.sb_raft.get().ok()?))),
];

const MEMBER: [(&str, Read); 10] = [
    ("snap", |seen| Some([("version".to_owned(), seen.version.get().ok()?.clone())].into())),
    ("schema of", |seen| {
        let of = |name: &str, reading: &Reading<String>| Some((name.to_owned(), reading.get().ok()?.clone()));
        Some([of("the Northbound", &seen.nb_schema)?, of("the Southbound", &seen.sb_schema)?].into())
    }),
    ("service", |seen| {
        let services = seen.services.get().ok()?;
        Some(services.iter().map(|it| (it.name.clone(), format!("{} {}", it.startup, it.current))).collect())
    }),
    ("process", |seen| {
        let daemons = seen.daemons.get().ok()?;
        let named = daemons.iter().filter_map(|it| Some((it.process()?.to_string(), format!("pid {}", it.identity.0))));
        Some(named.collect())
    }),
    ("certificate", certificates),
    ("server of the Northbound", |seen| Some(server(seen.nb_raft.get().ok()?))),
    ("server of the Southbound", |seen| Some(server(seen.sb_raft.get().ok()?))),
    ("external_ids", |seen| Some(seen.switch.get().ok()?.open_vswitch.external_ids.clone())),
    ("tunnel to", |seen| {
        let interfaces = seen.switch.get().ok()?.interfaces.iter();
        let ends = interfaces.filter_map(|it| Some((it.options.get("remote_ip")?.clone(), it.kind.clone())));
        Some(ends.collect())
    }),
    ("device", |seen| {
        let devices = seen.devices.get().ok()?.iter();
        let shown = |all: &[ipnet::IpNet]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Some(devices.map(|it| (it.name.clone(), format!("{} {}", it.operstate, shown(&it.addresses)))).collect())
    }),
];

/// What all servers of a database say alike.
fn cluster(raft: &RaftStatus) -> Facts {
    let servers = raft.servers.iter().map(|server| (format!("server {}", server.id), server.address.to_string()));
    servers
        .chain([("cluster id".to_owned(), raft.cluster_id.clone().unwrap_or_else(|| "unknown".to_owned()))])
        .collect()
}

/// What one of them says of itself.
fn server(raft: &RaftStatus) -> Facts {
    let leader = match &raft.leader {
        Leader::Myself => "itself".to_owned(),
        Leader::Server(id) => id.clone(),
        Leader::Unknown => "unknown".to_owned(),
    };
    [("id", raft.server_id.clone()), ("status", raft.status.clone()), ("role", raft.role.clone()), ("leader", leader)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Every certificate by its file, as the beginning of its digest; keys have certificates that change with them.
fn certificates(seen: &MemberObservation) -> Option<Facts> {
    let files = seen.pki.get().ok()?.files.iter();
    let first = |content: &PkiContent| match content {
        PkiContent::Certificates(all) => all.first().map(|it| it.sha256.get(..16).unwrap_or(&it.sha256).to_owned()),
        PkiContent::Key(_) => None,
        PkiContent::Unusable(_) => Some("unusable".to_owned()),
    };
    Some(files.filter_map(|(name, file)| Some((name.clone(), first(&file.content)?))).collect())
}

/// What of a member was read at all.
fn readable(seen: &MemberObservation) -> [(&'static str, bool); 9] {
    fn read<T>(reading: &Reading<T>) -> bool {
        matches!(reading, Reading::Seen(_))
    }
    [
        ("switch", read(&seen.switch)),
        ("Southbound", read(&seen.southbound)),
        ("server of the Northbound", read(&seen.nb_raft)),
        ("server of the Southbound", read(&seen.sb_raft)),
        ("cluster list", read(&seen.members)),
        ("services", read(&seen.services)),
        ("devices", read(&seen.devices)),
        ("certificates", read(&seen.pki)),
        ("processes", read(&seen.daemons)),
    ]
}
