//! What members ask of each other, over mutual TLS.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use hyper::Method;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::faults::{self, Fault};
use crate::http::Reply;
use crate::tls;

use super::cluster::{Change, Cluster};
use super::node::Node;
use super::server::{self, Call};
use super::{certificates, control, departure, formation};

/// Serves the other members until the task is aborted.
pub(crate) async fn listen(node: Arc<Node>, listener: TcpListener, config: Arc<ServerConfig>) {
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (node, acceptor) = (Arc::clone(&node), acceptor.clone());
        tokio::task::spawn_local(async move {
            // Whoever does not speak TLS has nothing to say to us.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let caller = tls::caller(&stream);
            server::serve(stream, async move |call| handle(&node, caller.as_deref(), call).await).await;
        });
    }
}

async fn handle(node: &Arc<Node>, caller: Option<&str>, call: Call) -> Result<Reply> {
    let path = call.path.clone();
    // A server with a token is not known yet; the token is what it is judged by.
    if path == "/core/internal/join" {
        return formation::admit(node, &call.json()?).await.map(Reply::Success);
    }
    let membership = node.membership()?;
    let is_member = membership
        .cluster()
        .members
        .iter()
        .any(|member| caller.is_some() && tls::fingerprint_of_pem(&member.certificate).as_deref() == caller);
    if !is_member {
        return Err(Error::new(403, "not authorized"));
    }
    let done = Ok(Reply::Success(json!({})));
    match (&call.method, path.as_str()) {
        (&Method::GET, "/core/internal/state") => Ok(Reply::Success(json!(membership.cluster()))),
        (&Method::POST, "/core/internal/state") => {
            let cluster: Cluster = serde_json::from_value(call.json()?)?;
            // Applied whatever becomes of the caller's connection.
            let node = Arc::clone(node);
            join(tokio::task::spawn_local(async move { node.adopt(cluster).await })).await?;
            done
        }
        (&Method::POST, "/core/internal/change") => {
            let change: Change = serde_json::from_value(call.json()?)?;
            let node = Arc::clone(node);
            join(tokio::task::spawn_local(async move { node.lead(change).await })).await.map(Reply::Success)
        }
        (&Method::POST, "/core/internal/heartbeat") => {
            *membership.leader_heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            Ok(Reply::Success(json!(membership.cluster().version)))
        }
        (&Method::POST, "/core/internal/certificates") => {
            certificates::take_over(node, serde_json::from_value(call.json()?)?).await.map(Reply::Success)
        }
        (&Method::POST, "/core/internal/hooks/pre-remove") => {
            let node = Arc::clone(node);
            join(tokio::task::spawn_local(async move { departure::prepare_to_leave(&node).await })).await?;
            done
        }
        (&Method::POST, "/core/internal/kick") => {
            let ip = query(&call.query, "ip").and_then(|ip| ip.parse().ok());
            faults::life::kick(&node.paths, ip.ok_or_else(|| Error::new(400, "whom to kick is not said"))?).await;
            done
        }
        // A member that others do not find.
        (&Method::GET, "/core/1.0/ready") if node.restarted() && faults::plays(&node.paths, Fault::RestartOffline) => {
            Err(Error::new(503, "Daemon is not ready yet"))
        }
        (&Method::POST, "/core/internal/reset") => {
            let node = Arc::clone(node);
            // Its own task, as it ends the listener this very call came through.
            join(tokio::task::spawn_local(async move { departure::reset(&node).await })).await?;
            done
        }
        _ => control::handle(node, call).await,
    }
}

/// Waits for a task.
pub(crate) async fn join<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error| Err(Error::internal(format!("the task ended early: {error}"))))
}

/// The value of a key in the query of a path.
pub(crate) fn query<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// The certificates list and the like take any JSON; this is what an empty body counts as.
pub(crate) fn or_null(body: &[u8]) -> Result<Value> {
    if body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(body)?) }
}
