//! BGP, as far as a host without vrf and a daemon that speaks to nobody take it: on and off, and what is said of the rest.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{Error, Result, io_text};
use crate::faults::{self, Fault};
use crate::ovn::snapctl;

use super::cluster::Change;
use super::node::Node;

/// Enables or disables BGP on this member; `configured` says that it is to have a router of its own.
pub(crate) async fn switch(node: &Arc<Node>, enable: bool, configured: bool) -> Result<Value> {
    let membership = node.membership()?;
    super::switching::say_asked("bgp", enable, &membership.name);
    let router = format!("lr-{}-microovn", membership.name);
    // What the service's script looks for.
    let mark = node.paths.common.join("data/bird/enabled");
    match (enable, mark.exists()) {
        (true, true) => return Err(Error::internal("this service is already enabled")),
        (false, false) => return Err(Error::internal("this service is not enabled")),
        _ => {}
    }
    if enable && configured && !faults::plays(&node.paths, Fault::BgpUnchecked) {
        let why = "vrf kernel module missing or not loaded";
        return Err(Error::internal(format!("failed to create vrf for LR '{router}': {why}")));
    }
    let guard = node.working.lock().await;
    let written = if enable { std::fs::write(&mark, "") } else { std::fs::remove_file(&mark) };
    written.map_err(|error| Error::internal(format!("failed to write {}: {}", mark.display(), io_text(&error))))?;
    if enable {
        snapctl::start(&["bird"]).await?;
    } else {
        snapctl::stop(&["bird"]).await?;
    }
    drop(guard);
    let mut services = membership.own()?.services;
    services.retain(|service| service != "bgp");
    if enable {
        services.insert(0, "bgp".to_owned());
    }
    node.commit(Change::SetServices { name: membership.name.clone(), services }).await?;
    if !enable && faults::plays(&node.paths, Fault::BgpDisableFails) {
        let run = format!("/snap/microovn/x1/commands/ovn-nbctl --timeout 30 lr-del {router}: exit status 1");
        let why = format!("Failed to run: {run} (ovn-nbctl: {router}: router name not found)");
        return Err(Error::internal(format!("failed to delete Logical Router '{router}': {why}")));
    }
    Ok(json!({"warnings": []}))
}
