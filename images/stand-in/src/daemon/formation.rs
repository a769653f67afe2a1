//! Becoming a member, and ceasing to be one.

use std::sync::{Arc, PoisonError};

use hyper::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::address;
use crate::error::{Context, Error, Result};
use crate::faults;
use crate::faults::aftermath::{self, Formed};
use crate::http;
use crate::ovn::pki::Ca;
use crate::ovn::services::{self, Plan};
use crate::tls::{self, Identity};

use super::cluster::{Change, Cluster, Joining, Member};
use super::node::{CONNECT, Membership, Node, Phase};
use super::request::Request;
use super::token::Token;
use super::{departure, heartbeat, log, peers, switching};

/// Makes this server a member, of a new cluster or of the one a token is from.
pub(crate) async fn form(node: &Arc<Node>, request: Request) -> Result<()> {
    node.require_no_member()?;
    if let Phase::Wedged { .. } = node.phase() {
        node.set_phase(Phase::Wedged { seen: true });
        return std::future::pending().await;
    }
    if !request.bootstrap && request.join_token.is_empty() {
        // MicroOVN waits for something that never comes, and so do its callers.
        return std::future::pending().await;
    }
    let token = if request.bootstrap { None } else { Some(Token::decode(&request.join_token)?) };

    let guard = node.working.lock().await;
    let yaml = format!("name: {}\naddress: {}\nservers: {{}}\n", request.name, request.address);
    std::fs::write(node.paths.daemon_yaml(), yaml).context("failed to write daemon.yaml")?;
    let Ok(listener) = TcpListener::bind(request.address).await else {
        // What MicroOVN does with an address the host does not have: it never answers again.
        node.set_phase(Phase::Wedged { seen: false });
        drop(guard);
        return std::future::pending().await;
    };
    let outcome = match &token {
        None => bootstrap(node, &request, listener).await.context("Failed to run post-bootstrap actions"),
        Some(token) => join(node, &request, token, listener).await,
    };
    drop(guard);
    match outcome {
        Ok(services) => {
            let done = node.commit(Change::SetServices { name: request.name.clone(), services }).await;
            if let Err(error) = done {
                departure::reset(node).await?;
                return Err(error);
            }
            play_aftermath(node, request).await
        }
        Err(error) => {
            departure::reset(node).await?;
            Err(error)
        }
    }
}

/// Plays the faults of a member that is formed.
async fn play_aftermath(node: &Arc<Node>, request: Request) -> Result<()> {
    let formed = Formed {
        paths: node.paths.clone(),
        encap_ip: chosen_encap_ip(node, &request),
        name: request.name.clone(),
        has_peers: node.membership()?.cluster().members.len() > 1,
    };
    if aftermath::leaves(&formed) {
        let node = Arc::clone(node);
        tokio::task::spawn_local(async move {
            if let Err(error) = departure::remove(&node, &request.name, false).await {
                complain!("failed to leave: {error}");
            }
        });
    }
    aftermath::play(formed).await;
    Ok(())
}

/// The encapsulation address of a member: the one it was given, or the address it listens on.
fn chosen_encap_ip(node: &Node, request: &Request) -> String {
    let default = request.address.ip().to_string();
    faults::chassis::encap_ip(&node.paths, request.encap_ip.as_deref(), &default, !request.bootstrap)
}

async fn bootstrap(node: &Arc<Node>, request: &Request, listener: TcpListener) -> Result<Vec<String>> {
    let shared = Identity::generate(&request.name)?;
    let mut cluster = Cluster { version: 1, ..Cluster::default() };
    let services = cluster.decide_services(request.services.as_deref());
    cluster.members.push(Member {
        name: request.name.clone(),
        address: request.address,
        certificate: node.identity().certificate,
        role: "PENDING".to_owned(),
        last_heartbeat: None,
        services: services.clone(),
        ready: false,
    });
    cluster.ca = match &request.ca {
        Some((certificate, key)) => Ca::provided(certificate, key)?,
        None => Ca::generate_at(&node.paths)?,
    };
    let membership = enter(node, request, shared, cluster, listener)?;
    start_services(node, &membership, request).await?;
    Ok(services)
}

