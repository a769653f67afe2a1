//! What MicroCloud told MicroOVN on its control socket when it formed the cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::microovn::Told;
use crate::plan::{Member, State};

pub(super) const CHECK: Check = Check {
    name: "microovn_told",
    about: "MicroCloud told MicroOVN on every member once to form, where to listen and as whom, of the underlay that was chosen for \
            that member and of nothing else, without a mask",
    reads: &[Subject::Told],
    applies: |state| state.is_microclouds() && state.tapped,
    judge: Judge::Now(judge),
};

const TABLE: &str = "POST /core/control";
/// The key by which MicroOVN is told of an underlay.
const KEY: &str = "ovn-encap-ip";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let first = state.members().next().map(|member| &member.name);
    for member in state.online() {
        let told = match observation.get(&member.name, |seen| &seen.told) {
            Ok(told) => told,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        let formed: Vec<&Value> = told.iter().filter(|it| is_forming(it)).map(|it| &it.body).collect();
        verdict.compare(&member.name, TABLE, "requests", 1, formed.len());
        for body in formed {
            judge_one(state, member, first == Some(&member.name), body, &mut verdict);
        }
    }
    verdict.finish()
}

fn is_forming(told: &Told) -> bool {
    told.method == "POST" && told.path == "/core/control"
}

fn judge_one(state: &State, member: &Member, bootstraps: bool, body: &Value, verdict: &mut VerdictBuilder) {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let listen = SocketAddr::new(member.address, state.member_port()).to_string();
    verdict.compare(&member.name, TABLE, "bootstrap", bootstraps, &body["bootstrap"]);
    verdict.compare(&member.name, TABLE, "name", &member.name, text("name"));
    verdict.compare(&member.name, TABLE, "address", listen, text("address"));
    let config: BTreeMap<&str, &Value> =
        body["config"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    let keys = |keys: Vec<&str>| if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    let wanted = if member.encap.custom { vec![KEY] } else { Vec::new() };
    verdict.compare(&member.name, TABLE, "config keys", keys(wanted), keys(config.keys().copied().collect()));
    if let Some(seen) = config.get(KEY).filter(|_| member.encap.custom) {
        let column = format!("config {KEY}");
        verdict.compare_address(state, member, TABLE, &column, member.encap.ip, seen.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::Read;
    use crate::plan::{Outline, Plan, Segments};

    /// What is wrong where the second member's MicroOVN was told this, and the others what is right.
    fn found(custom: bool, second: &str) -> Vec<String> {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let mut state = Plan::outlined(cell, Outline::default(), Segments::documentation()).state;
        (state.told_port, state.tapped) = (Some(6443), true);
        let mut observation = Observation::default();
        for (n, member) in state.members.iter_mut().enumerate() {
            member.encap.custom = custom;
            let (name, address, ip) = (&member.name, member.address, member.encap.ip);
            let config = if custom { format!("\"{KEY}\":\"{ip}\"") } else { String::new() };
            let right = format!(
                "POST /core/control {{\"bootstrap\":{},\"config\":{{{config}}},\"address\":\"{address}:6443\",\"name\":\"{name}\"}}\n",
                n == 0
            );
            let text = if n == 1 {
                second.replace("RIGHT", &right).replace("NAME", name).replace("IP", &ip.to_string())
            } else {
                right
            };
            observation.record(name, Read::Told, Ok(&text));
        }
        let verdict = CHECK.judge(&state, &observation, None);
        verdict.differences.iter().map(|it| format!("{}: {}, not {}", it.column, it.seen, it.wanted)).collect()
    }

    #[test]
    fn the_right_words_pass_with_an_underlay_and_without_one() {
        assert_eq!((found(true, "RIGHT"), found(false, "RIGHT")), (Vec::new(), Vec::new()));
        assert_eq!(found(false, "POST /core/control/tokens {}\nDELETE /core/1.0/tokens/x \nRIGHT"), [] as [&str; 0]);
    }

    #[test]
    fn everything_else_is_found_by_its_place() {
        assert_eq!(found(true, ""), ["requests: 0, not 1"]);
        assert_eq!(found(true, "RIGHTRIGHT"), ["requests: 2, not 1"]);
        let told = |config: &str| {
            let body = format!(
                "{{\"bootstrap\":false,\"config\":{{{config}}},\"address\":\"192.0.2.12:6443\",\"name\":\"NAME\"}}"
            );
            format!("POST /core/control {body}\n")
        };
        assert_eq!(found(true, &told("")), ["config keys: none, not ovn-encap-ip"]);
        assert_eq!(found(false, &told("\"ovn-encap-ip\":\"IP\"")), ["config keys: ovn-encap-ip, not none"]);
        assert_eq!(found(true, &told("\"NAME.ovn-encap-ip\":\"IP\"")).len(), 1);
        for wrong in ["IP/24", "192.0.2.13", ""] {
            let found = found(true, &told(&format!("\"ovn-encap-ip\":\"{wrong}\"")));
            assert!(found.len() == 1 && found[0].starts_with("config ovn-encap-ip: "), "{found:?}");
        }
        let bootstraps = told("\"ovn-encap-ip\":\"IP\"").replace("false", "true").replace("6443", "6686");
        assert_eq!(found(true, &bootstraps).len(), 2);
    }
}
