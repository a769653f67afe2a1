//! Runs commands in instances and collects what they print.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;

use super::client::Client;
use super::command::{Exec, ExecOutput};
use super::dialect;
use super::envelope;
use super::error::{Error, Fault};
use super::exec_session::{ExecBody, Session, exit_code, next_piece};
use super::kind::ErrorKind;
use super::operation::{Operation, OperationId};
use super::request::Request;
use super::websocket::{Message, WebSocket};

/// How long the end of a killed command is waited for: a busy LXD takes its time for that, too.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// The largest message that carries input, in bytes.
const INPUT_CHUNK: usize = 64 * 1024;

impl Client {
    /// Runs a command over WebSockets and returns its exit code and output, which are kept apart.
    ///
    /// A command that does not end in time is killed, and the error is `Timeout`; one that prints more than its limit
    /// is killed, and the error is `Truncated`. Dropping the future kills it too. Processes that the command started
    /// may live on. A connection that breaks while it runs is `Unreachable`. A command that LXD never began is begun
    /// again, as long as there is time.
    pub async fn exec(&self, instance: &str, exec: &Exec) -> Result<ExecOutput, Error> {
        let attempt = exec.attempt(instance);
        let mut tries = self.tries(&attempt, exec.timeout);
        loop {
            let tried = match self.exec_or_fault(instance, exec, tries.left()).await {
                Ok(output) => return Ok(output),
                Err(fault) => tries.again(fault).await,
            };
            tried.map_err(|fault| self.error(&attempt, fault))?;
        }
    }

    /// Runs a command whose output LXD records in files, fetches them and deletes them.
    ///
    /// It needs no WebSocket and survives a broken connection, but takes no input and cannot be killed: after
    /// `Timeout` the command goes on.
    pub async fn exec_recorded(&self, instance: &str, exec: &Exec) -> Result<ExecOutput, Error> {
        self.recorded_or_fault(instance, exec).await.map_err(|fault| self.error(exec.attempt(instance), fault))
    }

    async fn exec_or_fault(&self, instance: &str, exec: &Exec, timeout: Duration) -> Result<ExecOutput, Fault> {
        let begun = Instant::now();
        let body = ExecBody { wait_for_websocket: true, ..exec.body() };
        let request = exec.request(instance, &body).deadline(timeout);
        let printed = AtomicU64::new(0);

        let Session { id, first, mut control, data } = Session::open(self, &request, &["0", "1", "2"]).await?;
        let [stdin, mut stdout, mut stderr] = <[WebSocket; 3]>::try_from(data)
            .map_err(|_| Fault::protocol("three data sockets were asked for", "another number"))?;

        let outcome = {
            let collect = async {
                let budget = Budget { printed: &printed, limit: exec.output_limit };
                let output =
                    tokio::try_join!(budget.collect(&mut stdout, "stdout"), budget.collect(&mut stderr, "stderr"))?;
                // A command may close its outputs and go on: its operation says when it ends.
                let patience = timeout + KILL_DEADLINE;
                let operation = self.wait_until(&id, Some(first), begun, patience).await?;
                Ok::<_, Fault>((output, operation))
            };
            let input = async {
                feed(stdin, exec.stdin.clone()).await;
                std::future::pending::<()>().await
            };
            tokio::select! {
                outcome = tokio::time::timeout(timeout.saturating_sub(begun.elapsed()), collect) => outcome,
                () = input => unreachable_input(),
                () = control.answer_pings() => unreachable_input(),
            }
        };
        match outcome {
            Ok(Ok(((stdout, stderr), operation))) => {
                control.finished();
                Ok(ExecOutput { exit_code: exit_code(&operation)?, stdout, stderr })
            }
            Ok(Err(fault)) => {
                control.kill().await;
                Err(self.or_never_began(&id, fault).await)
            }
            Err(_) => {
                let after = begun.elapsed();
                control.kill().await;
                let ended = self.wait_until(&id, None, Instant::now(), KILL_DEADLINE).await;
                let end = match ended {
                    Err(fault) if matches!(fault.kind(), ErrorKind::Timeout { .. }) => "did not end on SIGKILL",
                    _ => "killed",
                };
                let bytes = printed.load(Ordering::Relaxed);
                Err(Fault::timeout(after, format!("operation {id} Running, {bytes} bytes of output, {end}")))
            }
        }
    }

    /// The fault, or that LXD never began with the command, where its operation ended so: it then cuts the sockets, which
    /// says nothing.
    async fn or_never_began(&self, id: &OperationId, fault: Fault) -> Fault {
        let told = match fault.kind() {
            ErrorKind::Unreachable => self.wait_until(id, None, Instant::now(), KILL_DEADLINE).await.err(),
            _ => None,
        };
        match told {
            Some(told) if told.words(dialect::says_no_sockets) => told.with_never_began(true),
            _ => {
                let never = fault.words(dialect::says_no_sockets);
                fault.with_never_began(never)
            }
        }
    }

