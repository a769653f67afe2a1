//! Enabling and disabling a service of a member that is there already.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::ovn::services::{self, Plan};

use super::cluster::Change;
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
    if let Some(target) = target.filter(|target| *target != membership.name) {
        let method = if enable { Method::PUT } else { Method::DELETE };
        let path = format!("/1.0/service/{service}?allow_last={}", u8::from(allow_last));
        return node.ask(cluster.get(target)?, method, &path, None).await;
    }
    if service == "bgp" {
        return Err(Error::new(501, "the stand-in has no BGP daemon"));
    }
    let mut own = membership.own()?;
    let enabled = own.services.iter().any(|running| running == service);
    if enable == enabled {
        let state = if enable { "this service is already enabled" } else { "this service is not enabled" };
        return Err(Error::internal(state));
    }

    let mut warnings = Vec::new();
    if enable {
        own.services.push(service.to_owned());
        own.services.sort();
        let mut next = cluster.clone();
        if let Some(entry) = next.members.iter_mut().find(|member| member.name == own.name) {
            entry.services.clone_from(&own.services);
        }
        let plan = Plan {
            name: &own.name,
            services: &own.services,
            env: &next.env_of(&own),
            // MicroOVN writes the tunnel endpoint when a member is formed, and never again.
            encap_ip: None,
            ca: &cluster.ca,
        };
        let _guard = node.working.lock().await;
        services::enable(&node.paths, service, &plan).await?;
    } else {
        let last_central = service == "central" && cluster.centrals() == 1;
        if last_central && !allow_last {
            return Err(Error::internal("cannot disable the last central service"));
        }
        own.services.retain(|running| running != service);
        {
            let _guard = node.working.lock().await;
            services::disable(&node.paths, service, last_central).await?;
        }
        if service == "central" {
            let left = cluster.centrals() - 1;
            if left % 2 == 0 {
                warnings.push("OVN Cluster has even number of members");
            }
            if left < 3 {
                warnings.push("OVN Cluster has critically few members");
            }
        }
    }
    node.commit(Change::SetServices { name: own.name, services: own.services }).await?;
    Ok(json!({"warnings": warnings}))
}
