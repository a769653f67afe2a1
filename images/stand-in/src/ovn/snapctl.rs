//! Starting and stopping the snap's services.

use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Mutex;

use crate::error::{Error, Result};

use super::tools::wait_until;

/// How long another change of the snap may be in our way.
const PATIENCE: Duration = Duration::from_secs(30);

/// snapd makes one change of a snap at a time and refuses a second; so we do not ask for one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Enables and starts services.
pub(crate) async fn start(services: &[&str]) -> Result<()> {
    snapctl(&["start", "--enable"], services).await
}

/// Starts services once, whatever becomes of them.
pub(crate) async fn try_start(services: &[&str]) -> Result<()> {
    let outcome = snapctl(&["start"], services).await;
    if let Err(error) = &outcome {
        complain!("{error}");
    }
    Ok(())
}

/// Stops and disables services.
pub(crate) async fn stop(services: &[&str]) -> Result<()> {
    snapctl(&["stop", "--disable"], services).await
}

/// Stops services and leaves them enabled.
pub(crate) async fn halt(services: &[&str]) -> Result<()> {
    snapctl(&["stop"], services).await
}

/// Restarts services.
pub(crate) async fn restart(services: &[&str]) -> Result<()> {
    snapctl(&["restart"], services).await
}

/// The services that are disabled, by their names within the snap.
pub(crate) async fn list_disabled() -> Result<Vec<String>> {
    let output = Command::new("snapctl").arg("services").output().await?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::internal(format!("snapctl services failed: {}", text.trim_end())));
    }
    Ok(parse_disabled(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_disabled(table: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in table.lines() {
        let mut columns = line.split_whitespace();
        if let (Some(name), Some("disabled")) = (columns.next(), columns.next()) {
            names.push(name.trim_start_matches("microovn.").to_owned());
        }
    }
    names
}

async fn snapctl(verb: &[&str], services: &[&str]) -> Result<()> {
    if services.is_empty() {
        return Ok(());
    }
    let _guard = ONE_AT_A_TIME.lock().await;
    let names: Vec<String> = services.iter().map(|service| format!("microovn.{service}")).collect();
    let what = format!("snapctl {} {}", verb.join(" "), names.join(" "));
    // What the operator does with `snap` at the same time can still be in our way for a moment.
    let outcome = wait_until(&what, PATIENCE, async || {
        let output = Command::new("snapctl").args(verb).args(&names).output().await?;
        let text = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        match output.status.success() {
            true => Ok(Ok(())),
            false if text.contains("in progress") => Err(Error::internal(text)),
            false => Ok(Err(Error::internal(format!("{what} failed: {text}")))),
        }
    });
    outcome.await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_column_says_what_is_disabled() {
        let table = "Service           Startup   Current   Notes\nmicroovn.chassis  disabled  inactive  -\n\
                     microovn.daemon   enabled   active    -\nmicroovn.switch   disabled  active    -\n";
        assert_eq!(parse_disabled(table), ["chassis", "switch"]);
    }
}
