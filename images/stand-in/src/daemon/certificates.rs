//! Certificates that are issued anew while the cluster runs: those of this member's services, or all of them under
//! another authority. The daemons of OVN read their files again by themselves; nothing is restarted.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::NEAR;
use crate::error::{Error, Result};
use crate::faults;
use crate::http::Reply;
use crate::ovn::pki::{self, Ca};
use crate::ovn::reissued::{Reissued, Replaced};
use crate::ovn::user_ca;

use super::cluster::{Change, Cluster, Member};
use super::log;
use super::node::Node;
use super::peers::join;
use super::server::Call;

/// Recorded: four to eight seconds.
const AFTER_START: Duration = Duration::from_secs(4);

/// Answers what is asked below `/1.0/ca` and `/1.0/certificates`.
pub(crate) async fn handle(node: &Arc<Node>, call: &Call, parts: &[&str]) -> Result<Reply> {
    let node = Arc::clone(node);
    match (&call.method, parts) {
        (&Method::GET, ["ca"]) => {
            let auto_renew = node.membership()?.cluster().ca.auto_renew;
            Ok(Reply::Success(json!({"auto_renew": auto_renew, "error": ""})))
        }
        // A caller that goes away must not leave a cluster with two authorities behind.
        (&Method::PUT, ["ca"]) => join(tokio::task::spawn_local(async move { regenerate(&node).await })).await,
        (&Method::POST, ["ca"]) => {
            let body = call.json()?;
            join(tokio::task::spawn_local(async move { set(&node, &body).await })).await
        }
        (&Method::PUT, ["certificates"]) => {
            let own = node.membership()?.own()?;
            let enabled = pki::stems(&own.services);
            reissue(&node, &enabled, true).await
        }
        (&Method::PUT, ["certificates", service]) => reissue_one(&node, service).await,
        (_, ["ca"] | ["certificates"] | ["certificates", _]) => Err(Error::new(501, "not implemented")),
        _ => Err(Error::new(404, "not found")),
    }
}

async fn reissue_one(node: &Node, service: &str) -> Result<Reply> {
    let own = node.membership()?.own()?;
    let enabled = pki::stems(&own.services);
    let fields = [("action", "issue_certificate"), ("category", "AUTHN"), ("event", "authn_password_changed")];
    let requested = format!("Certificate reissue requested for service '{service}'");
    log::say_security(&requested, &[&fields[..], &[("service", service)]].concat());
    log::say("info", &format!("Issuing new certificate for '{service}' service."), &[]);
    if !enabled.contains(&service) {
        return Err(not_enabled(service, &enabled));
    }
    reissue(node, &[service], false).await
}

/// The refusal of a service that is not enabled here.
fn not_enabled(service: &str, enabled: &[&str]) -> Error {
    let enabled = enabled.join(", ");
    Error::new(
        404,
        format!(
            "can't issue certificate for service '{service}', service is not enabled on this member, enabled \
             services: {enabled}"
        ),
    )
}

/// Issues the certificates of services of this member anew.
async fn reissue(node: &Node, services: &[&str], are_all: bool) -> Result<Reply> {
    let membership = node.membership()?;
    let ca = membership.cluster().ca;
    let _guard = node.working.lock().await;
    let mut reissued = Reissued::default();
    for service in services {
        let left = faults::reissue::leaves(&node.paths, service, are_all);
        let pair = || pki::prepare(&node.paths, &ca, &membership.name, service);
        reissued.note(service, left || succeeds(service, pair().and_then(|pair| pair.replace(&node.paths))));
    }
    faults::reissue::interrupt(&node.paths).await;
    Ok(Reply::Success(json!(reissued)))
}

/// Issues anew what is near its end, some seconds after the daemon has started, and not what a user provided.
pub(crate) async fn renew(node: Arc<Node>) {
    tokio::time::sleep(AFTER_START).await;
    let Ok(membership) = node.membership() else { return };
    if faults::renewal::sleeps_at_start(&node.paths) {
        return;
    }
    let near = |file: &str| crate::tls::ends_within(&node.paths.pki().join(file), NEAR);
    if membership.cluster().ca.auto_renew && near("cacert.pem") {
        let _ = regenerate(&node).await;
    }
    let services = membership.own().map(|own| own.services).unwrap_or_default();
    for service in pki::stems(&services) {
        if near(&format!("{service}-cert.pem")) {
            let _ = reissue_one(&node, service).await;
        }
    }
}

/// Says in the journal why a service has no new certificate, if it has none.
fn succeeds(service: &str, outcome: Result<()>) -> bool {
    if let Err(error) = &outcome {
        log::say("error", &format!("Failed to issue certificate for {service}: {error}"), &[]);
    }
    outcome.is_ok()
}

/// `PUT /1.0/ca`: MicroOVN makes another authority.
async fn regenerate(node: &Node) -> Result<Reply> {
    let fields = [("action", "regenerate_ca"), ("category", "AUTHZ"), ("event", "authz_admin")];
    log::say_security("CA certificate regeneration requested via API", &fields);
    log::say("info", "Re-issuing CA certificate and private key", &[]);
    let cluster = node.membership()?.cluster();
    match faults::reissue::regenerated(&node.paths, Ca::generate_at(&node.paths)?, &cluster.ca) {
        Some(ca) => replace(node, &cluster, ca).await,
        None => Ok(pretended(&cluster)),
    }
}

