//! What MicroOVN was told on its control socket, as a tap notes it: a line each, method, path and body.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ovn::{ParseError, excerpt};

use super::redact;

/// One request that is no GET. Join tokens are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// POST, PUT or DELETE.
    pub method: String,
    /// The path of the URL.
    pub path: String,
    /// The body; null where there is none.
    pub body: Value,
}

impl Told {
    /// Reads the notes of a tap, in the order in which the requests ended.
    ///
    /// # Errors
    /// When a line is no request, or its body is no JSON.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ParseError> {
        let parse = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
            let body = parts.next().filter(|body| !body.trim().is_empty());
            let body = body.map_or(Some(Value::Null), |body| serde_json::from_str(body).ok())?;
            path.starts_with('/').then_some(Self { method, path, body })
        };
        let wrong =
            |line: &str| ParseError::expected("what MicroOVN was told", "a method, a path and JSON", &redact(line));
        text.lines().map(|line| parse(line).ok_or_else(|| wrong(line))).collect()
    }
}

/// In one line, as it was noted.
impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, excerpt(&self.body.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_what_is_none_is_told() {
        let text = "POST /core/control {\"bootstrap\":true,\"config\":{\"ovn-encap-ip\":\"10.1.1.11\"}}\nDELETE /core/1.0/tokens/mc2 \n";
        let told = Told::parse_all(text).expect("requests");
        assert_eq!(told[0].body["config"]["ovn-encap-ip"], "10.1.1.11");
        assert_eq!(
            (told[1].method.as_str(), told[1].path.as_str(), &told[1].body),
            ("DELETE", "/core/1.0/tokens/mc2", &Value::Null)
        );
        for wrong in ["POST", "POST core {}", "POST /core/control {"] {
            assert!(Told::parse_all(wrong).is_err(), "{wrong}");
        }
    }
}
