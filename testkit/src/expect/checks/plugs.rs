//! What the snap may do: its plugs.

use super::sorted;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::State;

pub(super) const CHECK: Check = Check {
    name: "plugs",
    about: "every plug that the snap declares is connected on every member",
    reads: &[Subject::Plugs],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "snap connections";

fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    for member in state.online() {
        let plugs = match observation.get(&member.name, |seen| &seen.plugs) {
            Ok(plugs) => plugs,
            Err(reason) => {
                verdict.unread(&member.name, TABLE, reason);
                continue;
            }
        };
        let declared = &state.release_of(member).plugs;
        // Also compared where the snap has none.
        let undeclared = sorted(plugs.names().filter(|name| !declared.contains_key(*name)));
        verdict.compare(&member.name, TABLE, "plugs that the snap does not declare", "none", undeclared);
        for (name, plug) in declared {
            let seen = plugs.find(name);
            if plug.lacks_provider() && seen == Some(None) {
                continue;
            }
            let shown = match seen {
                Some(Some(slot)) => format!("connected to {slot}"),
                Some(None) => "not connected".to_owned(),
                // snapd leaves out plugs of interfaces that it does not know.
                None => "not listed".to_owned(),
            };
            let note = plug.refused.as_ref().map(|reason| format!("snapd, when asked to connect it: {reason}"));
            let connected = seen.is_some_and(|slot| slot.is_some());
            verdict.judge(connected, &member.name, TABLE, name, "connected", shown, note);
        }
    }
    verdict.finish()
}
