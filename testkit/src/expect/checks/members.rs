//! The cluster's list of members.

use std::net::SocketAddr;

use super::{nobody_answers, sorted};
use crate::expect::explain::explain_address;
use crate::expect::{Check, Judge, Observation, Subject, Verdict};
use crate::plan::{Presence, State};

pub(super) const CHECK: Check = Check {
    name: "members",
    about: "the cluster has exactly the planned members at their planned addresses, all of them online but those \
            that are down, as seen from every member; where no more than half of them are up, nobody lists them, and says so",
    reads: &[Subject::Members],
    applies: super::everywhere,
    judge: Judge::Now(judge),
};

const TABLE: &str = "cluster list";

// The role is not compared: it is PENDING for seconds after a join, and then for MicroOVN to decide.
fn judge(state: &State, observation: &Observation) -> Verdict {
    let mut verdict = Verdict::builder(CHECK.name);
    let somebody_is_down = state.members().any(|member| member.presence == Presence::Down);
    for observer in state.online() {
        let list = match observation.get(&observer.name, |seen| &seen.members) {
            seen if !state.has_majority() => {
                let seen = seen.map(|list| format!("{} members", list.len()));
                nobody_answers(&mut verdict, &observer.name, TABLE, "name", seen);
                continue;
            }
            Ok(list) => list,
            // MicroOVN waits for a silent member as long as its own command waits for the answer. Which of the two ends first is
            // chance, and says nothing of the members; where it is so on all of them, nothing is compared, which is red.
            Err(reason) if somebody_is_down && reason.contains("context deadline exceeded") => continue,
            Err(reason) => {
                verdict.unread(&observer.name, TABLE, reason);
                continue;
            }
        };
        let wanted = sorted(state.members().map(|member| &member.name));
        verdict.compare(&observer.name, TABLE, "name", wanted, sorted(list.iter().map(|row| &row.name)));
        for member in state.members() {
            for row in list.iter().filter(|row| row.name == member.name) {
                let column = |name: &str| format!("{} {name}", member.name);
                let wanted = SocketAddr::new(member.address, state.member_port());
                let seen = row.address.ip();
                let note = if seen == member.address {
                    None
                } else {
                    explain_address(state, member, member.address, &seen.to_string())
                };
                let holds = row.address == wanted;
                let (wanted, seen) = (wanted.to_string(), row.address.to_string());
                verdict.judge(holds, &observer.name, TABLE, &column("address"), wanted, seen, note);
                let status = if member.presence == Presence::Down { "UNREACHABLE" } else { "ONLINE" };
                verdict.compare(&observer.name, TABLE, &column("status"), status, &row.status);
            }
        }
    }
    verdict.finish()
}
