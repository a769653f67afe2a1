//! Serving HTTP on one connection.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::Result;
use crate::http::{self, Reply};

/// A request that has been read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The method.
    pub(crate) method: Method,
    /// The path, without the query.
    pub(crate) path: String,
    /// The query, empty if there is none.
    pub(crate) query: String,
    /// Whether the `microovn` command asks.
    pub(crate) from_command: bool,
    /// The body.
    pub(crate) body: Bytes,
}

impl Call {
    /// The body as JSON; null if it is empty.
    pub(crate) fn json(&self) -> Result<Value> {
        super::peers::or_null(&self.body)
    }
}

/// Answers the requests of one connection with `handler`.
pub(crate) async fn serve<S, H>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: AsyncFn(Call) -> Result<Reply>,
{
    let service = service_fn(async |request: hyper::Request<Incoming>| {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let agent = parts.headers.get(hyper::header::USER_AGENT);
        let call = Call {
            from_command: agent.is_some_and(|agent| agent == http::COMMAND),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body,
        };
        Ok::<_, Infallible>(http::response(&handler(call).await))
    });
    // A caller that goes away is its own business.
    let _ = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
