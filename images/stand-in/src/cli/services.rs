//! `microovn enable` and `microovn disable`.

use clap::ArgMatches;
use hyper::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::faults::{self, Fault};
use crate::paths::Paths;

use super::client::Client;

/// What is enabled or disabled, and where.
#[derive(Debug)]
pub(crate) struct Options {
    service: String,
    node: Option<String>,
    allow_last_central: bool,
    /// What BGP is given, where it is given anything.
    wanted: Option<Value>,
}

/// What is said before BGP is enabled, without a newline behind it.
const NOTE: &str = "Please note, BGP functionality is currently experimental and likely to change.";

impl Options {
    /// Reads them from the arguments of `verb`.
    pub(crate) fn new(paths: &Paths, verb: &str, matches: &ArgMatches) -> Result<Self> {
        let service = super::one(matches)?;
        if !["bgp", "central", "chassis", "switch"].contains(&service.as_str()) {
            return Err(Error::new(400, format!("invalid argument \"{service}\" for \"microovn {verb}\"")));
        }
        let configuration: Vec<&String> = match verb {
            "enable" => matches.get_many("config").into_iter().flatten().collect(),
            _ => Vec::new(),
        };
        let by_hand = verb == "enable" && matches.get_flag("manual-bgpd-config");
        if service == "bgp" && verb == "enable" {
            say!("{NOTE}");
            if !faults::plays(paths, Fault::BgpUnchecked) {
                configuration.iter().try_for_each(|one| check_configuration(one))?;
            }
        }
        Ok(Self {
            wanted: (!configuration.is_empty()).then(|| wanted(&configuration, by_hand)),
            service,
            node: matches.get_one::<String>("node").cloned(),
            allow_last_central: verb == "disable" && matches.get_flag("allow-disable-last-central"),
        })
    }
}

/// What the daemon is told of BGP.
fn wanted(configuration: &[&String], by_hand: bool) -> Value {
    let of = |key: &str| configuration.iter().find_map(|one| one.strip_prefix(key)?.strip_prefix('='));
    let number = |key: &str| of(key).and_then(|value| value.parse::<u32>().ok());
    let connections: Vec<&str> = of("ext_connection").into_iter().flat_map(|all| all.split(',')).collect();
    json!({"connections": connections, "table": number("vrf"), "asn": number("asn"), "by_hand": by_hand})
}

/// Whether BGP takes a piece of configuration, `key=value`.
fn check_configuration(one: &str) -> Result<()> {
    let wrong = |why: String| Err(Error::new(400, why));
    let Some((key, value)) = one.split_once('=') else {
        return wrong(format!("configuration '{one}' does not conform to the 'key=value' format"));
    };
    let is_number = value.parse::<u32>().is_ok();
    match key {
        "asn" if !is_number => wrong(format!("option 'asn' is not a valid number: {value}")),
        "vrf" if !is_number => wrong(format!("option 'vrf' is not a number: {value}")),
        "asn" | "vrf" | "ext_connection" => Ok(()),
        _ => wrong(format!("unknown BGP config option: {key}")),
    }
}

/// Enables or disables a service.
pub(crate) async fn switch(client: &Client, verb: &str, options: &Options) -> Result<()> {
    let service = &options.service;
    let (method, spelled) = if verb == "enable" { (Method::PUT, "Put") } else { (Method::DELETE, "Delete") };
    let node = options.node.as_ref().map(|node| format!("target={node}&")).unwrap_or_default();
    let allow = u8::from(options.allow_last_central);
    let path = format!("/1.0/service/{service}?{node}allow_last={allow}");
    let reply = client
        .call(spelled, method, &path, options.wanted.as_ref())
        .await
        .map_err(|error| Error::new(error.code, format!("failed to {verb} service '{service}': '{error}'")))?;
    say_line!("Service {service} {verb}d");
    for warning in reply["warnings"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let now = jiff::Timestamp::now().strftime("%Y/%m/%d %H:%M:%S");
        complain!("{now} [{service}] Warning: {}", Value::as_str(warning).unwrap_or_default());
    }
    Ok(())
}
