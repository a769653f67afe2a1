//! Calls to MicroOVN's control socket, made on the member that it belongs to.

use std::time::Duration;

use serde_json::Value;

use super::ClusterError;
use crate::lxd::{Client, Exec};
use crate::microovn::{CONTROL_SOCKET, ControlCall, ControlError, parse_control, redact};

/// Makes a call and returns the reply's metadata. The body is passed on standard input, because it may hold a token.
///
/// # Errors
/// When there is no way to call, the daemon refuses, or it answers what is no reply.
pub(super) async fn call(
    client: &Client,
    instance: &str,
    member: &str,
    request: &ControlCall,
    deadline: Duration,
) -> Result<Value, ClusterError> {
    let url = format!("http://localhost{}", request.path);
    let seconds = deadline.as_secs().to_string();
    let mut argv =
        vec!["curl", "--silent", "--show-error", "--unix-socket", CONTROL_SOCKET, "--max-time", seconds.as_str()];
    let mut exec_input = String::new();
    if let Some(body) = &request.body {
        argv.extend(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
        exec_input = body.to_string();
    }
    argv.push(&url);
    let exec = Exec::new(argv.iter().copied()).stdin(exec_input).timeout(deadline + Duration::from_secs(10));
    let failed = |source| ClusterError::Control { member: member.to_owned(), call: request.to_string(), source };
    let output = client.exec(instance, &exec).await?;
    if !output.success() {
        return Err(failed(ControlError::NoAnswer(redact(output.stderr_text().trim()))));
    }
    parse_control(&output.stdout_text()).map_err(failed)
}
