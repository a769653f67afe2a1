//! LXD's background operations: wait for, list, cancel and time out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, found};
use super::dialect;
use super::envelope::{self, Reply, null_as_default};
use super::error::{Error, Fault};
use super::kind::ErrorKind;
use super::request::Request;

/// The longest that one request waits at the server, so that a dead connection is noticed.
const WAIT_AT_SERVER: Duration = Duration::from_secs(10);

/// How often a wait may be answered with nothing before that is an error.
const EMPTY_ANSWERS: usize = 3;

/// How long the best-effort cancellation of a timed-out operation may take.
const CANCEL_DEADLINE: Duration = Duration::from_secs(2);

/// LXD's status code of a cancelled operation (`doc/rest-api.md`, "Status codes").
const CANCELLED: u16 = 401;

/// The identifier of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationId(String);

/// A background operation as LXD shows it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Operation {
    /// The identifier.
    pub id: String,
    /// `task`, `websocket` or `token`.
    pub class: String,
    /// What it does, in LXD's words.
    #[serde(default)]
    pub description: String,
    /// `Pending`, `Running`, `Success`, `Failure`, `Cancelled`, …
    pub status: String,
    /// 100 to 199 while it goes on, 200 to 399 when it succeeded, above when it did not.
    pub status_code: u16,
    /// The URLs of the entities it works on, by kind.
    #[serde(default, deserialize_with = "null_as_default")]
    pub resources: BTreeMap<String, Vec<String>>,
    /// What it reports; its shape depends on the operation.
    #[serde(default)]
    pub metadata: Value,
    /// Whether it can be cancelled.
    #[serde(default)]
    pub may_cancel: bool,
    /// Why it failed.
    #[serde(default)]
    pub err: String,
    /// As what, in the numbers of HTTP; 0 where the release does not say.
    #[serde(default)]
    pub err_code: u16,
    /// The cluster member it runs on; `none` without a cluster.
    #[serde(default)]
    pub location: String,
}

