//! LXD's reply envelope: synchronous, asynchronous or error, decoded here and nowhere else.
//!
//! Source: LXD's "Return values" in `doc/rest-api.md`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Fault;
use super::operation::{Operation, OperationId};

/// A decoded reply that is not an error.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The answer itself.
    Sync(Value),
    /// The work goes on in the background under this operation.
    Async(OperationId, Operation),
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a type")]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    error: String,
    #[serde(default)]
    metadata: Value,
}

/// Decodes one reply. `status` is the HTTP status; an error reply becomes a fault of the kind its code and words say.
pub(crate) fn decode(status: u16, body: &[u8]) -> Result<Reply, Fault> {
    let text = String::from_utf8_lossy(body);
    let envelope: Envelope = serde_json::from_slice(body).map_err(|source| {
        Fault::protocol("the reply is not an LXD envelope", &text).with_code(status).with_source(source)
    })?;
    match envelope.kind.as_str() {
        "error" => {
            let code = if envelope.error_code == 0 { status } else { envelope.error_code };
            Err(Fault::refused(code, envelope.error))
        }
        _ if status >= 400 => Err(Fault::protocol("an error status without an error reply", &text).with_code(status)),
        "sync" => Ok(Reply::Sync(envelope.metadata)),
        "async" => {
            let id = OperationId::parse(&envelope.operation)?;
            Ok(Reply::Async(id, metadata(envelope.metadata)?))
        }
        other => Err(Fault::protocol(format!("unknown reply type {other:?}"), &text).with_code(status)),
    }
}

/// LXD's refusal, if this is one.
pub(crate) fn refusal(status: u16, body: &[u8]) -> Option<Fault> {
    if status < 400 { None } else { decode(status, body).err() }
}

impl Reply {
    /// The answer of a synchronous call.
    pub(crate) fn into_sync<T: DeserializeOwned>(self) -> Result<T, Fault> {
        match self {
            Reply::Sync(value) => metadata(value),
            Reply::Async(id, _) => Err(Fault::protocol("an operation where an answer was expected", id.as_str())),
        }
    }

    /// The operation of an asynchronous call.
    pub(crate) fn into_async(self) -> Result<(OperationId, Operation), Fault> {
        match self {
            Reply::Async(id, operation) => Ok((id, operation)),
            Reply::Sync(value) => Err(Fault::protocol("an answer where an operation was expected", &value.to_string())),
        }
    }
}

/// Parses `metadata`. What does not fit is quoted.
pub(crate) fn metadata<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    T::deserialize(&value)
        .map_err(|source| Fault::protocol("the metadata lacks its shape", &value.to_string()).with_source(source))
}

/// Reads `null` as the default: Go writes nil maps and lists that way.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::error::Error;
    use super::super::kind::ErrorKind;
    use super::*;

    const RUNNING: &str = r#"{"type":"async","status":"Operation created","status_code":100,
        "operation":"/1.0/operations/7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1?project=a","error_code":0,"error":"",
        "metadata":{"id":"7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1","class":"task","description":"Creating instance",
        "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","status":"Running","status_code":103,
        "resources":{"instances":["/1.0/instances/a"]},"metadata":null,"may_cancel":false,"err":"","location":"none"}}"#;

    #[test]
    fn a_sync_reply_gives_its_metadata() {
        let body = br#"{"type":"sync","status":"Success","status_code":200,"metadata":["a","b"]}"#;
        let names: Vec<String> = decode(200, body).and_then(Reply::into_sync).expect("decoded");
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn an_async_reply_gives_its_operation() {
        let (id, operation) = decode(202, RUNNING.as_bytes()).and_then(Reply::into_async).expect("decoded");
        assert_eq!(id.as_str(), "7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1");
        assert_eq!(operation.status, "Running");
        assert_eq!(operation.resources["instances"], ["/1.0/instances/a"]);
    }

    #[rstest]
    #[case::not_found(404, r#"{"type":"error","error":"Instance not found","error_code":404}"#, 404)]
    #[case::code_only_in_status(500, r#"{"type":"error","error":"boom"}"#, 500)]
    fn an_error_reply_carries_its_code(#[case] status: u16, #[case] body: &str, #[case] code: u16) {
        let error = Error::new("try", decode(status, body.as_bytes()).expect_err("an error"));
        assert_eq!(error.code(), Some(code));
    }

    #[rstest]
    #[case::garbage(200, "{nonsense", "{nonsense")]
    #[case::html(502, "<html>Bad Gateway</html>", "<html>Bad Gateway</html>")]
    #[case::unknown_type(200, r#"{"type":"later","metadata":1}"#, "unknown reply type")]
    #[case::no_type(200, r#"{"metadata":1}"#, "missing-type-is-quoted")]
    #[case::error_status_without_error(500, r#"{"type":"sync","metadata":1}"#, "error status without")]
    #[case::operation_without_id(202, r#"{"type":"async","operation":"nope","metadata":{}}"#, "nope")]
    fn a_shape_that_is_not_known_is_quoted(#[case] status: u16, #[case] body: &str, #[case] shown: &str) {
        let error = Error::new("try", decode(status, body.as_bytes()).expect_err("an error"));
        assert!(matches!(error.kind(), ErrorKind::Protocol { .. }), "{error:?}");
        let shown = if shown == "missing-type-is-quoted" { r#"{\"metadata\":1}"# } else { shown };
        assert!(error.to_string().contains(shown), "{error}");
    }

    #[test]
    fn metadata_that_lacks_a_field_is_quoted() {
        let reply = decode(200, br#"{"type":"sync","metadata":{"name":"a"}}"#).expect("decoded");
        let fault = reply.into_sync::<Operation>().expect_err("no operation");
        assert!(Error::new("try", fault).to_string().contains(r#"{\"name\":\"a\"}"#));
    }
}
