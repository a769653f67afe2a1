//! Which certificate the database servers show, and what they answer a client that shows none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::certificates::in_text;
use super::{Certificate, redact};
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
    /// The certificates that the server showed, its own first.
    #[serde(default)]
    pub shown: Vec<Certificate>,
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
    /// When there is no port, the text is of another form, or what is shown is no certificate.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ParseError> {
        let expected = || ParseError::expected(WHAT, "`port NUMBER`, and what was said there", &redact(text));
        let mut listeners = Vec::new();
        for part in format!("\n{text}").split("\nport ").skip(1) {
            let (port, said) = part.split_once('\n').unwrap_or((part, ""));
            let port = port.parse().map_err(|_| expected())?;
            listeners.push(Self { port, attempt: attempt(said), shown: in_text(said)? });
        }
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
            // What went wrong is said among much about the connection, and last what this tool says itself.
            let lines = || said.lines().rev().map(str::trim).filter(|line| !line.is_empty());
            let wrong = |line: &&str| line.contains("error:") || line.contains("errno") || line.starts_with('(');
            let said = lines().find(wrong).or_else(|| lines().next()).unwrap_or("nothing");
            Attempt::Other(redact(said).chars().take(SAID).collect())
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
