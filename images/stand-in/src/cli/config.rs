//! `microovn config …`.

use hyper::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};

use super::client::Client;

async fn call(client: &Client, verb: &str, method: Method, body: Value) -> Result<Value> {
    let reply = client.call(verb, method, "/1.0/config", Some(&body)).await?;
    match reply["error"].as_str() {
        Some(error) if !error.is_empty() => Err(Error::new(400, error)),
        _ => Ok(reply),
    }
}

/// Prints the value of a key, or nothing when it is not set.
pub(crate) async fn get(client: &Client, key: &str) -> Result<()> {
    let reply = call(client, "Get", Method::GET, json!({"key": key}))
        .await
        .map_err(|error| error.context(format!("failed to get config option '{key}'")))?;
    if reply["isSet"] == true {
        say_line!("{}", reply["value"].as_str().unwrap_or_default());
    }
    Ok(())
}

/// Sets a key on all members.
pub(crate) async fn set(client: &Client, key: &str, value: &str) -> Result<()> {
    call(client, "Put", Method::PUT, json!({"key": key, "value": value}))
        .await
        .map_err(|error| error.context(format!("failed to set config option '{key}'")))?;
    say_line!("Successfully set config option '{key}'");
    Ok(())
}

/// Removes a key from all members.
pub(crate) async fn delete(client: &Client, key: &str) -> Result<()> {
    call(client, "Delete", Method::DELETE, json!({"key": key}))
        .await
        .map_err(|error| error.context(format!("failed to delete config option '{key}'")))?;
    say_line!("Successfully deleted config option '{key}'");
    Ok(())
}

/// Prints the keys there are.
pub(crate) fn list() {
    say_line!("Available options:\novn.central-ips");
}
