//! What MicroCloud tells MicroOVN on its control socket. Recorded: HTTP/1.1, and a connection for each request.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::Result;
use crate::world::World;

/// The port that MicroOVN is told to listen on.
pub(crate) const PORT: u16 = 6443;
/// How long a token is valid: five minutes, in nanoseconds.
const TOKEN_LIFE: u64 = 300_000_000_000;
/// A join on a busy host takes long.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The MicroOVN of this host.
pub(crate) struct MicroOvn {
    socket: PathBuf,
}

impl MicroOvn {
    pub(crate) fn of(world: &World) -> Self {
        Self { socket: world.socket.clone() }
    }

    /// Whether it is a member of a cluster.
    pub(crate) fn is_formed(&self) -> Result<bool> {
        Ok(self.call(Method::GET, "/core/1.0", None)?["ready"] == true)
    }

    /// Whether its API has this extension.
    pub(crate) fn supports(&self, extension: &str) -> Result<bool> {
        let server = self.call(Method::GET, "/core/1.0", None)?;
        Ok(server["extensions"].as_array().into_iter().flatten().any(|it| it == extension))
    }

    /// Its members.
    pub(crate) fn members(&self) -> Result<Value> {
        self.call(Method::GET, "/core/1.0/cluster", None)
    }

    /// The services of all members.
    pub(crate) fn services(&self) -> Result<Value> {
        self.call(Method::GET, "/1.0/services", None)
    }

    /// Has it bootstrap, or join with a token.
    pub(crate) fn form(
        &self,
        name: &str,
        address: IpAddr,
        port: u16,
        config: &BTreeMap<String, String>,
        token: Option<&str>,
    ) -> Result<()> {
        // In the order in which MicroCloud sends it.
        let body = json!({
            "bootstrap": token.is_none(),
            "config": config,
            "join_token": token.unwrap_or_default(),
            "address": SocketAddr::new(address, port).to_string(),
            "name": name,
        });
        self.call(Method::POST, "/core/control", Some(&body)).map(drop)
    }

    /// Has it issue a join token.
    pub(crate) fn token(&self, name: &str) -> Result<String> {
        let body = json!({"name": name, "expire_after": TOKEN_LIFE});
        let token = self.call(Method::POST, "/core/control/tokens", Some(&body))?;
        token.as_str().map(str::to_owned).ok_or_else(|| "MicroOVN issued no token".to_owned())
    }

    /// Takes a token back, if it was not used.
    pub(crate) fn revoke(&self, name: &str) {
        let _ = self.call(Method::DELETE, &format!("/core/1.0/tokens/{name}"), None);
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let call = async { tokio::time::timeout(TIMEOUT, exchange(&self.socket, method, path, body)).await };
        runtime.block_on(call).unwrap_or_else(|_| Err("context deadline exceeded".to_owned()))
    }
}

async fn exchange(socket: &PathBuf, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|error| format!("dial unix {}: connect: {error}", socket.display()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    let driver = tokio::spawn(connection);
    let bytes = body.map_or_else(Bytes::new, |value| Bytes::from(format!("{value}\n")));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "control.socket")
        .header(USER_AGENT, "Go-http-client/1.1")
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(bytes))
        .map_err(|error| text(&error))?;
    let response = sender.send_request(request).await.map_err(|error| text(&error))?;
    let bytes = response.into_body().collect().await.map_err(|error| text(&error))?.to_bytes();
    driver.abort();
    let mut reply: Value = serde_json::from_slice(&bytes).map_err(|error| text(&error))?;
    if reply["type"] == "error" {
        return Err(reply["error"].as_str().unwrap_or("unknown error").to_owned());
    }
    Ok(reply["metadata"].take())
}
