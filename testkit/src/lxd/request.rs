//! A request as a value: pure, built without a server, sent by the transport.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;

/// The deadline of a plain request, connection and body included: many times what a busy host was seen to take.
pub(crate) const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// The deadline of a request that moves file contents.
pub(crate) const TRANSFER_DEADLINE: Duration = Duration::from_secs(300);

/// The largest JSON or text reply that is read into memory, in bytes.
const REPLY_LIMIT: u64 = 64 * 1024 * 1024;

/// One request, not yet sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path segments below `/1.0`, not yet percent-encoded.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// What is attempted and on what; every error of this request says so.
    pub(crate) attempt: String,
    pub(crate) deadline: Duration,
    /// Whether sending it twice has the effect of sending it once.
    pub(crate) repeatable: bool,
    /// Whether a refusal in these words of LXD says that it never began: then it is asked again.
    pub(crate) never_began: Option<fn(&str) -> bool>,
    /// Whether the client's project applies. Projects, pools and the server itself lie outside of projects.
    pub(crate) in_project: bool,
    pub(crate) reply_limit: u64,
}

/// What a request carries.
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// Makes the stream anew for each sending.
    Stream(Arc<dyn Fn() -> reqwest::Body + Send + Sync>),
}

impl Request {
    pub(crate) fn new(method: Method, segments: &[&str], attempt: impl Into<String>) -> Request {
        Request {
            repeatable: method == Method::GET,
            method,
            segments: segments.iter().map(ToString::to_string).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            attempt: attempt.into(),
            deadline: REQUEST_DEADLINE,
            never_began: None,
            in_project: true,
            reply_limit: REPLY_LIMIT,
        }
    }

    pub(crate) fn get(segments: &[&str], attempt: impl Into<String>) -> Request {
        Request::new(Method::GET, segments, attempt)
    }

    pub(crate) fn post(segments: &[&str], attempt: impl Into<String>) -> Request {
        Request::new(Method::POST, segments, attempt)
    }

    pub(crate) fn put(segments: &[&str], attempt: impl Into<String>) -> Request {
        Request::new(Method::PUT, segments, attempt)
    }

    pub(crate) fn patch(segments: &[&str], attempt: impl Into<String>) -> Request {
        Request::new(Method::PATCH, segments, attempt)
    }

    pub(crate) fn delete(segments: &[&str], attempt: impl Into<String>) -> Request {
        Request::new(Method::DELETE, segments, attempt)
    }

    /// A look at what this request is about.
    pub(crate) fn look(&self) -> Request {
        let segments: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        let request = Request::get(&segments, self.attempt.clone());
        Request { query: self.query.clone(), in_project: self.in_project, ..request }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    /// Makes the change conditional on the entity still being the one that was read.
    pub(crate) fn if_match(self, etag: Option<&str>) -> Request {
        match etag {
            Some(etag) => self.header("If-Match", etag),
            None => self,
        }
    }

    /// Sets a JSON body.
    pub(crate) fn json<T: Serialize>(mut self, body: &T) -> Request {
        // The bodies are this module's own structs and maps with string keys, which always serialise.
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.body = Body::Bytes(bytes.into());
        self.header("Content-Type", "application/json")
    }

    /// Sets a body that is sent as it is.
    pub(crate) fn bytes(mut self, body: Bytes) -> Request {
        self.body = Body::Bytes(body);
        self.header("Content-Type", "application/octet-stream")
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Request {
        self.deadline = deadline;
        self
    }

    pub(crate) fn reply_limit(mut self, bytes: u64) -> Request {
        self.reply_limit = bytes;
        self
    }

    /// Declares that sending this twice has the effect of sending it once.
    pub(crate) fn repeatable(mut self) -> Request {
        self.repeatable = true;
        self
    }

    /// Has it sent again when LXD refuses it in words of which `says` knows that nothing began.
    pub(crate) fn again_when(mut self, says: fn(&str) -> bool) -> Request {
        self.never_began = Some(says);
        self
    }

    /// Keeps the client's project out of the query.
    pub(crate) fn outside_projects(mut self) -> Request {
        self.in_project = false;
        self
    }
}