impl OperationId {
    /// Takes the identifier out of an operation's URL, whose host, version and query (a cluster appends
    /// `?project=…`) do not matter, or takes a bare identifier.
    pub(crate) fn parse(url: &str) -> Result<OperationId, Fault> {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let id = match path.rsplit_once("/operations/") {
            Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
            None => path,
        };
        let is_uuid = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if is_uuid { Ok(OperationId(id.to_owned())) } else { Err(Fault::protocol("no operation URL", url)) }
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Operation {
    /// Whether it has ended, well or not.
    pub fn is_final(&self) -> bool {
        self.status_code >= 200
    }

    /// Whether LXD itself does something, as opposed to passing on what a command in an instance does.
    pub fn is_task(&self) -> bool {
        dialect::is_work(&self.class)
    }

    /// The names of the instances it works on.
    pub fn instance_names(&self) -> Vec<String> {
        dialect::instances_of(&self.resources, &self.metadata)
    }

    /// What was done at once, with what LXD answered.
    fn at_once(metadata: Value) -> Operation {
        Operation {
            id: String::new(),
            class: "task".to_owned(),
            description: String::new(),
            status: "Success".to_owned(),
            status_code: 200,
            resources: BTreeMap::new(),
            metadata,
            may_cancel: false,
            err: String::new(),
            err_code: 0,
            location: String::new(),
        }
    }

    /// How far it has come, in LXD's words.
    pub(super) fn progress(&self) -> &str {
        dialect::progress(&self.metadata)
    }

    fn into_result(self) -> Result<Operation, Fault> {
        if (200..400).contains(&self.status_code) {
            return Ok(self);
        }
        let own = (self.err_code != 0).then_some(self.err_code);
        let cancelled = self.status_code == CANCELLED && self.err.is_empty();
        let text = if cancelled { "it was cancelled".to_owned() } else { self.err };
        Err(Fault::operation_failed(own, self.status_code, text))
    }
}

impl Client {
    /// Lists the operations of the client's project that LXD still knows.
    pub async fn list_operations(&self) -> Result<Vec<Operation>, Error> {
        let request = Request::get(&["operations"], "list operations").query("recursion", "1");
        // By status: {"running": [...], "success": [...]}; null where there is none.
        let by_status: Option<BTreeMap<String, Vec<Operation>>> = self.sync(&request).await?;
        Ok(by_status.unwrap_or_default().into_values().flatten().collect())
    }

    /// Waits until the operation ends, at most for `deadline`, and returns it when it succeeded.
    ///
    /// `url` is what LXD gave, such as `/1.0/operations/<id>?project=a`, or the bare identifier. The operation is not
    /// cancelled when the deadline passes.
    pub async fn wait_operation(&self, url: &str, deadline: Duration) -> Result<Operation, Error> {
        let attempt = format!("wait for operation {url}");
        let id = OperationId::parse(url).map_err(|fault| self.error(&attempt, fault))?;
        self.wait_until(&id, None, Instant::now(), deadline).await.map_err(|fault| self.error(attempt, fault))
    }

    /// Sends a request that changes something and waits for the end of it, all within the request's deadline: LXD does
    /// it at once, or by an operation, depending on the release. An operation that outlives the deadline is cancelled,
    /// if LXD can do that, and the error says what it was last seen doing.
    pub(crate) async fn run(&self, request: &Request) -> Result<Operation, Error> {
        self.run_watched(request, |_| Ok(())).await
    }

    /// [`Client::run`], where `watch` is shown the operation at every look and may give it up.
    pub(crate) async fn run_watched(
        &self,
        request: &Request,
        watch: impl FnMut(&Operation) -> Result<(), Fault>,
    ) -> Result<Operation, Error> {
        let begun = Instant::now();
        let run = async {
            let answer = self.answer_or_fault(request).await?;
            let (id, operation) = match envelope::decode(answer.status, &answer.body)? {
                Reply::Sync(metadata) => return Ok(Operation::at_once(metadata)),
                Reply::Async(id, operation) => (id, operation),
            };
            let ended = self.wait_watched(&id, Some(operation), begun, request.deadline, watch).await;
            if ended.as_ref().is_err_and(|fault| matches!(fault.kind(), ErrorKind::Timeout { .. })) {
                let cancel = self.cancel(&id, "cancel a timed-out operation".to_owned());
                if !matches!(tokio::time::timeout(CANCEL_DEADLINE, cancel).await, Ok(Ok(()))) {
                    tracing::debug!(operation = %id, "a timed-out operation goes on: it cannot be cancelled");
                }
            }
            ended
        };
        run.await.map_err(|fault| self.error(&request.attempt, fault))
    }

    /// Polls LXD's own long poll until the operation is final. The time since `begun` counts.
    pub(crate) async fn wait_until(
        &self,
        id: &OperationId,
        first: Option<Operation>,
        begun: Instant,
        deadline: Duration,
    ) -> Result<Operation, Fault> {
        self.wait_watched(id, first, begun, deadline, |_| Ok(())).await
    }

    async fn wait_watched(
        &self,
        id: &OperationId,
        first: Option<Operation>,
        begun: Instant,
        deadline: Duration,
        mut watch: impl FnMut(&Operation) -> Result<(), Fault>,
    ) -> Result<Operation, Fault> {
        let mut last = first;
        let mut empty = 0;
        loop {
            if let Some(operation) = last.take_if(|operation| operation.is_final()) {
                return operation.into_result();
            }
            if let Some(operation) = &last {
                watch(operation)?;
            }
            let remaining = deadline.saturating_sub(begun.elapsed());
            if remaining.is_zero() {
                return Err(Fault::timeout(begun.elapsed(), last_seen(id, last.as_ref())));
            }
            match self.wait_once(id, remaining).await {
                Ok(Some(operation)) => last = Some(operation),
                // Seen once, from a busy LXD 5.0: a wait that is answered with nothing says nothing about the operation.
                Ok(None) if empty < EMPTY_ANSWERS => empty += 1,
                Ok(None) => return Err(Fault::protocol("the metadata lacks its shape", "null")),
                Err(fault) => match fault.kind() {
                    ErrorKind::Timeout { .. } => {
                        return Err(Fault::timeout(begun.elapsed(), last_seen(id, last.as_ref())));
                    }
                    ErrorKind::OperationLost => return Err(fault.with_text(last_seen(id, last.as_ref()))),
                    _ => return Err(fault),
                },
            }
        }
    }

    /// One long poll, of at most `remaining`. `Ok` is the operation as it is then; an error may be the operation's own.
    async fn wait_once(&self, id: &OperationId, remaining: Duration) -> Result<Option<Operation>, Fault> {
        // Whole seconds is all that LXD takes; the request's own deadline cuts the rest.
        let at_server = remaining.min(WAIT_AT_SERVER).as_secs().max(1);
        let request = Request::get(&["operations", id.as_str(), "wait"], "wait")
            .query("timeout", at_server.to_string())
            .deadline(remaining);
        let (status, reply) = self.ask_of_operation(&request).await?;
        match reply {
            Ok(operation) => Ok(operation),
            // Within a success: the operation failed, or the wait for it ended before it did.
            Err(fault) if status < 300 => {
                if fault.words(dialect::may_be_the_wait) {
                    let request = Request::get(&["operations", id.as_str()], "look").deadline(remaining);
                    let (_, reply) = self.ask_of_operation(&request).await?;
                    let operation = reply?;
                    if operation.as_ref().is_none_or(|operation| !operation.is_final()) {
                        return Ok(operation);
                    }
                }
                Err(fault.into_operations())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks about an operation: the HTTP status and what it says. That LXD does not know the operation is a fault of its
    /// own, and never `NotFound`: whoever deletes would take that for "gone".
    async fn ask_of_operation(&self, request: &Request) -> Result<(u16, Result<Option<Operation>, Fault>), Fault> {
        let answer = self.answer_or_fault(request).await?;
        if answer.status == 404 {
            return Err(Fault::new(ErrorKind::OperationLost));
        }
        Ok((answer.status, envelope::decode(answer.status, &answer.body).and_then(Reply::into_sync)))
    }

    async fn cancel(&self, id: &OperationId, attempt: String) -> Result<(), Error> {
        let request = Request::delete(&["operations", id.as_str()], attempt).repeatable();
        found(self.sync::<Value>(&request).await).map(drop)
    }
}

fn last_seen(id: &OperationId, operation: Option<&Operation>) -> String {
    match operation {
        None => format!("operation {id}, status unknown"),
        Some(operation) if operation.description.is_empty() => format!("operation {id} {}", operation.status),
        Some(operation) => format!("operation {id} ({}) {}", operation.description, operation.status),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1";

    #[rstest]
    #[case::path("/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1")]
    #[case::cluster("/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1?project=a")]
    #[case::websocket("/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1/websocket?secret=a")]
    #[case::host("https://10.0.0.1:8443/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1")]
    #[case::bare("7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1")]
    fn the_identifier_is_taken_from_any_form_of_the_url(#[case] url: &str) {
        assert_eq!(OperationId::parse(url).expect("parsed").as_str(), ID);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_id("/1.0/operations/")]
    #[case::no_uuid("/1.0/operations/../instances")]
    #[case::other("/1.0/instances/a")]
    fn what_is_no_operation_url_is_quoted(#[case] url: &str) {
        let error = Error::new("try", OperationId::parse(url).expect_err("refused"));
        assert!(error.to_string().contains(&format!("{url:?}")), "{error}");
    }
}
