//! The WebSockets behind a running command: opening them, and the control socket that can end the command.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::dialect;
use super::envelope;
use super::error::Fault;
use super::kind::ErrorKind;
use super::operation::{Operation, OperationId};
use super::request::Request;
use super::websocket::{Message, WebSocket, WebSocketError};

/// SIGKILL; the same number on all architectures of Linux.
pub(crate) const SIGKILL: i32 = 9;

/// How long sending a word over the control socket may take.
const CONTROL_DEADLINE: Duration = Duration::from_secs(2);

/// The body of LXD's `POST /1.0/instances/<name>/exec`.
#[derive(Serialize)]
pub(crate) struct ExecBody<'a> {
    pub(crate) command: &'a [String],
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) interactive: bool,
    #[serde(rename = "wait-for-websocket")]
    pub(crate) wait_for_websocket: bool,
    #[serde(rename = "record-output")]
    pub(crate) record_output: bool,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) user: u32,
    pub(crate) group: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cwd: Option<&'a str>,
}

/// A command that LXD started, or will once all its WebSockets are open.
pub(crate) struct Session {
    pub(crate) id: OperationId,
    pub(crate) first: Operation,
    pub(crate) control: Control,
    /// The data sockets in the order they were asked for.
    pub(crate) data: Vec<WebSocket>,
}

/// The control socket. Dropped before [`Control::finished`] it kills the command.
#[derive(Debug)]
pub(crate) struct Control {
    socket: Option<WebSocket>,
}

#[derive(Deserialize)]
struct ExecMetadata {
    fds: BTreeMap<String, String>,
}

impl Session {
    /// Posts the command and opens its control socket and the named data sockets, within the request's deadline; again
    /// where LXD never began with the command, which it does when all data sockets are there.
    pub(crate) async fn open(client: &Client, request: &Request, fds: &[&str]) -> Result<Session, Fault> {
        let mut tries = client.tries(&request.attempt, request.deadline);
        loop {
            let opened = tokio::time::timeout(tries.left(), Session::open_once(client, request, fds)).await;
            match opened {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(fault)) => tries.again(fault).await?,
                Err(_) => return Err(Fault::timeout(request.deadline, "the command was being started")),
            }
        }
    }

    async fn open_once(client: &Client, request: &Request, fds: &[&str]) -> Result<Session, Fault> {
        let answer = client.answer_or_fault(request).await?;
        let (id, first) = envelope::decode(answer.status, &answer.body)?.into_async()?;
        let ExecMetadata { fds: secrets } = envelope::metadata(first.metadata.clone()).map_err(no_secrets)?;
        // LXD starts a command as soon as its data sockets are there, so control comes first: from then on it can be ended.
        let control = Control { socket: Some(connect(client, &id, &secrets, "control").await?) };
        let mut data = Vec::with_capacity(fds.len());
        for fd in fds {
            data.push(connect(client, &id, &secrets, fd).await?);
        }
        Ok(Session { id, first, control, data })
    }
}

async fn connect(
    client: &Client,
    id: &OperationId,
    secrets: &BTreeMap<String, String>,
    fd: &str,
) -> Result<WebSocket, Fault> {
    let secret = secrets
        .get(fd)
        .ok_or_else(|| Fault::protocol(format!("no WebSocket {fd:?} was offered"), &format!("{:?}", secrets.keys())))?;
    let request = Request::get(&["operations", id.as_str(), "websocket"], "").query("secret", secret.as_str());
    // One that LXD refuses is not there, so the command has not begun; it may end up forgotten before the last is asked for.
    let refused = |fault: Fault| {
        let never = fault.code() == Some(404) || fault.words(dialect::says_no_sockets);
        fault.with_never_began(never)
    };
    client.websocket(&request).await.map_err(refused)
}

/// The metadata of a command holds its arguments and environment, which may be secret: they are not quoted.
fn no_secrets(_: Fault) -> Fault {
    Fault::protocol("the operation offers no WebSockets", "(withheld: it holds the command's arguments)")
}

impl Control {
    /// Sends one of LXD's control messages, such as a signal or a window size.
    pub(crate) async fn send(&mut self, message: &Value) -> Result<(), Fault> {
        match &mut self.socket {
            Some(socket) => send(socket, message).await,
            None => Err(Fault::new(ErrorKind::Unreachable).with_text("the command has ended")),
        }
    }

    /// Reads, and so answers, LXD's keepalive pings until the socket ends; then waits for ever.
    pub(crate) async fn answer_pings(&mut self) {
        if let Some(socket) = &mut self.socket {
            while let Some(Ok(_)) = socket.next().await {}
        }
        std::future::pending().await
    }

    /// Kills the command. What it started itself may live on.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            kill(&mut socket).await;
        }
    }

    /// Declares the command ended: there is nothing to kill any more.
    pub(crate) fn finished(&mut self) {
        self.socket = None;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // LXD kills the command when its control socket breaks; the signal is for servers that do not notice.
        if let (Some(mut socket), Ok(runtime)) = (self.socket.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { kill(&mut socket).await });
        }
    }
}

async fn kill(socket: &mut WebSocket) {
    if let Err(fault) = send(socket, &signal(SIGKILL)).await {
        tracing::debug!(%fault, "the command was not killed by signal");
    }
}

/// LXD's control message that sends a signal to the command.
pub(crate) fn signal(number: i32) -> Value {
    json!({"command": "signal", "signal": number})
}

/// LXD's control message that sets the size of the command's terminal, which takes numbers as text.
pub(crate) fn window_size(columns: u16, rows: u16) -> Value {
    json!({"command": "window-resize", "args": {"width": columns.to_string(), "height": rows.to_string()}})
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), Fault> {
    let sent = socket.send(Message::Text(message.to_string().into()));
    match tokio::time::timeout(CONTROL_DEADLINE, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(broken("control", source)),
        Err(_) => Err(Fault::timeout(CONTROL_DEADLINE, "control socket does not take a message")),
    }
}

/// The next piece of what LXD sends on a data socket; `None` at its end mark, which is an empty text message or a
/// closing handshake. A socket that ends without one was cut, and so was what it carried.
pub(crate) async fn next_piece<S>(socket: &mut S, name: &str) -> Result<Option<bytes::Bytes>, Fault>
where
    S: futures_util::Stream<Item = Result<Message, WebSocketError>> + Unpin,
{
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes)),
            Some(Ok(Message::Text(text))) if text.is_empty() => return Ok(None),
            Some(Ok(Message::Text(text))) => return Ok(Some(text.into())),
            Some(Ok(Message::Close(_))) => return Ok(None),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(source)) => return Err(broken(name, source)),
            None => return Err(Fault::new(ErrorKind::Unreachable).with_text(format!("the {name} socket was cut"))),
        }
    }
}

pub(crate) fn broken(name: &str, source: WebSocketError) -> Fault {
    Fault::new(ErrorKind::Unreachable).with_text(format!("the {name} socket broke")).with_source(source)
}

/// The exit code in the metadata of a command's operation.
pub(crate) fn exit_code(operation: &Operation) -> Result<i32, Fault> {
    operation
        .metadata
        .get("return")
        .and_then(Value::as_i64)
        .and_then(|code| i32::try_from(code).ok())
        .ok_or_else(|| Fault::protocol("the command's operation ended without an exit code", &operation.status))
}
