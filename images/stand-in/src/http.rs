//! HTTP/1.1, both ends, over whatever stream it is given; and the envelope every reply is in.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, Result};

/// The user agent of the `microovn` command.
pub(crate) const COMMAND: &str = "microovn";

/// Sends one request over a fresh stream and returns what the envelope of the reply carries.
///
/// # Errors
///
/// The stream breaks, the reply is no envelope, or the envelope says that the request failed.
pub(crate) async fn request<S>(stream: S, method: Method, path: &str, body: Option<&Value>) -> Result<Value>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| Error::internal(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driver = tokio::spawn(connection);
    let bytes = body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "control.socket")
        .header(USER_AGENT, COMMAND)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(bytes))
        .map_err(|error| Error::internal(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
    driver.abort();
    open_envelope(&bytes)
}

/// Takes a reply out of its envelope.
fn open_envelope(bytes: &[u8]) -> Result<Value> {
    let mut envelope: Value = serde_json::from_slice(bytes)?;
    if envelope["type"] == "error" {
        let code = envelope["error_code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
        return Err(Error::new(code, envelope["error"].as_str().unwrap_or("unknown error")));
    }
    Ok(envelope["metadata"].take())
}

/// What a handler answers with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// Success, with the metadata.
    Success(Value),
    /// HTTP status 200, but the envelope says 400 and `Failure`: a quirk of the configuration endpoint.
    SoftFailure(Value),
}

/// Puts the outcome of a handler into an envelope, byte for byte as MicroOVN does.
pub(crate) fn envelope(outcome: &Result<Reply>) -> (StatusCode, String) {
    let sync = |status: &str, code: u16, metadata: &Value| {
        let envelope = json!({"type": "sync", "status": status, "status_code": code, "operation": "",
                              "error_code": 0, "error": "", "metadata": metadata});
        format!("{envelope}\n")
    };
    match outcome {
        Ok(Reply::Success(metadata)) => (StatusCode::OK, sync("Success", 200, metadata)),
        Ok(Reply::SoftFailure(metadata)) => (StatusCode::OK, sync("Failure", 400, metadata)),
        Err(error) => {
            let envelope = json!({"type": "error", "status": "", "status_code": 0, "operation": "",
                                  "error_code": error.code, "error": error.message, "metadata": null});
            // The second newline is the HTTP server's habit of ending error pages with one.
            let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, format!("{envelope}\n\n"))
        }
    }
}

/// The response for an outcome.
pub(crate) fn response(outcome: &Result<Reply>) -> Response<Full<Bytes>> {
    let (status, body) = envelope(outcome);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if outcome.is_err() {
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_recorded_to_the_byte() {
        let (status, body) = envelope(&Ok(Reply::Success(json!(["/1.0"]))));
        assert_eq!((status.as_u16(), body.len()), (200, 114));
        assert!(body.starts_with(r#"{"type":"sync","status":"Success","status_code":200,"operation":"","#));

        let (status, body) = envelope(&Err(Error::new(404, "not found")));
        assert_eq!((status.as_u16(), body.len()), (404, 114));
        assert_eq!(
            body,
            concat!(
                r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"not found","#,
                "\"metadata\":null}\n\n"
            )
        );

        let (_, body) = envelope(&Err(Error::new(503, "Database is not yet initialized")));
        assert_eq!(body.len(), 136);
        let metadata = json!({"value": "", "isSet": false, "error": "failed to decode config request: EOF"});
        let (status, body) = envelope(&Ok(Reply::SoftFailure(metadata)));
        assert_eq!((status.as_u16(), body.len()), (200, 179));
    }

    #[test]
    fn an_error_envelope_is_an_error() {
        let body = envelope(&Err(Error::new(501, "not implemented"))).1;
        assert_eq!(open_envelope(body.as_bytes()), Err(Error::new(501, "not implemented")));
    }
}
