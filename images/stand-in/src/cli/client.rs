//! The command line's end of the control socket.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::error::{Error, Result, io_text};
use crate::faults::Release;
use crate::http;
use crate::paths::Paths;

/// How long a command waits for the daemon before it gives up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Talks to the daemon of this member.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    socket: PathBuf,
    release: Release,
}

impl Client {
    /// A client of the daemon of this member; nothing is connected yet.
    pub(crate) fn new(paths: &Paths) -> Self {
        Self { socket: paths.control_socket(), release: Release::played(paths) }
    }

    /// The release that is played.
    pub(crate) fn release(&self) -> Release {
        self.release
    }

    /// `GET`s a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call("Get", Method::GET, path, None).await
    }

    /// `POST`s a body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("Post", Method::POST, path, Some(body)).await
    }

    /// Sends any request; `verb` is the method as error messages spell it.
    pub(crate) async fn call(&self, verb: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let path = &self.release.path(path);
        let url = format!("{verb} \"http://control.socket{}\"", path.split('?').next().unwrap_or(path));
        let exchange = async {
            let stream = UnixStream::connect(&self.socket).await.map_err(|error| {
                let (socket, error) = (self.socket.display(), io_text(&error));
                Error::internal(format!("{url}: dial unix {socket}: connect: {error}"))
            })?;
            http::request(stream, method, path, body).await
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::internal(format!("{url}: context deadline exceeded"))),
        }
    }
}
