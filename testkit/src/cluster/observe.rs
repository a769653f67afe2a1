//! Reading what the nodes say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;

use crate::expect::{Observation, Read, Subject};
use crate::lxd::{Client, Exec};
use crate::plan::Plan;
use crate::report::chain;

/// A single MicroOVN command can take over 30 s just after a member died.
const READ: Duration = Duration::from_secs(45);

/// Where a member's commands are; snaps' are in the last.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// The instance of every member, by member name.
pub type Members = BTreeMap<String, String>;

/// Takes the readings named by `subjects` on every member they apply to, all at once, into `observation`.
///
/// A reading that cannot be taken is recorded as failed, with the reason.
pub async fn observe(
    client: &Client,
    plan: &Plan,
    instances: &Members,
    subjects: &BTreeSet<Subject>,
    observation: &mut Observation,
) {
    let wanted = plan.members.iter().flat_map(|member| {
        let reads: BTreeSet<Read> = subjects.iter().flat_map(|subject| subject.reads(plan, member)).collect();
        reads.into_iter().map(move |read| (member.name.as_str(), read))
    });
    let readings = wanted.map(|(member, read)| async move {
        let output = match instances.get(member) {
            Some(instance) => run(client, instance, read).await,
            None => Err("the member has no instance".to_owned()),
        };
        (member, read, output)
    });
    for (member, read, output) in join_all(readings).await {
        observation.record(member, read, output.as_deref().map_err(Clone::clone));
    }
}

/// The standard output of one read, or why there is none.
async fn run(client: &Client, instance: &str, read: Read) -> Result<String, String> {
    let argv = read.argv();
    let command = argv.join(" ");
    let exec = Exec::new(argv).env("PATH", PATH).timeout(READ);
    match client.exec(instance, &exec).await {
        Ok(output) if output.success() => Ok(output.stdout_text()),
        Ok(output) => Err(format!("`{command}` exited with {}: {}", output.exit_code, output.stderr_text().trim())),
        Err(error) => Err(chain(&error)),
    }
}
