//! BGP on this member: on and off, with a network to speak on and without.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{Error, Result, io_text};
use crate::faults::{self, Fault};
use crate::ovn::bgp::{self, Wanted};
use crate::ovn::snapctl;

use super::cluster::Change;
use super::node::{Membership, Node};

/// Enables or disables BGP on this member, with what is `wanted` beside a router, if anything is.
pub(crate) async fn switch(node: &Arc<Node>, enable: bool, wanted: Option<Wanted>) -> Result<Value> {
    let membership = node.membership()?;
    super::switching::say_asked("bgp", enable, &membership.name);
    let router = bgp::router(&membership.name);
    let mark = node.paths.common.join("data/bird/enabled");
    match (enable, mark.exists()) {
        (true, true) => return Err(Error::internal("this service is already enabled")),
        (false, false) => return Err(Error::internal("this service is not enabled")),
        _ => {}
    }
    let unchecked = faults::plays(&node.paths, Fault::BgpUnchecked);
    let wanted = wanted.filter(|_| enable && !(unchecked && bgp::without_vrf().is_some()));
    if let Some(why) = bgp::without_vrf().filter(|_| wanted.is_some()) {
        return Err(Error::internal(format!("failed to create vrf for LR '{router}': {why}")));
    }
    let guard = node.working.lock().await;
    if enable {
        snapctl::start(&["bird"]).await?;
        if let Some(wanted) = wanted {
            connect(node, &membership, &wanted).await?;
        }
    } else {
        snapctl::stop(&["bird"]).await?;
        bgp::remove(&node.paths, &membership.name).await?;
    }
    let written = if enable { std::fs::write(&mark, "") } else { std::fs::remove_file(&mark) };
    written.map_err(|error| Error::internal(format!("failed to write {}: {}", mark.display(), io_text(&error))))?;
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

/// Makes what is wanted; where that fails, nothing of it stays.
async fn connect(node: &Node, membership: &Membership, wanted: &Wanted) -> Result<()> {
    let members = membership.cluster().members;
    let number = members.iter().position(|member| member.name == membership.name).map_or(1, |at| at + 1);
    let made = bgp::make(&node.paths, &membership.name, number, wanted).await;
    if made.is_err() {
        let stopped = snapctl::stop(&["bird"]).await;
        stopped.and(bgp::remove(&node.paths, &membership.name).await)?;
    }
    made
}
