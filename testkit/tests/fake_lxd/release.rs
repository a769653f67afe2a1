//! What releases of LXD and of Incus answer, as it was recorded (`fixtures/lxd/`).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use testkit::daemon::Daemon;

use super::{Act, OPERATION};

/// A release of which replies were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    V5_0_2,
    V5_21_7,
    V6_9,
    Incus6_0_4,
    Incus7_0_2,
}

/// A request, its reply, and what the wait for its operation was answered, if it became one.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    /// `METHOD path?query`.
    pub(crate) request: String,
    status: u16,
    body: Value,
    wait: Option<Value>,
}

impl Release {
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V5_0_2 => "5.0.2",
            Self::V5_21_7 => "5.21.7",
            Self::V6_9 => "6.9",
            Self::Incus6_0_4 => "6.0.4",
            Self::Incus7_0_2 => "7.0.2",
        }
    }

    pub(crate) fn daemon(self) -> Daemon {
        match self {
            Self::V5_0_2 | Self::V5_21_7 | Self::V6_9 => Daemon::Lxd,
            Self::Incus6_0_4 | Self::Incus7_0_2 => Daemon::Incus,
        }
    }

    /// Whether what waits for an operation is told how it is, whatever that is; else a failure is an error.
    fn tells_the_operation(self) -> bool {
        matches!(self, Self::V5_0_2 | Self::Incus7_0_2)
    }

    /// What was recorded of it, by name.
    pub(crate) fn recorded(self) -> BTreeMap<String, Exchange> {
        let of = if self.daemon() == Daemon::Incus { "incus-" } else { "" };
        let file = format!("tests/fixtures/lxd/{of}{}.json", self.version());
        let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a recording");
        serde_json::from_slice(&text).expect("exchanges")
    }

    /// The answer to `GET /1.0`.
    pub(crate) fn server(self) -> Act {
        let extensions = [
            "etag",
            "instances",
            "projects",
            "api_filtering",
            "instance_nic_network",
            "container_copy_project",
            "container_edit_metadata",
        ];
        answer(&json!({"auth": "trusted", "api_extensions": extensions, "environment": {
            "server": self.daemon().to_string().to_lowercase(), "server_version": self.version(), "server_name": "here", "architectures": ["x86_64"],
            "storage_supported_drivers": [{"Name": "btrfs", "Version": "6", "Remote": false}]}}))
    }

    /// Whether a call of this kind becomes an operation: `POST networks`.
    pub(crate) fn is_operation(self, verb: &str, kind: &str) -> bool {
        match (kind, verb) {
            ("instances", "POST" | "PUT" | "DELETE") | ("images", "POST" | "DELETE") => true,
            ("networks" | "storage-pools", _) | ("profiles", "PUT" | "PATCH") | ("projects", "DELETE") => {
                self == Self::V6_9
            }
            _ => false,
        }
    }

    /// The operation with this number, about the entity at `url`.
    pub(crate) fn operation(self, number: usize, url: &str, status: (&str, u16), err: &str) -> Value {
        let resources = match url.strip_prefix("/1.0/").and_then(|path| path.split('/').next()) {
            Some(kind) if self != Self::V6_9 => json!({ kind: [url] }),
            _ => json!({}),
        };
        let metadata = if self == Self::V6_9 { json!({"entity_url": url}) } else { Value::Null };
        json!({"id": id(number), "class": "task", "description": "Doing it", "status": status.0,
               "status_code": status.1, "resources": resources, "metadata": metadata, "may_cancel": false, "err": err,
               "location": "none"})
    }

    /// The acceptance of that operation.
    pub(crate) fn accepted(self, number: usize, url: &str) -> Act {
        let operation = self.operation(number, url, ("Running", 103), "");
        let body = json!({"type": "async", "status": "Operation created", "status_code": 100,
                          "operation": format!("/1.0/operations/{}", id(number)), "metadata": operation});
        Act::Answer(202, "", body.to_string())
    }

    /// What a wait for it is told when it has ended: well, or with this error.
    pub(crate) fn waited(self, number: usize, url: &str, failed: Option<&(u16, String)>) -> Act {
        match failed {
            None => answer(&self.operation(number, url, ("Success", 200), "")),
            Some((_, text)) if self.tells_the_operation() => {
                answer(&self.operation(number, url, ("Failure", 400), text))
            }
            Some((code, text)) => error_within(200, *code, text),
        }
    }

    /// What a wait is told whose time is up before the operation's.
    pub(crate) fn wait_timed_out(self, number: usize, url: &str) -> Act {
        match self {
            _ if self.tells_the_operation() => answer(&self.operation(number, url, ("Running", 103), "")),
            _ => error_within(200, 500, "context deadline exceeded"),
        }
    }
}

impl Exchange {
    /// The reply to the request.
    pub(crate) fn reply(&self) -> Act {
        Act::Answer(self.status, "", self.body.to_string())
    }

    /// The reply to the wait for its operation.
    pub(crate) fn wait(&self) -> Act {
        Act::Answer(200, "", self.wait.as_ref().expect("it became an operation").to_string())
    }

    /// Whether it became an operation.
    pub(crate) fn is_operation(&self) -> bool {
        self.wait.is_some()
    }
}

/// The identifier of the operation with this number.
pub(crate) fn id(number: usize) -> String {
    format!("{number:08x}{}", &OPERATION[8..])
}

/// A synchronous answer.
pub(crate) fn answer(metadata: &Value) -> Act {
    let body = json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata});
    Act::Answer(200, "", body.to_string())
}

/// An error of this code within a reply of that status.
pub(crate) fn error_within(status: u16, code: u16, text: &str) -> Act {
    let body = json!({"type": "error", "status": "", "status_code": 0, "operation": "", "error_code": code,
                      "error": text, "metadata": null});
    Act::Answer(status, "", body.to_string())
}
