//! Which daemons were started again.

use super::{after_a_step, compare};
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::microovn::Daemon;
use crate::plan::{Changes, Process, State};

pub(in crate::expect::checks) const CHECK: Check = Check {
    name: "processes",
    about: "the daemons that the step starts again are other processes than before, and all others are the same",
    reads: &[Subject::Daemons],
    applies: after_a_step,
    judge: Judge::Since(judge),
};

const TABLE: &str = "process";

fn judge(changes: &Changes, state: &State, seen: &Observation, before: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        let now = match seen.get(&member.name, |seen| &seen.daemons) {
            Ok(daemons) => daemons,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        // Of a member that could not be asked before, nothing is known.
        let Ok(then) = before.get(&member.name, |seen| &seen.daemons) else { continue };
        for process in Process::ALL {
            let (Some(was), Some(is)) = (find(then, process), find(now, process)) else { continue };
            let place = (member.name.as_str(), TABLE, process.to_string());
            let turnover = changes.of_process(&member.name, process);
            compare(&mut verdict, (place.0, place.1, &place.2), turnover, &shown(was), &shown(is));
        }
    }
    verdict.finish()
}

fn find(daemons: &[Daemon], process: Process) -> Option<&Daemon> {
    daemons.iter().find(|daemon| daemon.process() == Some(process))
}

fn shown(daemon: &Daemon) -> String {
    let (pid, started) = daemon.identity;
    format!("pid {pid} of tick {started}")
}
