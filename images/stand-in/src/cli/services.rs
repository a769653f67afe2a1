//! `microovn enable` and `microovn disable`.

use clap::ArgMatches;
use hyper::Method;
use serde_json::Value;

use crate::error::{Error, Result};

use super::client::Client;

/// What is enabled or disabled, and where.
#[derive(Debug)]
pub(crate) struct Options {
    service: String,
    node: Option<String>,
    allow_last_central: bool,
}

impl Options {
    /// Reads them from the arguments of `verb`.
    pub(crate) fn new(verb: &str, matches: &ArgMatches) -> Result<Self> {
        let service = super::one(matches)?;
        if !["bgp", "central", "chassis", "switch"].contains(&service.as_str()) {
            return Err(Error::new(400, format!("invalid argument \"{service}\" for \"microovn {verb}\"")));
        }
        Ok(Self {
            service,
            node: matches.get_one::<String>("node").cloned(),
            allow_last_central: verb == "disable" && matches.get_flag("allow-disable-last-central"),
        })
    }
}

/// Enables or disables a service.
pub(crate) async fn switch(client: &Client, verb: &str, options: &Options) -> Result<()> {
    let service = &options.service;
    let (method, spelled) = if verb == "enable" { (Method::PUT, "Put") } else { (Method::DELETE, "Delete") };
    let node = options.node.as_ref().map(|node| format!("target={node}&")).unwrap_or_default();
    let path = format!("/1.0/service/{service}?{node}allow_last={}", u8::from(options.allow_last_central));
    let reply = client
        .call(spelled, method, &path, None)
        .await
        .map_err(|error| Error::new(error.code, format!("failed to {verb} service '{service}': '{error}'")))?;
    println!("Service {service} {verb}d");
    for warning in reply["warnings"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let now = jiff::Timestamp::now().strftime("%Y/%m/%d %H:%M:%S");
        eprintln!("{now} [{service}] Warning: {}", Value::as_str(warning).unwrap_or_default());
    }
    Ok(())
}
