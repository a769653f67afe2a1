//! The REST API on the control socket; members answer the harmless part of it to each other, too.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::{Context, Error, Result};
use crate::faults::{self, Fault, Release};
use crate::http::Reply;
use crate::ovn::bgp::Wanted;
use crate::ovn::raft::Db;
use crate::ovn::schema;

use super::cluster::{CENTRAL_IPS, CUSTOM_ENCAP, Change, Cluster, EXTENSIONS, Member, TokenRecord};
use super::log;
use super::node::{Node, Phase, no_quorum};
use super::peers::{join, query};
use super::request::Request;
use super::server::Call;
use super::token::{Token, new_secret};
use super::{bgp, certificates, departure, formation, sql, switching};

/// How long a token is valid unless told otherwise.
const TOKEN_LIFE: Duration = Duration::from_secs(3 * 3600);

/// Answers a request that came through the control socket, where the release that is played has it.
pub(crate) async fn handle_own(node: &Arc<Node>, mut call: Call) -> Result<Reply> {
    let path = Release::played(&node.paths).newest_path(&call.path);
    call.path = path.ok_or_else(|| Error::new(404, "not found"))?;
    handle(node, call).await
}

/// Answers a request.
pub(crate) async fn handle(node: &Arc<Node>, call: Call) -> Result<Reply> {
    let path = call.path.trim_end_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let success = |value| Ok(Reply::Success(value));
    match (&call.method, parts.as_slice()) {
        // Before a cluster is formed there are these, and nothing else.
        (&Method::GET, []) => success(json!(["/1.0"])),
        (&Method::GET, ["core", "1.0"]) => success(server(node)),
        (&Method::GET, ["core", "1.0", "ready"]) => success(json!({})),
        (&Method::POST, ["core", "control"]) => control(node, &call).await,
        (&Method::POST, ["core", "internal", "sql"]) => {
            let query = call.json()?["query"].as_str().unwrap_or_default().to_owned();
            let cluster = node.membership()?.cluster();
            if let Some(ca) = sql::renewal(&cluster, &query) {
                node.commit(Change::SetCa(ca)).await?;
                return success(sql::changed());
            }
            sql::answer(&cluster, &query).map(Reply::Success)
        }
        (_, ["core", "control"] | ["core", "internal", "cluster" | "database" | "truststore"]) => {
            Err(Error::new(501, "not implemented"))
        }
        (_, ["core", "1.0", "cluster", ..] | ["core", "control", "tokens", ..]) => {
            node.membership()?;
            members(node, &call, &parts).await
        }
        (_, ["1.0", "services" | "service" | "ca" | "certificates" | "env" | "config" | "ovsdb", ..]) => {
            node.membership()?;
            ovn(node, &call, &parts).await
        }
        _ => Err(Error::new(404, "not found")),
    }
}

async fn members(node: &Arc<Node>, call: &Call, parts: &[&str]) -> Result<Reply> {
    match (&call.method, parts) {
        (&Method::GET, ["core", "1.0", "cluster"]) => list_members(node).await.map(Reply::Success),
        (&Method::DELETE, ["core", "1.0", "cluster", name]) => {
            let (node, name) = (Arc::clone(node), (*name).to_owned());
            let force = query(&call.query, "force") == Some("1");
            join(tokio::task::spawn_local(async move { departure::remove(&node, &name, force).await })).await?;
            Ok(Reply::Success(json!({})))
        }
        (&Method::GET, ["core", "control", "tokens"]) => {
            let tokens = node.membership()?.cluster().tokens;
            let entry =
                |token: TokenRecord| json!({"name": token.name, "token": token.token, "expires_at": token.expires_at});
            Ok(Reply::Success(tokens.into_iter().map(entry).collect()))
        }
        (&Method::POST, ["core", "control", "tokens"]) => add_token(node, call).await.map(Reply::Success),
        (_, ["core", "1.0", "cluster"] | ["core", "1.0", "cluster", _] | ["core", "control", "tokens"]) => {
            Err(Error::new(501, "not implemented"))
        }
        _ => Err(Error::new(404, "not found")),
    }
}