/// `POST /1.0/ca`: somebody provides an authority. Why it is refused is in the journal only.
async fn set(node: &Node, body: &Value) -> Result<Reply> {
    let fields = [("action", "set_custom_ca"), ("category", "AUTHZ"), ("event", "authz_admin")];
    log::say_security("Custom CA certificate upload requested via API", &fields);
    log::say("info", "Updating CA certificate and private key from user provided data", &[]);
    let cluster = node.membership()?.cluster();
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let ca = match user_ca::read(text("certificate"), text("private_key")) {
        Ok(ca) => faults::reissue::provided(&node.paths, ca),
        Err(_) if faults::reissue::takes_anything(&node.paths) => return Ok(pretended(&cluster)),
        Err(error) => return Ok(refused(&error)),
    };
    if faults::reissue::ignores_user(&node.paths) {
        return Ok(pretended(&cluster));
    }
    if (&ca.certificate, &ca.key) == (&cluster.ca.certificate, &cluster.ca.key) {
        log::say("info", "Cluster certificates do not need updating", &[]);
        return Ok(Reply::Success(json!(Replaced::default())));
    }
    replace(node, &cluster, ca).await
}

/// The answer about an authority that is not taken.
fn refused(error: &Error) -> Reply {
    log::say("error", &format!("Failed to set custom user-provided CA certificate: {error}"), &[]);
    Reply::SoftFailure(json!(Replaced::default()))
}

/// The answer as if every member had new certificates.
fn pretended(cluster: &Cluster) -> Reply {
    let reissued = cluster.members.iter().map(|member| (member.name.clone(), as_if(member))).collect();
    Reply::Success(json!(Replaced { new_ca: true, reissued, errors: Vec::new() }))
}

fn as_if(member: &Member) -> Reissued {
    Reissued::all(pki::stems(&member.services))
}

/// Makes another authority that of the cluster, and has every member issue its certificates anew.
async fn replace(node: &Node, cluster: &Cluster, ca: Ca) -> Result<Reply> {
    if let Err(error) = node.commit(Change::SetCa(ca.clone())).await {
        return Ok(refused(&error));
    }
    if !ca.auto_renew {
        let fields = [("auto_renew", "false"), ("category", "AUTHN"), ("event", "authn_password_changed")];
        log::say_security("User-provided CA certificate stored", &[&fields[..], &[("subject", "CA")]].concat());
    }
    let last = cluster.members.last().map(|member| member.name.as_str()).unwrap_or_default();
    let left_out = faults::reissue::left_out(&node.paths, last);
    let own = node.membership()?.name.clone();
    let body = json!(ca);
    let outcomes = join_all(cluster.members.iter().map(async |member| {
        let outcome = if left_out.as_ref() == Some(&member.name) {
            Ok(json!(as_if(member)))
        } else if member.name == own {
            take_over(node, ca.clone()).await
        } else {
            node.ask(member, Method::POST, "/core/internal/certificates", Some(&body)).await
        };
        outcome.and_then(|reissued| Ok(serde_json::from_value::<Reissued>(reissued)?))
    }));
    let mut replaced = Replaced { new_ca: true, ..Replaced::default() };
    for (member, outcome) in cluster.members.iter().zip(outcomes.await) {
        match outcome {
            Ok(reissued) => {
                replaced.reissued.insert(member.name.clone(), reissued);
            }
            Err(error) => replaced
                .errors
                .push(format!("failed to contact cluster member with address \"https://{}\": {error}", member.address)),
        }
    }
    Ok(Reply::Success(json!(replaced)))
}

/// Has this member trust another authority, and issues its certificates anew.
pub(crate) async fn take_over(node: &Node, ca: Ca) -> Result<Value> {
    log::say("info", "Re-issuing all local OVN certificates", &[]);
    let membership = node.membership()?;
    let _guard = node.working.lock().await;
    let own = membership.own()?;
    if faults::reissue::spares_services(&node.paths) {
        pki::write_authority(&node.paths, &ca)?;
        return Ok(json!(as_if(&own)));
    }
    // Everything is there before the first file is written: until the last is, nobody understands the other.
    let pairs = pki::stems(&own.services).into_iter();
    let pairs: Vec<_> =
        pairs.map(|service| (service, pki::prepare(&node.paths, &ca, &membership.name, service))).collect();
    pki::write_authority(&node.paths, &ca)?;
    let mut reissued = Reissued::default();
    for (service, pair) in pairs {
        reissued.note(service, succeeds(service, pair.and_then(|pair| pair.replace(&node.paths))));
    }
    Ok(json!(reissued))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::envelope;

    #[test]
    fn a_service_that_is_not_enabled_is_refused_as_recorded() {
        let recordings = [
            ("ovn-northd", include_str!("../../tests/fixtures/104-reissue-chassis-ovn-northd.txt")),
            ("ovnnb", include_str!("../../tests/fixtures/202-reissue-after-central-disabled.txt")),
        ];
        for (service, recording) in recordings {
            let said = recording.split_once("--- stderr\n").expect("a second stream").1;
            let error = not_enabled(service, &pki::stems(&["chassis", "switch"].map(str::to_owned)));
            let error = error.context("failed to reissue certificate").context("command failed");
            assert_eq!(format!("Error: {error}\n"), said);
        }
    }

    #[tokio::test]
    async fn what_is_said_of_the_authority_is_as_recorded() {
        let recording = include_str!("../../tests/fixtures/107-rest-ca.txt");
        let recorded = recording.split_once("--- stdout\n").expect("an output").1;
        let recorded = recorded.split_once("--- stderr\n").expect("a second stream").0;
        let reply = Reply::Success(json!({"auto_renew": Ca::default().auto_renew, "error": ""}));
        assert_eq!(envelope(&Ok(reply)).1, recorded);
    }
}