async fn join(node: &Arc<Node>, request: &Request, token: &Token, listener: TcpListener) -> Result<Vec<String>> {
    let identity = node.identity();
    if !tls::names(&identity.certificate, &request.certified_name) {
        replace_identity(node, &request.certified_name)?;
    }
    let identity = node.identity();
    let joining = Joining {
        secret: token.secret.clone(),
        name: request.name.clone(),
        address: request.address,
        certificate: identity.certificate.clone(),
        services: request.services.clone(),
    };
    let body = serde_json::to_value(&joining)?;
    let mut last_error = Error::internal("the token names no address");
    for join_address in &token.join_addresses {
        let attempt = async {
            let stream = tls::connect(address::parse(join_address)?, &identity, &token.fingerprint, CONNECT).await?;
            http::request(stream, Method::POST, "/core/internal/join", Some(&body)).await
        };
        match attempt.await {
            Ok(admitted) => {
                let shared: Identity = serde_json::from_value(admitted["shared"].clone())?;
                let cluster: Cluster = serde_json::from_value(admitted["cluster"].clone())?;
                let services = cluster.get(&request.name)?.services.clone();
                let membership = enter(node, request, shared, cluster, listener)?;
                if let Err(error) = start_services(node, &membership, request).await {
                    // The others must not wait for a member that never came to be. If they cannot be told, the
                    // operator can still remove it.
                    let _ = node.commit(Change::Remove { name: request.name.clone() }).await;
                    return Err(error.context("Failed to run post-join actions"));
                }
                return Ok(services);
            }
            Err(error) => last_error = error,
        }
    }
    let attempts = token.join_addresses.len();
    Err(Error::internal(format!("{attempts} join attempts were unsuccessful. Last error: {last_error}")))
}

/// Stores what makes this server a member, and starts to act as one.
fn enter(
    node: &Arc<Node>,
    request: &Request,
    shared: Identity,
    cluster: Cluster,
    listener: TcpListener,
) -> Result<Arc<Membership>> {
    shared.store(&node.paths.state.join("cluster.crt"), &node.paths.state.join("cluster.key"))?;
    super::node::save(&node.paths, &cluster)?;
    let membership = Arc::new(Membership::new(request.name.clone(), shared, cluster));
    act(node, &membership, listener)?;
    Ok(membership)
}

/// Listens to the other members and keeps in touch with them.
pub(crate) fn act(node: &Arc<Node>, membership: &Arc<Membership>, listener: TcpListener) -> Result<()> {
    let config = tls::server_config(&membership.shared)?;
    node.set_phase(Phase::In(Arc::clone(membership)));
    let listening = tokio::task::spawn_local(peers::listen(Arc::clone(node), listener, config));
    let beating = tokio::task::spawn_local(heartbeat::run(Arc::clone(node), Arc::clone(membership)));
    let mut tasks = membership.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    tasks.extend([listening.abort_handle(), beating.abort_handle()]);
    Ok(())
}

async fn start_services(node: &Node, membership: &Membership, request: &Request) -> Result<()> {
    let own = membership.own()?;
    let cluster = membership.cluster();
    let encap_ip = chosen_encap_ip(node, request);
    let plan = Plan {
        name: &request.name,
        services: &own.services,
        env: &cluster.env_of(&own),
        encap_ip: Some(&encap_ip),
        ca: &cluster.ca,
    };
    super::say_started(&node.paths, &own.name);
    own.services.iter().for_each(|service| switching::say_asked(service, true, &own.name));
    services::form(&node.paths, &plan).await?;
    if !request.bootstrap {
        log::say_done("cluster_join", &format!("Node '{}' joined cluster", own.name), &[("node", &own.name)]);
    }
    Ok(())
}

/// Gives this server a new certificate that names `name`.
pub(crate) fn replace_identity(node: &Node, name: &str) -> Result<()> {
    let identity = Identity::generate(name)?;
    identity.store(&node.paths.state.join("server.crt"), &node.paths.state.join("server.key"))?;
    *node.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    Ok(())
}

/// Hands out what a joining server needs.
pub(crate) async fn admit(node: &Node, joining: &Value) -> Result<Value> {
    let joining: Joining = serde_json::from_value(joining.clone())?;
    node.commit(Change::Join(joining)).await?;
    let membership = node.membership()?;
    Ok(json!({"shared": membership.shared, "cluster": membership.cluster()}))
}
