//! Holding the schemas of the databases back until every member wants those that this one brings.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;

use crate::error::{Error, Result};
use crate::faults;
use crate::ovn::raft::Db;
use crate::ovn::schema;

use super::cluster::{Cluster, Member};
use super::node::{Membership, Node};

/// The pause between two looks: so long at first, and twice as long each time, up to the other.
const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(2);

/// Sees to it that a database gets the schema that this member wants, once all do. As MicroOVN, one that is no central when its
/// daemon starts leaves it to others.
pub(crate) async fn hold_back(node: Arc<Node>, membership: Arc<Membership>, db: Db) {
    let mut pause = FIRST;
    while membership.own().is_ok_and(|own| is_central(&own)) {
        match look(&node, &membership, db).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => complain!("failed to see whether {} needs another schema: {error}", db.schema()),
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LAST);
    }
}

/// Whether there is nothing left to do.
async fn look(node: &Node, membership: &Membership, db: Db) -> Result<bool> {
    let wanted = schema::expected(&node.paths, db)?;
    if schema::local(&node.paths, db).await? == wanted {
        return Ok(true);
    }
    let cluster = membership.cluster();
    let leads = cluster.members.iter().find(|member| is_central(member)).is_some_and(|it| it.name == membership.name);
    let due = faults::upgrade::is_impatient(&node.paths)
        || leads && !faults::upgrade::leaves_out(&node.paths, db) && all_want(node, &cluster, db, &wanted).await?;
    if due {
        complain!("giving {} the schema {wanted}", db.schema());
        schema::convert(&node.paths, db).await?;
    }
    Ok(false)
}

fn is_central(member: &Member) -> bool {
    member.services.iter().any(|service| service == "central")
}

/// # Errors
///
/// A member does not say which it wants.
async fn all_want(node: &Node, cluster: &Cluster, db: Db, wanted: &str) -> Result<bool> {
    let path = format!("/1.0/ovsdb/schema/{}/expected", db.short());
    let own = node.membership()?.name.clone();
    let others = cluster.members.iter().filter(|member| member.name != own);
    let answers = join_all(others.map(async |member| node.ask_briefly(member, Method::GET, &path, None).await)).await;
    let answers: Vec<_> = answers.into_iter().collect::<std::result::Result<_, Error>>()?;
    Ok(answers.iter().all(|version| version == wanted))
}
