//! Why there is no cluster, in the words of the product's services: what a command that forms it says is often only what
//! follows, `EOF` or a deadline.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::observe::Members;
use super::{Batch, ClusterError};
use crate::lxd::Client;
use crate::microovn::{Cause, Gravity, JournalLine, find_cause, parse_journal, parse_logs};
use crate::plan::Programs;

/// Prints what a member's journal has since a moment, without what is told of good days, and no more than is read of it.
/// The beginning is kept, because the first error is wanted.
const JOURNAL: &str = r#"
fields=MESSAGE,UNIT,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER,_COMM,_TRANSPORT,COREDUMP_UNIT,COREDUMP_COMM
journalctl --boot --no-pager --quiet --output=json --output-fields="$fields" --since="$1" |
    grep --invert-match --extended-regexp '\|(INFO|DBG)\||"MESSAGE":"\++ ' | head --bytes=4194304
"#;
/// The log files of the services, also those that MicroOVN moved away when it failed.
const LOGS: [&str; 8] = [
    "grep",
    "--recursive",
    "--with-filename",
    "--invert-match",
    "--max-count=2000",
    "--include=*.log",
    r"--regexp=|\(INFO\|DBG\)|",
    "/var/snap/microovn/common",
];
/// The members may be the very thing that is broken.
const READ: Duration = Duration::from_secs(30);

/// When what is done to each member began, by its name, as its own clock has it: `<seconds>.<microseconds>` since 1970.
#[derive(Debug, Default)]
pub struct Begun(Mutex<BTreeMap<String, String>>);

impl Begun {
    /// Notes when it began for a member.
    pub fn note(&self, member: &str, moment: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(member.to_owned(), moment);
    }

    fn of(&self, member: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(member).cloned();
        // What never came up is looked at from its boot on.
        known.filter(|moment| micros(moment).is_some()).unwrap_or_else(|| "0".to_owned())
    }
}

fn micros(moment: &str) -> Option<u64> {
    let (seconds, rest) = moment.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + rest.parse::<u64>().ok()?)
}

/// The error with the product's own first error since the attempt began, where the members' journals or log files have
/// one that says more; the error itself where they have not, or where it is nothing of the product's.
pub async fn explain(client: &Client, instances: &Members, begun: &Begun, error: ClusterError) -> ClusterError {
    if !error.is_products() {
        return error;
    }
    let found = join_all(instances.iter().map(|(member, instance)| look(client, member, instance, begun))).await;
    let first = found.into_iter().flatten().min_by_key(|(_, cause)| (cause.gravity, cause.at));
    match first {
        // What goes on after a complaint may have had nothing to do with it: a reason that was given is a better one.
        Some((_, cause)) if cause.gravity == Gravity::Complaint && error.gives_a_reason() => error,
        Some((member, cause)) => error.because(member, cause),
        None => error,
    }
}

/// The first error of one member.
async fn look(client: &Client, member: &str, instance: &str, begun: &Begun) -> Option<(String, Cause)> {
    let moment = begun.of(member);
    let journal = ["bash", "-c", JOURNAL, "journal", &format!("@{moment}")].map(str::to_owned).to_vec();
    let commands = [journal, LOGS.map(str::to_owned).to_vec()];
    let batch = Batch { client, instance, programs: &Programs::default(), deadline: READ };
    let mut printed = batch.together(&commands).await.into_iter();
    let mut next = || printed.next().and_then(Result::ok).unwrap_or_default();
    let (journal, mut logs) = (parse_journal(&next()), parse_logs(&next()));
    let since = micros(&moment).unwrap_or_default();
    logs.retain(|line| line.at >= since);
    worst(&journal, &logs).map(|cause| (member.to_owned(), cause))
}

/// What the journal says; what the log files say, where that is graver: on some hosts the services do not reach the journal.
fn worst(journal: &[JournalLine], logs: &[JournalLine]) -> Option<Cause> {
    let both = [find_cause(journal), find_cause(logs)];
    both.into_iter().flatten().min_by_key(|cause| cause.gravity)
}
