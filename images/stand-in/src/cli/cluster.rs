//! `microovn cluster …`.

use hyper::Method;
use serde_json::{Value, json};

use crate::address;
use crate::error::{Error, Result};

use super::client::Client;

/// `cluster bootstrap`: forms a cluster of this member with nothing but defaults.
pub(crate) async fn bootstrap(client: &Client) -> Result<()> {
    let address = address::find_default()?;
    let body = json!({"bootstrap": true, "name": address::hostname(),
                      "address": address::parse_at(&address.to_string(), client.release().port())?.to_string()});
    client.post("/core/control", &body).await.map(drop)
}

/// `cluster join TOKEN`: joins with nothing but defaults.
pub(crate) async fn join(client: &Client, token: &str) -> Result<()> {
    let address = address::find_default()?;
    let body = json!({"join_token": token, "name": address::hostname(),
                      "address": address::parse_at(&address.to_string(), client.release().port())?.to_string()});
    client.post("/core/control", &body).await.map(drop)
}

/// `cluster add NAME`: prints a join token.
pub(crate) async fn add(client: &Client, name: &str, timeout: Option<f64>) -> Result<()> {
    say_line!("{}", request_token(client, name, timeout).await?);
    Ok(())
}

/// Asks the daemon for a join token that is valid for `timeout` seconds.
pub(crate) async fn request_token(client: &Client, name: &str, timeout: Option<f64>) -> Result<String> {
    let mut body = json!({"name": name});
    if let Some(seconds) = timeout {
        let nanoseconds = std::time::Duration::try_from_secs_f64(seconds)
            .map_err(|error| Error::new(400, format!("invalid timeout: {error}")))?
            .as_nanos();
        body["expire_after"] = json!(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
    }
    let token = client.post("/core/control/tokens", &body).await.map_err(|error| {
        Error::new(error.code, format!("unable to add server to microcluster, name \"{name}\" is taken:\n{error}"))
    })?;
    Ok(token.as_str().unwrap_or_default().to_owned())
}

/// `cluster list`: prints the members.
pub(crate) async fn list(client: &Client, format: &str) -> Result<()> {
    super::table::render(&Value::Null, format)?;
    let members = client.get("/core/1.0/cluster").await?;
    say!("{}", super::table::render(&members, format)?);
    Ok(())
}

/// `cluster remove NAME`: makes a member leave.
pub(crate) async fn remove(client: &Client, name: &str, force: bool) -> Result<()> {
    let path = format!("/core/1.0/cluster/{name}?force={}", u8::from(force));
    client.call("Delete", Method::DELETE, &path, None).await.map(drop)
}
