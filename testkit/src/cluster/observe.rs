//! Reading what the nodes say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;

use super::Batch;
use crate::expect::{Observation, Read, Subject};
use crate::lxd::Client;
use crate::microovn::redact;
use crate::plan::State;

/// A single MicroOVN command can take over 30 s just after a member died.
const READ: Duration = Duration::from_secs(45);

/// The instance of every member, by member name.
pub type Members = BTreeMap<String, String>;

/// Takes the readings named by `subjects` on every member they apply to, all at once and by one command a member, into
/// `observation`.
///
/// A reading that cannot be taken is recorded as failed, with the reason.
pub async fn observe(
    client: &Client,
    state: &State,
    instances: &Members,
    subjects: &BTreeSet<Subject>,
    observation: &mut Observation,
) {
    for last in [false, true] {
        take(client, state, instances, subjects, last, observation).await;
    }
}

/// Takes those that are taken together, or those that are taken last.
async fn take(
    client: &Client,
    state: &State,
    instances: &Members,
    subjects: &BTreeSet<Subject>,
    last: bool,
    observation: &mut Observation,
) {
    let programs = &state.programs();
    let readings = state.asked().map(|member| async move {
        let reads = subjects.iter().flat_map(|subject| subject.reads(state, member));
        let reads: BTreeSet<Read> = reads.filter(|read| read.is_taken_last() == last).collect();
        if reads.is_empty() {
            return (member, reads.into_iter().zip(Vec::new()));
        }
        let argvs: Vec<Vec<String>> = reads.iter().map(|read| read.argv(state, member)).collect();
        let outputs = match instances.get(&member.name) {
            Some(instance) => Batch { client, instance, programs, deadline: READ }.together(&argvs).await,
            None => vec![Err("the member has no instance".to_owned()); argvs.len()],
        };
        (member, reads.into_iter().zip(outputs))
    });
    for (member, outputs) in join_all(readings).await {
        for (read, output) in outputs {
            observation.record(&member.name, read, output.as_deref().map_err(|said| redact(said)));
        }
    }
}
