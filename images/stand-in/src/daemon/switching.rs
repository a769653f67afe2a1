//! Enabling and disabling a service of a member that is there already.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::faults::{self, Fault};
use crate::ovn::services::{self, Plan};

use super::cluster::{Change, Cluster, Member};
use super::log;
use super::node::Node;

/// Enables or disables a service, here or on the member that is the target; the reply lists warnings.
pub(crate) async fn switch(
    node: &Arc<Node>,
    service: &str,
    enable: bool,
    target: Option<&str>,
    allow_last: bool,
) -> Result<Value> {
    let membership = node.membership()?;
    let cluster = membership.cluster();
    let plays = |fault| faults::plays(&node.paths, fault);
    let other = target.and_then(|name| faults::life::other_target(&node.paths, &cluster, name, service, enable));
    if let Some(target) = other.as_deref().or(target).filter(|target| *target != membership.name) {
        let member = cluster.find(target).ok_or_else(|| unknown(target))?;
        let method = if enable { Method::PUT } else { Method::DELETE };
        let path = format!("/1.0/service/{service}?allow_last={}", u8::from(allow_last));
        let asked = node.ask(member, method, &path, None).await;
        return asked.map_err(|error| from_target(target, error));
    }
    if service == "bgp" {
        return Err(Error::new(501, "the stand-in has no BGP daemon"));
    }
    let own = membership.own()?;
    say_asked(service, enable, &own.name);
    require_change(&cluster, &own, service, enable, allow_last || plays(Fault::LastCentralNotRefused))?;

    let mut next = own.services.clone();
    next.retain(|running| running != service);
    if enable {
        next.push(service.to_owned());
        next.sort();
    }
    let mut cluster_then = cluster.clone();
    if let Some(entry) = cluster_then.members.iter_mut().find(|member| member.name == own.name) {
        entry.services.clone_from(&next);
    }
    let reply = json!({"warnings": if service == "central" { warnings(cluster_then.centrals()) } else { Vec::new() }});
    if plays(if enable { Fault::EnableDoesNothing } else { Fault::DisableDoesNothing }) {
        return Ok(reply);
    }
    if enable {
        let plan = Plan {
            name: &own.name,
            services: &next,
            env: &cluster_then.env_of(&own),
            // MicroOVN writes the tunnel endpoint when a member is formed, and never again.
            encap_ip: None,
            ca: &cluster.ca,
        };
        let _guard = node.working.lock().await;
        services::enable(&node.paths, service, &plan).await?;
    } else if !plays(Fault::DisableNotStopped) {
        let last_central = service == "central" && cluster.centrals() == 1;
        let _guard = node.working.lock().await;
        services::disable(&node.paths, service, last_central).await?;
    }
    node.commit(Change::SetServices { name: own.name, services: next }).await?;
    Ok(reply)
}

/// The error of a target that is no member.
/// Says that a service is to be enabled or disabled on this member, whatever becomes of that.
pub(super) fn say_asked(service: &str, enable: bool, node: &str) {
    let (action, doing) = if enable { ("enable_service", "Enabling") } else { ("disable_service", "Disabling") };
    let message = format!("{doing} service '{service}' on node '{node}'");
    log::say_done(action, &message, &[("node", node), ("service", service)]);
}

fn unknown(target: &str) -> Error {
    let text = "Failed to get cluster member for request target name";
    Error::new(404, format!("{text} \"{target}\": CoreClusterMember not found"))
}

/// The error of a target, as who asked it says it.
fn from_target(target: &str, error: Error) -> Error {
    error.context(format!("Failed to send request to target \"{target}\""))
}

/// # Errors
///
/// The service is as it should be already, or it is the last central and nobody insists.
fn require_change(cluster: &Cluster, own: &Member, service: &str, enable: bool, allow_last: bool) -> Result<()> {
    let enabled = own.services.iter().any(|running| running == service);
    let refusal = match (enable, enabled) {
        (true, true) => "this service is already enabled",
        (false, false) => "this service is not enabled",
        (false, true) if service == "central" && cluster.centrals() == 1 && !allow_last => {
            "cannot disable last central node without explicit confirmation"
        }
        _ => return Ok(()),
    };
    Err(Error::internal(refusal))
}

/// What is to be said of so many centrals.
fn warnings(centrals: usize) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if centrals > 0 && centrals.is_multiple_of(2) {
        warnings.push("OVN Cluster has even number of members");
    }
    if centrals > 0 && centrals < 3 {
        warnings.push("OVN Cluster has critically few members");
    }
    warnings
}

#[cfg(test)]
mod tests;
