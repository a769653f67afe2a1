//! The client: one connection pool, the server it found, and the project its calls are for.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::envelope;
use super::error::{Error, Fault};
use super::kind::ErrorKind;
use super::request::Request;
use super::server::Server;
use super::transport::{self, Answer, Endpoint, Transport};
use super::tries::{Again, Tries};
use super::websocket::WebSocket;
use crate::daemon::Daemon;

/// A client of one LXD. Clones are cheap and share their connections.
///
/// Requests that are safe to repeat are sent again, a few times within about two seconds, when the connection is lost;
/// others never are. A plain request ends within two minutes; what takes longer takes a deadline.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<Transport>,
    server: Arc<Server>,
    project: Option<Arc<str>>,
    again: Again,
}

/// A value and the ETag it was read with, for a conditional update.
#[derive(Debug, Clone)]
pub struct Tagged<T> {
    /// What was read.
    pub value: T,
    /// Its ETag; an update that passes it on fails if the entity changed meanwhile.
    pub etag: Option<String>,
}

impl Client {
    /// Connects and reads what the server is.
    ///
    /// Errors: `Unreachable` or `Forbidden` with what to do about it, `UntrustedServer` for a certificate that is not
    /// the pinned one, `Forbidden` if LXD does not trust the client.
    pub async fn connect(endpoint: &Endpoint) -> Result<Client, Error> {
        Client::connect_as(endpoint, None).await
    }

    /// [`Client::connect`], where `wanted` is the one of the two that has to be there.
    ///
    /// Errors: those of [`Client::connect`], and `OtherDaemon` where the other answers.
    pub async fn connect_as(endpoint: &Endpoint, wanted: Option<Daemon>) -> Result<Client, Error> {
        let (place, guessed) = match endpoint {
            Endpoint::Unix(path) => (path.display().to_string(), Daemon::of_socket(path)),
            Endpoint::Https { url, .. } => (url.clone(), Daemon::Lxd),
        };
        let daemon = wanted.unwrap_or(guessed);
        let attempt = format!("connect to {daemon} at {place}");
        let failed = |fault| Error::new(&attempt, fault);
        let transport = Transport::new(endpoint, daemon).map_err(failed)?;
        if let Endpoint::Unix(path) = endpoint {
            // While LXD restarts its socket is briefly away, which is worth a retry; at the beginning it is not.
            transport::check_socket(path, daemon).await.map_err(failed)?;
        }
        let server = Server::fetch(&transport).await.map_err(|fault| failed(fault.of(daemon)))?;
        let found = server.daemon();
        if wanted.is_some_and(|wanted| wanted != found) {
            let version = server.environment.server_version;
            let advice = format!("name it with {} or {}", found.socket_variable(), found.folder_variable());
            return Err(failed(Fault::new(ErrorKind::OtherDaemon { found, version }).with_advice(advice)));
        }
        Ok(Client { transport: Arc::new(transport), server: Arc::new(server), project: None, again: Again::nobody() })
    }

    /// The same client for another project: its calls carry `?project=`.
    pub fn with_project(&self, project: &str) -> Client {
        Client { project: Some(project.into()), ..self.clone() }
    }

    /// The same client, which tells `note` of each call that it makes again because LXD never began with it: what was
    /// attempted, and LXD's words.
    pub fn noting(&self, note: impl Fn(&str, &str) + Send + Sync + 'static) -> Client {
        Client { again: Again::telling(note), ..self.clone() }
    }

    /// The project this client's calls are for; `None` is LXD's `default`.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// What the server said of itself when the client connected.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Fails with the names of those API extensions that the server lacks, and its version.
    pub fn require_extensions(&self, names: &[&str]) -> Result<(), Error> {
        let attempt = format!("use {}", self.server.daemon());
        self.server.require_extensions(names).map_err(|fault| self.error(attempt, fault))
    }

    /// The error of a call that ended so.
    pub(super) fn error(&self, attempt: impl Into<String>, fault: Fault) -> Error {
        Error::new(attempt, fault.of(self.server.daemon()))
    }

    pub(crate) async fn answer_or_fault(&self, request: &Request) -> Result<Answer, Fault> {
        let mut tries = self.tries(&request.attempt, request.deadline);
        loop {
            let answer = self.transport.send(request, self.project(), tries.left()).await;
            let path = request.segments.join("/");
            tracing::trace!(method = %request.method, path, ok = answer.is_ok(), "LXD request");
            let answer = answer?;
            let Some(says) = request.never_began else { return Ok(answer) };
            match envelope::refusal(answer.status, &answer.body).filter(|fault| fault.words(says)) {
                None => return Ok(answer),
                Some(fault) => tries.again(fault.with_never_began(true)).await?,
            }
        }
    }

    /// The tries of a call that has so much time.
    pub(super) fn tries<'a>(&'a self, attempt: &'a str, deadline: Duration) -> Tries<'a> {
        Tries::new(&self.again, attempt, deadline)
    }

    pub(crate) async fn sync_or_fault<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Fault> {
        let answer = self.answer_or_fault(request).await?;
        envelope::decode(answer.status, &answer.body)?.into_sync()
    }

    /// Sends a request that is answered at once.
    pub(crate) async fn sync<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        self.sync_or_fault(request).await.map_err(|fault| self.error(&request.attempt, fault))
    }

    /// Sends a request that is answered at once, and keeps the ETag.
    pub(crate) async fn tagged<T: DeserializeOwned>(&self, request: &Request) -> Result<Tagged<T>, Error> {
        let read = async {
            let answer = self.answer_or_fault(request).await?;
            let value = envelope::decode(answer.status, &answer.body)?.into_sync()?;
            Ok(Tagged { value, etag: answer.header("etag").map(ToOwned::to_owned) })
        };
        read.await.map_err(|fault| self.error(&request.attempt, fault))
    }

    /// Sends a request that changes something and whose answer is of no interest, and waits for the end of it.
    pub(crate) async fn done(&self, request: &Request) -> Result<(), Error> {
        self.run(request).await.map(drop)
    }

    /// Like [`Client::done`], for a deletion; that the entity is absent is success.
    pub(crate) async fn done_or_gone(&self, request: &Request) -> Result<(), Error> {
        match self.done(request).await {
            // The operation may miss something else than the entity, such as its volume: then that is not gone.
            Err(error) if error.is_not_found() && error.is_of_operation() => {
                match found(self.sync::<serde_json::Value>(&request.look()).await)? {
                    None => Ok(()),
                    Some(_) => Err(error),
                }
            }
            done => found(done).map(drop),
        }
    }

    /// Sends a request whose good answer is not JSON, such as a file or a log.
    pub(crate) async fn raw(&self, request: &Request) -> Result<Answer, Error> {
        let read = async {
            let answer = self.answer_or_fault(request).await?;
            if answer.status < 300 {
                return Ok(answer);
            }
            envelope::decode(answer.status, &answer.body)?;
            Err(Fault::protocol("no content", &String::from_utf8_lossy(&answer.body)).with_code(answer.status))
        };
        read.await.map_err(|fault| self.error(&request.attempt, fault))
    }

    pub(crate) async fn websocket(&self, request: &Request) -> Result<WebSocket, Fault> {
        self.transport.websocket(request, self.project()).await
    }
}

/// Turns "not found" into `None`.
pub(crate) fn found<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