async fn ovn(node: &Arc<Node>, call: &Call, parts: &[&str]) -> Result<Reply> {
    match (&call.method, parts) {
        (&Method::GET, ["1.0", "services"]) => Ok(Reply::Success(list_services(&node.membership()?.cluster()))),
        (&Method::PUT | &Method::DELETE, ["1.0", "service", service]) => {
            let (node, service) = (Arc::clone(node), (*service).to_owned());
            let target = query(&call.query, "target").map(str::to_owned);
            let allow_last = query(&call.query, "allow_last") == Some("1");
            let enable = call.method == Method::PUT;
            let wanted: Option<Wanted> = serde_json::from_value(call.json()?).unwrap_or_default();
            let task = tokio::task::spawn_local(async move {
                match (&*service, &target) {
                    ("bgp", None) => bgp::switch(&node, enable, wanted).await,
                    _ => switching::switch(&node, &service, enable, target.as_deref(), allow_last).await,
                }
            });
            join(task).await.map(Reply::Success)
        }
        (_, ["1.0", "ca" | "certificates", ..]) => certificates::handle(node, call, &parts[1..]).await,
        (&Method::GET | &Method::PUT | &Method::DELETE, ["1.0", "config"]) => config(node, call).await,
        (&Method::GET, ["1.0", "ovsdb", "schema", db, question @ ..]) => {
            let db = match db.to_lowercase().as_str() {
                "nb" => Db::Northbound,
                "sb" => Db::Southbound,
                other => return Err(Error::new(400, format!("DB '{other}' not supported"))),
            };
            schema_version(node, db, question).await.map(Reply::Success)
        }
        (_, ["1.0", "services" | "env" | "config"] | ["1.0", "service", _]) => Err(Error::new(501, "not implemented")),
        _ => Err(Error::new(404, "not found")),
    }
}

fn server(node: &Node) -> Value {
    let (name, address, ready) = match node.phase() {
        Phase::In(membership) => {
            let address = membership.own().map(|own| own.address.to_string()).unwrap_or_default();
            (membership.name.clone(), address, true)
        }
        _ => (crate::address::hostname(), String::new(), false),
    };
    let version = std::env::var("SNAP_VERSION").unwrap_or_else(|_| "23.03".to_owned());
    let version: Vec<&str> = version.split('.').take(2).collect();
    json!({"name": name, "address": address, "version": version.join("."), "ready": ready,
           "extensions": extensions(node)})
}

/// What this server says it can do beyond the first release.
fn extensions(node: &Node) -> Vec<&'static str> {
    if Release::played(&node.paths).is_first() {
        return Vec::new();
    }
    let older = faults::plays(&node.paths, Fault::OlderRest);
    EXTENSIONS.into_iter().filter(|extension| !(older && *extension == CUSTOM_ENCAP)).collect()
}

async fn control(node: &Arc<Node>, call: &Call) -> Result<Reply> {
    node.require_no_member()?;
    faults::panic::play(&node.paths);
    let mut request = Request::parse(&call.json()?)?;
    request.distort(&node.paths, call.from_command);
    let node = Arc::clone(node);
    // A caller that loses patience must not leave half a member behind.
    join(tokio::task::spawn_local(async move { formation::form(&node, request).await })).await?;
    Ok(Reply::Success(json!({})))
}

