//! Running OVN's and Open vSwitch's own tools, and waiting for what they show.

use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::error::{Error, Result};
use crate::paths::Paths;

/// Runs one of the snap's commands and returns what it prints.
///
/// # Errors
///
/// It cannot be started or ends with an error; the text is what it said.
pub(crate) async fn run(paths: &Paths, tool: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(paths.snap.join("commands").join(tool))
        .args(args)
        .env("SNAP", &paths.snap)
        .env("SNAP_COMMON", &paths.common)
        .output()
        .await
        .map_err(|error| Error::from(error).context(format!("failed to run {tool}")))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::internal(format!("{tool} failed: {}", text.trim_end())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Asks `condition` again and again until it is fulfilled.
///
/// # Errors
///
/// It is not within `patience`; the text ends with what was last in the way.
pub(crate) async fn wait_until<C, T>(what: &str, patience: Duration, condition: C) -> Result<T>
where
    C: AsyncFn() -> Result<T>,
{
    let started = Instant::now();
    loop {
        match condition().await {
            Ok(value) => return Ok(value),
            Err(error) if started.elapsed() >= patience => {
                let seconds = patience.as_secs();
                return Err(error.context(format!("waited {seconds} s for {what}")));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Waits until somebody listens on a Unix socket.
pub(crate) async fn wait_socket(socket: &std::path::Path, patience: Duration) -> Result<()> {
    wait_until(&socket.display().to_string(), patience, async || {
        tokio::net::UnixStream::connect(socket).await.map(drop).map_err(Error::from)
    })
    .await
}
