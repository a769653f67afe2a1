//! Whether a change made in the Northbound on any member reaches the Southbound and every chassis.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Batch, Members};
use crate::expect::{Verdict, VerdictBuilder};
use crate::lxd::Client;
use crate::ovn;
use crate::plan::{Process, Service, State};

/// Its name as a check.
pub(super) const CHECK: &str = "nb_sb_propagation";
/// What it holds.
pub(super) const ABOUT: &str = "a logical switch added on every member is a datapath in the Southbound, is taken in by every chassis where \
     chassis have datapaths, and goes again";

/// `--wait=sb` returns when northd has written the Southbound, `--wait=hv` when every chassis has taken it in as well, which
/// an ovn-controller without a datapath never does (ovn-nbctl(8)). A leader election in between takes seconds.
const DEADLINE: Duration = Duration::from_secs(60);
/// Prints the number of the port that every bridge with a datapath has, `OFPP_LOCAL`.
const DATAPATH: [&str; 8] = [
    "microovn.ovs-vsctl",
    "--timeout=20",
    "--bare",
    "--no-headings",
    "--columns=ofport",
    "find",
    "Interface",
    "name=br-int",
];
const LOCAL: &str = "65534";

/// Whether a logical switch that is added on every member is a datapath in the Southbound, is taken in by every chassis where
/// chassis have datapaths, and goes again. All members at once: each has a switch of its own, so each change is seen to be
/// that member's.
pub(super) async fn propagation(client: &Client, state: &State, instances: &Members) -> Verdict {
    // One that is down would be waited for, too.
    let all_answer = state.members_with(Service::Chassis).all(|member| member.lives(Process::Controller));
    let hv = all_answer && some_have_datapaths(client, state, instances).await;
    let wait = if hv { "--wait=hv" } else { "--wait=sb" };
    let programs = &state.programs();
    let judged = join_all(state.online().map(async |member| {
        let mut verdict = Verdict::builder(CHECK);
        match instances.get(&member.name) {
            Some(instance) => {
                let batch = Batch { client, instance, programs, deadline: DEADLINE };
                judge_member(batch, &member.name, wait, &mut verdict).await;
            }
            None => drop(verdict.unread(&member.name, "LXD", "the member has no instance")),
        }
        verdict
    }));
    let mut verdict = Verdict::builder(CHECK);
    judged.await.into_iter().for_each(|member| verdict.extend(member));
    verdict.finish()
}

/// Whether any chassis has a datapath. Where none has, the host lacks what they need, and nothing more can be asked of them;
/// where some have and one has not, that one is to be found.
async fn some_have_datapaths(client: &Client, state: &State, instances: &Members) -> bool {
    let command = [DATAPATH.map(str::to_owned).to_vec()];
    let programs = &state.programs();
    let looks = state.online_with(Service::Chassis).map(async |member| {
        let Some(instance) = instances.get(&member.name) else { return false };
        let said = Batch { client, instance, programs, deadline: DEADLINE }.in_turn(&command).await;
        said.iter().flatten().any(|port| port.trim() == LOCAL)
    });
    join_all(looks).await.contains(&true)
}

/// Adds a switch on a member and removes it, and looks each time. Where something of that fails, what comes after it is not
/// tried, for it would wait as long and show nothing new; the switch is removed without a wait, also when it was not
/// added well: what may have been half done does not stay.
async fn judge_member(batch: Batch<'_>, member: &str, wait: &str, verdict: &mut VerdictBuilder) {
    let switch = format!("testkit-{member}");
    let condition = format!("external_ids:name={switch}");
    let (add, remove) = (["ls-add", &switch].map(str::to_owned), ["--if-exists", "ls-del", &switch].map(str::to_owned));
    let change = |wait: &str, words: &[String]| {
        let command = ["microovn.ovn-nbctl", "--timeout=45", wait].map(str::to_owned);
        [&command, words].concat()
    };
    let look = || {
        let command = ["microovn.ovn-sbctl", "--timeout=45", "--format=json", "--columns=_uuid", "find"];
        [&command[..], &["Datapath_Binding", &condition]].concat().into_iter().map(str::to_owned).collect()
    };
    let commands = [change(wait, &add), look(), change(wait, &remove), look()];
    let mut outcomes = batch.while_good(&commands).await.into_iter();
    for (words, wanted) in [(&add[..], 1), (&remove[..], 0)] {
        let (Some(changed), Some(found)) = (outcomes.next(), outcomes.next()) else { return };
        let seen = changed.as_ref().err().map_or("success", String::as_str);
        verdict.compare(member, &format!("ovn-nbctl {wait}"), &words.join(" "), "success", seen);
        // Where nothing was changed, what is there says nothing.
        if changed.is_ok() {
            compare_rows(verdict, member, &condition, wanted, &found);
        }
        if changed.is_err() || found.is_err() {
            // What becomes of it cannot be worse than what is in the verdict.
            batch.in_turn(&[change("--no-wait", &remove)]).await;
            return;
        }
    }
}

/// Compares how many datapaths of the Southbound belong to the switch.
fn compare_rows(
    verdict: &mut VerdictBuilder,
    member: &str,
    condition: &str,
    wanted: usize,
    printed: &Result<String, String>,
) {
    let rows = printed.as_ref().map_err(Clone::clone).and_then(|text| {
        let tables = ovn::parse_tables(text).map_err(|error| error.to_string())?;
        Ok(tables.iter().map(|table| table.rows().count()).sum::<usize>())
    });
    match rows {
        Ok(rows) => drop(verdict.compare(member, "Datapath_Binding", condition, wanted, rows)),
        Err(reason) => drop(verdict.unread(member, "Datapath_Binding", reason)),
    }
}