async fn list_members(node: &Node) -> Result<Value> {
    let reachable = node.reachable().await?;
    let cluster = node.membership()?.cluster();
    if !cluster.has_quorum(&reachable) {
        return Err(no_quorum().context("Failed to get cluster members"));
    }
    let last = cluster.members.last().map(|member| member.name.clone()).unwrap_or_default();
    let hidden = faults::find(&node.paths, Fault::MemberNotOnline);
    let missing = faults::find_or(&node.paths, Fault::MemberNotListed, &last);
    let moved = faults::find_or(&node.paths, Fault::MemberAddressOther, &last);
    let listed = faults::life::listed(&node.paths, &cluster);
    let entry = |member: &Member| {
        let is_hidden = hidden.as_ref().is_some_and(|name| name.is_empty() || *name == member.name);
        let online = reachable.contains(&member.name) && !is_hidden;
        let address = match &moved {
            Some(name) if *name == member.name => format!("{}:{}", faults::NOBODY, member.address.port()),
            _ => member.address.to_string(),
        };
        let last_heartbeat =
            member.last_heartbeat.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        json!({"name": member.name, "address": address, "certificate": member.certificate,
               "role": member.role, "schema_internal_version": 6, "schema_external_version": 3,
               "last_heartbeat": last_heartbeat, "status": if online { "ONLINE" } else { "UNREACHABLE" },
               "extensions": extensions(node), "secret": ""})
    };
    Ok(listed.iter().filter(|member| missing.as_ref() != Some(&member.name)).map(entry).collect())
}

fn list_services(cluster: &Cluster) -> Value {
    let of_member = |member: &Member| {
        let name = member.name.clone();
        member.services.clone().into_iter().map(move |service| json!({"service": service, "location": name}))
    };
    cluster.by_address().into_iter().flat_map(of_member).collect()
}

async fn add_token(node: &Node, call: &Call) -> Result<Value> {
    let body = call.json()?;
    let life = match &body["expire_after"] {
        Value::Null => TOKEN_LIFE,
        Value::String(_) => {
            return Err(Error::new(
                400,
                "json: cannot unmarshal string into Go struct field TokenRequest.expire_after of type time.Duration",
            ));
        }
        number => match number.as_u64() {
            Some(0) => TOKEN_LIFE,
            Some(nanoseconds) => Duration::from_nanos(nanoseconds),
            None => {
                return Err(Error::new(400, format!("expire_after is no number of nanoseconds: {number}")));
            }
        },
    };
    let membership = node.membership()?;
    let mut name = body["name"].as_str().unwrap_or_default().to_owned();
    if faults::plays(&node.paths, Fault::TokenWrongName) {
        name.push_str("-other");
    }
    let token = Token {
        secret: new_secret(),
        fingerprint: crate::tls::fingerprint_of_pem(&membership.shared.certificate).unwrap_or_default(),
        join_addresses: membership.cluster().members.iter().map(|member| member.address.to_string()).collect(),
    };
    let text = token.encode()?;
    let expires_at = Timestamp::now()
        .checked_add(life)
        .map_err(|error| Error::new(400, format!("the token would never expire: {error}")))?;
    let record = TokenRecord { name, secret: token.secret, token: text.clone(), expires_at };
    node.commit(Change::AddToken(record)).await?;
    if faults::plays(&node.paths, Fault::TokenNotPrinted) {
        return Ok(json!(""));
    }
    if faults::plays(&node.paths, Fault::TokenGarbled) {
        return Ok(json!(Token { secret: new_secret(), ..token }.encode()?));
    }
    Ok(json!(text))
}

/// What is wrong with a list of addresses, in MicroOVN's words, if anything is.
fn wrong_ips(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some("no IPs provided".to_owned());
    }
    let wrong = value.split(',').find(|ip| ip.parse::<std::net::IpAddr>().is_err());
    wrong.map(|wrong| format!("cannot parse IP address '{wrong}'"))
}

