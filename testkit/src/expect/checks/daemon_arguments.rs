//! The daemons of the planned services, and what each was started with.

mod planned;

use std::collections::BTreeMap;

use planned::{Planned, planned};

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict, VerdictBuilder};
use crate::microovn::Daemon;
use crate::plan::{Member, Process, State};

pub(super) const CHECK: Check = Check {
    name: "daemon_arguments",
    about: "the daemons of the planned services run, each once and no other, but those that were killed for good, and were \
            started with the planned files, remotes, keys and certificates and nothing else",
    reads: &[Subject::Daemons],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "daemons";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.equipped() {
        match observation.get(&member.name, |seen| &seen.daemons) {
            Ok(daemons) => judge_member(member, daemons, &mut verdict),
            Err(reason) => drop(verdict.unread(&member.name, TABLE, reason)),
        }
    }
    verdict.finish()
}

fn judge_member(member: &Member, daemons: &[Daemon], verdict: &mut VerdictBuilder) {
    let mut running: BTreeMap<Result<Process, &str>, Vec<&Daemon>> = BTreeMap::new();
    for daemon in daemons {
        let process = daemon.process().ok_or(daemon.program.as_str());
        running.entry(process).or_default().push(daemon);
    }
    let planned = planned(member);
    for plan in planned.iter().filter(|plan| !member.dead.contains(&plan.role)) {
        let processes = running.remove(&Ok(plan.role)).unwrap_or_default();
        verdict.compare(&member.name, TABLE, &plan.role.to_string(), "1 process", count(processes.len()));
        processes.iter().for_each(|process| judge_process(member, plan, process, verdict));
    }
    for (role, processes) in running {
        let note = processes.first().map(|process| process.argv.join(" "));
        let seen = count(processes.len());
        let what = role.map_or_else(str::to_owned, |process| process.to_string());
        verdict.judge(false, &member.name, TABLE, &what, "no process", seen, note);
    }
}

fn count(processes: usize) -> String {
    match processes {
        0 => "no process".to_owned(),
        1 => "1 process".to_owned(),
        more => format!("{more} processes"),
    }
}

fn judge_process(member: &Member, plan: &Planned, process: &Daemon, verdict: &mut VerdictBuilder) {
    let arguments = process.arguments();
    let role = plan.role.to_string();
    // OVN's scripts join a folder that ends in a slash and a name with another one.
    let shown = |values: Vec<String>| sorted(values.into_iter().map(|value| value.replace("//", "/")));
    let mut compare = |column: &str, wanted: String, seen: String| {
        verdict.compare(&member.name, &role, column, wanted, seen);
    };
    compare("arguments", shown(plan.words.clone()), shown(arguments.words.clone()));
    for (option, wanted) in &plan.options {
        compare(&format!("--{option}"), shown(wanted.clone()), shown(arguments.values(option)));
    }
    for option in arguments.names().into_iter().filter(|option| !plan.options.contains_key(option)) {
        let seen = shown(arguments.values(option));
        match plan.allowed(option) {
            Some(Some(wanted)) => compare(&format!("--{option}"), wanted.to_owned(), seen),
            Some(None) => {}
            None => {
                let seen = if seen.is_empty() { "given".to_owned() } else { seen };
                compare(&format!("--{option}"), "not given".to_owned(), seen);
            }
        }
    }
}
