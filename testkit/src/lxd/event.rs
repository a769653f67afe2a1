//! LXD's stream of events.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::error::{Error, Fault, quote};
use super::exec_session::next_piece;
use super::request::Request;
use super::websocket::WebSocket;

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// `lifecycle`, `operation` or `logging`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, as RFC 3339.
    pub timestamp: String,
    /// What; its shape depends on the kind.
    pub metadata: Value,
    /// The project it happened in; empty for what belongs to none.
    #[serde(default)]
    pub project: String,
    /// The cluster member it happened on; empty or `none` without a cluster.
    #[serde(default)]
    pub location: String,
}

/// The events from the moment it was opened.
pub struct Events {
    socket: WebSocket,
}

impl Client {
    /// Follows the events of the client's project. `kinds` are of `lifecycle`, `operation` and `logging`.
    pub async fn events(&self, kinds: &[&str]) -> Result<Events, Error> {
        let request = Request::get(&["events"], "follow events").query("type", kinds.join(","));
        let socket = self.websocket(&request).await.map_err(|fault| Error::new(&request.attempt, fault))?;
        Ok(Events { socket })
    }
}

impl Events {
    /// The next event; `None` when LXD ends the stream. Waits as long as it takes; dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        let next = async {
            let Some(text) = next_piece(&mut self.socket, "events").await? else {
                return Ok(None);
            };
            serde_json::from_slice(&text).map(Some).map_err(|source| {
                Fault::protocol("no event", &quote(&String::from_utf8_lossy(&text))).with_source(source)
            })
        };
        next.await.map_err(|fault| Error::new("follow events", fault))
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
