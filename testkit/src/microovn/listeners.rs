//! What the database servers answer a client that shows no certificate.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::redact;
use crate::ovn::ParseError;

const WHAT: &str = "openssl s_client";
/// The alerts by which a server says that a client must show a certificate: handshake_failure up to TLS 1.2 (RFC 5246,
/// 7.2.2), certificate_required from TLS 1.3 on (RFC 8446, 6.2).
const REFUSALS: [u8; 2] = [40, 116];
/// How much is kept of what was said instead.
const SAID: usize = 200;

/// The ports of the database servers: clients of Northbound and Southbound, then their RAFT peers.
pub const LISTENERS: [u16; 4] = [6641, 6642, 6643, 6644];

/// One port, and what came of an attempt to talk to it without a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The port.
    pub port: u16,
    /// What came of it.
    pub attempt: Attempt,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// The server asked for a certificate and ended the handshake by this alert, because there was none.
    Refused(u8),
    /// The server took the client and answered it.
    Answered,
    /// Something else, which is no refusal: nobody listens, it is no TLS, another alert. What openssl said.
    Other(String),
}

impl Listener {
    /// Reads what [`commands::listeners`](super::commands::listeners) prints: for every port `port NUMBER`, what
    /// openssl said and what the server sent.
    ///
    /// # Errors
    /// When there is no port, or the text is of another form.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ParseError> {
        let expected = || ParseError::expected(WHAT, "`port NUMBER`, and what was said there", &redact(text));
        let listeners: Vec<Self> = format!("\n{text}")
            .split("\nport ")
            .skip(1)
            .map(|part| {
                let (port, said) = part.split_once('\n').unwrap_or((part, ""));
                Some(Self { port: port.parse().ok()?, attempt: attempt(said) })
            })
            .collect::<Option<_>>()
            .ok_or_else(expected)?;
        if listeners.is_empty() || !text.starts_with("port ") { Err(expected()) } else { Ok(listeners) }
    }
}

fn attempt(said: &str) -> Attempt {
    // What a database server sends is JSON; openssl says nothing that starts so.
    if said.lines().any(|line| line.trim_start().starts_with('{')) {
        return Attempt::Answered;
    }
    let alert = said.lines().find_map(|line| line.rsplit_once("SSL alert number ")?.1.trim().parse().ok());
    match alert.filter(|alert| REFUSALS.contains(alert)) {
        Some(alert) => Attempt::Refused(alert),
        None => {
            // The last line is the most telling: those before it are about the server's certificate.
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
            Attempt::Other(redact(last).chars().take(SAID).collect())
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_) => f.write_str("refused"),
            Self::Answered => f.write_str("answered"),
            Self::Other(said) => write!(f, "no refusal: {said}"),
        }
    }
}
