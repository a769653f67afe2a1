//! An interactive command on a terminal of its own in an instance.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::Mutex;

use super::client::Client;
use super::command::Exec;
use super::error::{Error, Fault};
use super::exec_session::{Control, ExecBody, Session, broken, exit_code, next_piece, signal, window_size};
use super::kind::ErrorKind;
use super::operation::{Operation, OperationId};
use super::websocket::{Message, WebSocket};

/// How long the terminal may take to accept input before the write fails.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How long closing a terminal whose command has ended may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// A command on a terminal. Dropping it kills the command, as far as that can be reached.
///
/// For a shell of a person, [`split`](Pty::split) it: one task copies the reader out, one copies keys to the writer,
/// and the control passes window sizes on and waits for the end.
#[derive(Debug)]
pub struct Pty {
    reader: PtyReader,
    writer: PtyWriter,
    control: PtyControl,
}

/// What the terminal shows.
pub struct PtyReader {
    attempt: String,
    stream: SplitStream<WebSocket>,
    /// LXD ends the command's operation only when this side closes too.
    sink: Sink,
    ended: bool,
}

/// The terminal's keys.
pub struct PtyWriter {
    attempt: String,
    sink: Sink,
}

type Sink = Arc<Mutex<SplitSink<WebSocket, Message>>>;

/// Signals, the window's size and the exit code. Dropping it kills the command.
#[derive(Debug)]
pub struct PtyControl {
    attempt: String,
    client: Client,
    id: OperationId,
    first: Operation,
    control: Control,
}

impl Client {
    /// Starts a command on a terminal of `size` columns and rows. Input and output limit of `exec` do not apply; its
    /// timeout bounds the start only. Set `TERM` in its environment.
    pub async fn exec_pty(&self, instance: &str, exec: &Exec, size: (u16, u16)) -> Result<Pty, Error> {
        let attempt = exec.attempt(instance);
        let (width, height) = size;
        let body = ExecBody { interactive: true, wait_for_websocket: true, width, height, ..exec.body() };
        let request = exec.request(instance, &body).deadline(exec.timeout);
        let opened = Session::open(self, &request, &["0"]).await;
        let Session { id, first, control, mut data } = opened.map_err(|fault| self.error(&attempt, fault))?;
        let terminal =
            data.pop().ok_or_else(|| Error::new(&attempt, Fault::protocol("a data socket was asked for", "none")))?;
        let (sink, stream) = StreamExt::split(terminal);
        let sink = Arc::new(Mutex::new(sink));
        Ok(Pty {
            reader: PtyReader { attempt: attempt.clone(), stream, sink: Arc::clone(&sink), ended: false },
            writer: PtyWriter { attempt: attempt.clone(), sink },
            control: PtyControl::new(attempt, self.clone(), id, first, control),
        })
    }
}

impl Pty {
    /// The next piece of what the terminal shows; `None` when the command has ended. Dropping the future loses nothing.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        self.reader.read().await
    }

    /// Types `keys`.
    pub async fn write(&mut self, keys: &[u8]) -> Result<(), Error> {
        self.writer.write(keys).await
    }

    /// Tells the terminal its size in columns and rows; the command gets SIGWINCH.
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Error> {
        self.control.resize(columns, rows).await
    }

    /// Sends a signal to the command.
    pub async fn signal(&mut self, number: i32) -> Result<(), Error> {
        self.control.signal(number).await
    }

    /// Waits for the command to end, dropping what it still shows, and returns its exit code. After the deadline the
    /// command is killed and the error is `Timeout`.
    pub async fn wait(self, deadline: Duration) -> Result<i32, Error> {
        let Pty { mut reader, writer, control } = self;
        // LXD ends a command's operation only after its output was taken.
        let drain = async {
            while let Ok(Some(_)) = reader.read().await {}
            std::future::pending().await
        };
        tokio::select! {
            result = control.wait(deadline) => {
                drop(writer);
                result
            }
            never = drain => never,
        }
    }

    /// Takes it apart for use from several tasks.
    pub fn split(self) -> (PtyReader, PtyWriter, PtyControl) {
        (self.reader, self.writer, self.control)
    }
}

impl PtyReader {
    /// The next piece of what the terminal shows; `None` when the command has ended. Dropping the future loses nothing.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let piece = next_piece(&mut self.stream, "terminal").await;
        if !matches!(piece, Ok(Some(_))) {
            self.ended = true;
            // LXD may have closed first, and a writer that hangs must not keep the reader from its end.
            let close = async { self.sink.lock().await.close().await };
            if !matches!(tokio::time::timeout(CLOSE_DEADLINE, close).await, Ok(Ok(()))) {
                tracing::trace!("the terminal was closed by LXD");
            }
        }
        piece.map_err(|fault| Error::new(&self.attempt, fault))
    }
}

impl PtyWriter {
    /// Types `keys`. A terminal that takes none for 30 s is `Timeout`.
    pub async fn write(&mut self, keys: &[u8]) -> Result<(), Error> {
        let keys = Message::Binary(Bytes::copy_from_slice(keys));
        let send = async { self.sink.lock().await.send(keys).await };
        let fault = match tokio::time::timeout(WRITE_DEADLINE, send).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(source)) => broken("terminal", source),
            Err(_) => Fault::timeout(WRITE_DEADLINE, "the terminal does not take input"),
        };
        Err(Error::new(&self.attempt, fault))
    }
}

impl PtyControl {
    /// Of a command that was started, whatever its data sockets are.
    pub(super) fn new(attempt: String, client: Client, id: OperationId, first: Operation, control: Control) -> Self {
        Self { attempt, client, id, first, control }
    }

    /// Tells the terminal its size in columns and rows; the command gets SIGWINCH.
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Error> {
        let sent = self.control.send(&window_size(columns, rows)).await;
        sent.map_err(|fault| Error::new(&self.attempt, fault))
    }

    /// Sends a signal to the command.
    pub async fn signal(&mut self, number: i32) -> Result<(), Error> {
        self.control.send(&signal(number)).await.map_err(|fault| Error::new(&self.attempt, fault))
    }

    /// Waits for the command to end and returns its exit code. LXD does not end it before its output was taken:
    /// read the reader to its end meanwhile, or drop reader and writer. After the deadline the command is killed and the error is `Timeout`.
    pub async fn wait(mut self, deadline: Duration) -> Result<i32, Error> {
        let waited = {
            let wait = self.client.wait_until(&self.id, Some(self.first.clone()), Instant::now(), deadline);
            tokio::select! {
                waited = wait => waited,
                () = self.control.answer_pings() => Err(Fault::invalid("the control socket ended the wait")),
            }
        };
        match waited {
            Ok(operation) => {
                self.control.finished();
                exit_code(&operation)
            }
            Err(fault) => {
                match fault.kind() {
                    // There is nothing left to kill.
                    ErrorKind::OperationFailed | ErrorKind::OperationLost => self.control.finished(),
                    _ => self.control.kill().await,
                }
                Err(fault)
            }
        }
        .map_err(|fault| Error::new(&self.attempt, fault))
    }
}

impl fmt::Debug for PtyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PtyReader").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl fmt::Debug for PtyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PtyWriter").finish_non_exhaustive()
    }
}
