//! A command in an instance whose input and outputs are pipes, talked to while it runs.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use super::client::Client;
use super::command::Exec;
use super::error::{Error, Fault};
use super::exec_session::{ExecBody, SIGKILL, Session, broken, next_piece};
use super::pty::PtyControl;
use super::websocket::{Message, WebSocket};

/// How long LXD may take to see that a command was killed.
const END_DEADLINE: Duration = Duration::from_secs(5);
/// How long the command may take to read input before the write fails.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// A command on pipes. Dropping it kills the command, as far as that can be reached.
pub struct Pipes {
    attempt: String,
    input: SplitSink<WebSocket, Message>,
    /// Carries nothing, but reading it is what answers LXD's keepalive pings.
    echo: SplitStream<WebSocket>,
    outputs: [Output; 2],
    control: PtyControl,
}

struct Output {
    name: &'static str,
    socket: Option<WebSocket>,
}

impl Client {
    /// Starts a command on pipes. Input and output limit of `exec` do not apply; its timeout bounds the start only.
    pub async fn exec_pipes(&self, instance: &str, exec: &Exec) -> Result<Pipes, Error> {
        let attempt = exec.attempt(instance);
        let body = ExecBody { wait_for_websocket: true, ..exec.body() };
        let request = exec.request(instance, &body).deadline(exec.timeout);
        let opened = Session::open(self, &request, &["0", "1", "2"]).await;
        let Session { id, first, control, data } = opened.map_err(|fault| self.error(&attempt, fault))?;
        let [input, stdout, stderr]: [WebSocket; 3] = data
            .try_into()
            .map_err(|_| Error::new(&attempt, Fault::protocol("three data sockets were asked for", "other")))?;
        let (input, echo) = StreamExt::split(input);
        let output = |name, socket| Output { name, socket: Some(socket) };
        let control = PtyControl::new(attempt.clone(), self.clone(), id, first, control);
        Ok(Pipes { attempt, input, echo, outputs: [output("stdout", stdout), output("stderr", stderr)], control })
    }
}

impl Pipes {
    /// The next piece that the command prints, on whichever output; `None` when it has closed both. Dropping the
    /// future loses nothing.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        let [stdout, stderr] = &mut self.outputs;
        let echo = &mut self.echo;
        loop {
            if stdout.socket.is_none() && stderr.socket.is_none() {
                return Ok(None);
            }
            let pings = async {
                while let Some(Ok(_)) = echo.next().await {}
                std::future::pending::<()>().await
            };
            let piece = tokio::select! {
                piece = stdout.next() => piece,
                piece = stderr.next() => piece,
                () = pings => None,
            };
            match piece {
                Some(Ok(bytes)) => return Ok(Some(bytes)),
                Some(Err(fault)) => return Err(Error::new(&self.attempt, fault)),
                // One of the outputs has ended.
                None => {}
            }
        }
    }

    /// Writes to the command's input. A command that reads nothing for 30 s is `Timeout`.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let send = self.input.send(Message::Binary(Bytes::copy_from_slice(bytes)));
        let fault = match tokio::time::timeout(WRITE_DEADLINE, send).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(source)) => broken("stdin", source),
            Err(_) => Fault::timeout(WRITE_DEADLINE, "the command does not read its input"),
        };
        Err(Error::new(&self.attempt, fault))
    }

    /// Ends the command's input, which then reads that there is no more.
    pub async fn close_input(&mut self) -> Result<(), Error> {
        let end = self.input.send(Message::Text(String::new().into()));
        match tokio::time::timeout(WRITE_DEADLINE, end).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(Error::new(&self.attempt, broken("stdin", source))),
            Err(_) => {
                Err(Error::new(&self.attempt, Fault::timeout(WRITE_DEADLINE, "the command does not read its input")))
            }
        }
    }

    /// Kills the command and waits until LXD is done with it. A command whose sockets are cut under it is killed too, but
    /// LXD 5.0.2 was seen to read wrong files after that.
    pub async fn end(mut self) {
        match self.control.signal(SIGKILL).await {
            Ok(()) => drop(self.wait(END_DEADLINE).await),
            Err(error) => tracing::debug!(%error, "the command is left to LXD"),
        }
    }

    /// Waits for the command to end, dropping what it still prints, and returns its exit code. After the deadline the
    /// command is killed and the error is `Timeout`.
    pub async fn wait(self, deadline: Duration) -> Result<i32, Error> {
        let Pipes { input, echo, outputs: [mut stdout, mut stderr], control, .. } = self;
        drop((input, echo));
        // LXD ends a command's operation only after its output was taken.
        let drain = async {
            while let Some(Ok(_)) = stdout.next().await {}
            while let Some(Ok(_)) = stderr.next().await {}
            std::future::pending().await
        };
        tokio::select! {
            result = control.wait(deadline) => result,
            never = drain => never,
        }
    }
}

impl Output {
    /// The next piece; `None` once when it ends. After that it waits for ever.
    async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        let Some(socket) = &mut self.socket else { return std::future::pending().await };
        match next_piece(socket, self.name).await {
            Ok(Some(bytes)) => Some(Ok(bytes)),
            Ok(None) => {
                self.socket = None;
                None
            }
            Err(fault) => Some(Err(fault)),
        }
    }
}

impl fmt::Debug for Pipes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipes").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
