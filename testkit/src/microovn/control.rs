//! The REST API on the control socket: what to ask, and what the replies say.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{JoinToken, redact};
use crate::ovn::excerpt;
use crate::plan::Member;

/// Where a member's daemon listens.
pub const CONTROL_SOCKET: &str = "/var/snap/microovn/common/state/control.socket";

/// One call. `Display` shows it without secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlCall {
    /// The path of the URL.
    pub path: &'static str,
    /// The body; a call without one is a GET, one with a body a POST.
    pub body: Option<Value>,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nobody answered.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The daemon refused.
    #[error("refused with code {code}: {text}")]
    Refused {
        /// The error code of the reply.
        code: i64,
        /// MicroOVN's own text.
        text: String,
    },
    /// It is no reply. Some replies say 200 and `Failure` at once.
    #[error("not a reply that succeeded; seen {0}")]
    Unexpected(String),
}

#[derive(Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    error_code: i64,
    #[serde(default)]
    error: String,
    #[serde(default)]
    metadata: Value,
}

impl ControlCall {
    /// Has a member, whose API is to listen on `port`, bootstrap, or join with a token.
    pub fn form(member: &Member, port: u16, config: &BTreeMap<String, String>, token: Option<&JoinToken>) -> Self {
        let address = SocketAddr::new(member.address, port).to_string();
        let mut body = json!({"name": member.name, "address": address});
        match token {
            None => body["bootstrap"] = json!(true),
            Some(token) => body["join_token"] = json!(token.expose()),
        }
        if !config.is_empty() {
            body["config"] = json!(config);
        }
        Self { path: "/core/control", body: Some(body) }
    }

    /// Asks for a join token for the named member.
    pub fn token(name: &str) -> Self {
        Self { path: "/core/control/tokens", body: Some(json!({"name": name})) }
    }

    /// Asks what the daemon can do.
    pub fn server() -> Self {
        Self { path: "/core/1.0", body: None }
    }
}

impl fmt::Display for ControlCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            None => write!(f, "GET {}", self.path),
            Some(body) => write!(f, "POST {} {}", self.path, redact(&body.to_string())),
        }
    }
}

/// The metadata of a reply that succeeded.
///
/// # Errors
/// When it is an error, or no reply.
pub fn parse_control(text: &str) -> Result<Value, ControlError> {
    let unexpected = || ControlError::Unexpected(excerpt(&redact(text.trim())));
    let reply: Reply = serde_json::from_str(text).map_err(|_| unexpected())?;
    match (reply.kind.as_str(), reply.status.as_str()) {
        ("sync", "Success") => Ok(reply.metadata),
        ("error", _) if reply.error_code != 0 || !reply.error.is_empty() => {
            Err(ControlError::Refused { code: reply.error_code, text: redact(&reply.error) })
        }
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Cell;
    use crate::plan::{Outline, Plan, Segments};

    #[test]
    fn a_member_is_to_listen_where_those_of_the_release_do() {
        let cell = Cell::new(&[], &[]).expect("a cell").id().clone();
        let plan = Plan::outlined(cell, Outline::default(), Segments::documentation());
        for (port, wanted) in [(6686, ":6686"), (6443, ":6443")] {
            let call = ControlCall::form(&plan.state.members[0], port, &BTreeMap::new(), None);
            let address = call.body.expect("a body")["address"].as_str().expect("an address").to_owned();
            assert!(address.ends_with(wanted), "{address}");
        }
    }

    #[test]
    fn replies_as_recorded() {
        let success = r#"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":{"ready":false,"extensions":["custom_encapsulation_ip"]}}"#;
        let metadata = parse_control(success).expect("a reply");
        assert_eq!(metadata["extensions"], json!(["custom_encapsulation_ip"]));
        let refusal = r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":503,"error":"Database is not yet initialized","metadata":null}"#;
        let text = "Database is not yet initialized".to_owned();
        assert_eq!(parse_control(refusal), Err(ControlError::Refused { code: 503, text }));
        for other in ["", "404 page not found", "{}", r#"{"type":"sync","status":"Failure","metadata":null}"#] {
            assert!(matches!(parse_control(other), Err(ControlError::Unexpected(_))), "{other}");
        }
    }
}