    async fn recorded_or_fault(&self, instance: &str, exec: &Exec) -> Result<ExecOutput, Fault> {
        if !exec.stdin.is_empty() {
            return Err(Fault::invalid("a recorded command takes no input"));
        }
        let begun = Instant::now();
        let body = ExecBody { record_output: true, ..exec.body() };
        let answer = self.answer_or_fault(&exec.request(instance, &body)).await?;
        let (id, first) = envelope::decode(answer.status, &answer.body)?.into_async()?;
        let operation = self.wait_until(&id, Some(first), begun, exec.timeout).await?;
        let logs = recorded_logs(&operation)?;
        let mut outputs = Vec::with_capacity(2);
        let mut left = exec.output_limit;
        for log in &logs {
            let request = Request::get(&names(log), "").reply_limit(left);
            let read = self.answer_or_fault(&request).await.and_then(|answer| match answer.status {
                200 => Ok(answer.body),
                status => Err(envelope::decode(status, &answer.body)
                    .err()
                    .unwrap_or_else(|| Fault::protocol("no log", &String::from_utf8_lossy(&answer.body)))),
            });
            left -= read.as_ref().map_or(0, |body| body.len() as u64);
            outputs.push(read);
        }
        // The files would stay for as long as the instance: they go before any failure to read them is reported.
        for log in &logs {
            let request = Request::delete(&names(log), format!("delete recorded output {:?}", log.join("/")));
            if let Err(error) = self.done_or_gone(&request.repeatable()).await {
                tracing::warn!(%error, "recorded output stays");
            }
        }
        let mut outputs = outputs.into_iter();
        let (stdout, stderr) = (outputs.next().unwrap_or(Ok(Bytes::new())), outputs.next().unwrap_or(Ok(Bytes::new())));
        let limit = |fault: Fault| match fault.kind() {
            ErrorKind::Truncated { .. } => Fault::new(ErrorKind::Truncated { limit: exec.output_limit }),
            _ => fault,
        };
        Ok(ExecOutput {
            exit_code: exit_code(&operation)?,
            stdout: stdout.map_err(limit)?,
            stderr: stderr.map_err(limit)?,
        })
    }
}

/// The paths, below the API's version, of what holds the stdout and the stderr of a recorded command, in this order.
fn recorded_logs(operation: &Operation) -> Result<[Vec<String>; 2], Fault> {
    #[derive(Deserialize)]
    struct Recorded {
        output: BTreeMap<String, String>,
    }
    let recorded: Recorded = Recorded::deserialize(&operation.metadata)
        .map_err(|_| Fault::protocol("the command's operation names no recorded output", &operation.status))?;
    let path = |fd: &str| {
        let url = recorded.output.get(fd).map(String::as_str).unwrap_or_default();
        dialect::recorded_log(url).ok_or_else(|| Fault::protocol(format!("no recorded output {fd}"), url))
    };
    Ok([path("1")?, path("2")?])
}

fn names(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// What both outputs of a command may hold together.
struct Budget<'a> {
    printed: &'a AtomicU64,
    limit: u64,
}

impl Budget<'_> {
    async fn collect(&self, socket: &mut WebSocket, name: &str) -> Result<Bytes, Fault> {
        let mut all = BytesMut::new();
        while let Some(piece) = next_piece(socket, name).await? {
            let size = piece.len() as u64;
            if self.printed.fetch_add(size, Ordering::Relaxed) + size > self.limit {
                return Err(Fault::new(ErrorKind::Truncated { limit: self.limit }).with_text("output"));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

/// Writes all input and its end mark, an empty text message. A command that does not read all of it is no failure.
async fn feed(socket: WebSocket, mut input: Bytes) {
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while !input.is_empty() {
            let chunk = input.split_to(input.len().min(INPUT_CHUNK));
            sink.send(Message::Binary(chunk)).await?;
        }
        sink.send(Message::Text(String::new().into())).await
    };
    // Reading is what answers LXD's keepalive pings.
    let read = async { while let Some(Ok(_)) = stream.next().await {} };
    let (written, ()) = tokio::join!(write, read);
    if let Err(error) = written {
        tracing::trace!(%error, "the command did not read all of its input");
    }
}

/// What feeds the command and answers its pings never completes.
fn unreachable_input<T>() -> Result<Result<T, Fault>, tokio::time::error::Elapsed> {
    Ok(Err(Fault::invalid("the command's input ended the wait for it")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::before_5_15("exec_1")]
    #[case::since("exec-output/exec_1")]
    fn recorded_output_is_found_by_its_whole_urls(#[case] file: &str) {
        let operation: Operation = serde_json::from_value(serde_json::json!({
            "id": "a", "class": "task", "status": "Success", "status_code": 200,
            "metadata": {"return": 3, "output": {
                "1": format!("/1.0/instances/a/logs/{file}.stdout"),
                "2": format!("/1.0/instances/a/logs/{file}.stderr?project=p")}},
        }))
        .expect("operation");
        let logs = recorded_logs(&operation).expect("logs").map(|log| log.join("/"));
        assert_eq!(logs, ["stdout", "stderr"].map(|end| format!("instances/a/logs/{file}.{end}")));
        assert_eq!(exit_code(&operation).expect("code"), 3);
    }
}