async fn config(node: &Arc<Node>, call: &Call) -> Result<Reply> {
    let reply = |value: &str, is_set: bool, error: &str| json!({"value": value, "isSet": is_set, "error": error});
    let Ok(body @ Value::Object(_)) = call.json() else {
        return Ok(Reply::SoftFailure(reply("", false, "failed to decode config request: EOF")));
    };
    let key = body["key"].as_str().unwrap_or_default();
    if key != CENTRAL_IPS {
        let error = format!("config key '{key}' is not a recognized config option");
        return Ok(Reply::SoftFailure(reply("", false, &error)));
    }
    let value = if call.method == Method::GET {
        let membership = node.membership()?;
        let cluster = membership.cluster();
        let value = cluster.config.get(key);
        return Ok(Reply::Success(reply(value.map_or("", String::as_str), value.is_some(), "")));
    } else if call.method == Method::PUT {
        let value = body["value"].as_str().unwrap_or_default();
        if let Some(why) = wrong_ips(value).filter(|_| !faults::plays(&node.paths, Fault::CentralIpsUnchecked)) {
            let error = format!("configuration for key '{key}' not valid: {why}");
            return Ok(Reply::SoftFailure(reply("", false, &error)));
        }
        Some(value.to_owned())
    } else {
        None
    };
    let (action, doing) = if value.is_some() { ("config_set", "Setting") } else { ("config_delete", "Deleting") };
    log::say_done(action, &format!("{doing} configuration key '{key}'"), &[("key", key)]);
    let plays = |fault| faults::plays(&node.paths, fault);
    let alone = || node.membership().is_ok_and(|membership| membership.cluster().centrals() == 0);
    let forgets = plays(Fault::CentralIpsForgotten) || (plays(Fault::CentralIpsNeedCentral) && alone());
    if !forgets {
        node.commit(Change::SetConfig { key: key.to_owned(), value }).await?;
    }
    Ok(Reply::Success(reply("", false, "")))
}

async fn schema_version(node: &Node, db: Db, question: &[&str]) -> Result<Value> {
    let membership = node.membership()?;
    let cluster = membership.cluster();
    match question {
        ["expected"] => schema::expected(&node.paths, db).map(Value::from),
        ["expected", "all"] => {
            let path = format!("/1.0/ovsdb/schema/{}/expected", db.short());
            let reports = cluster.members.iter().map(async |member| {
                let version = if member.name == membership.name {
                    schema::expected(&node.paths, db).map(Value::from)
                } else {
                    node.ask_briefly(member, Method::GET, &path, None).await
                };
                let host = member.address.ip().to_string();
                match version {
                    Ok(version) => json!({"host": host, "schemaVersion": version, "error": 0}),
                    Err(_) => json!({"host": host, "schemaVersion": "", "error": 1}),
                }
            });
            let mut reports = join_all(reports).await;
            if faults::upgrade::is_content(&node.paths) {
                let active = schema::active(&node.paths, db, &cluster.env_of(&membership.own()?)).await?;
                reports.iter_mut().for_each(|report| report["schemaVersion"] = json!(active));
            }
            Ok(Value::Array(reports))
        }
        ["active"] => {
            let env = cluster.env_of(&membership.own()?);
            schema::active(&node.paths, db, &env).await.context("failed to get the active schema").map(Value::from)
        }
        _ => Err(Error::new(404, "not found")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses_are_taken_and_refused_as_recorded() {
        for value in ["192.0.2.1", "192.0.2.1,fd00::1", "FD00:0::0001", "192.0.2.1,192.0.2.1", "0.0.0.0"] {
            assert_eq!(wrong_ips(value), None, "{value}");
        }
        assert_eq!(wrong_ips("").as_deref(), Some("no IPs provided"));
        for (value, part) in [
            ("192.0.2.1, 192.0.2.2", " 192.0.2.2"),
            ("192.0.2.1,", ""),
            ("[fd00::1]", "[fd00::1]"),
            ("192.0.2.1:6642", "192.0.2.1:6642"),
            ("192.0.2.1/24", "192.0.2.1/24"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ] {
            assert_eq!(wrong_ips(value), Some(format!("cannot parse IP address '{part}'")), "{value}");
        }
    }
}
