//! The control socket, as MicroCloud uses it.

use std::time::Duration;

use serde_json::Value;

use super::{Entry, Tokens};
use crate::cluster::ClusterError;
use crate::cluster::control::call;
use crate::microovn::{ControlCall, JoinToken};
use crate::wait;

/// The daemon answers when OVN has started. A join on a busy host takes longer than MicroOVN's own time-outs, some of
/// which are 30 s.
const CALL: Duration = Duration::from_secs(180);

/// Has one member enter. The bootstrap member then issues a token for each of the others, and returns them.
///
/// # Errors
/// When the daemon refuses a call or answers something else.
pub(super) async fn enter(entry: &Entry<'_>, token: Option<JoinToken>) -> Result<Tokens, ClusterError> {
    let mut said = String::new();
    let entered = talk(entry, token, &mut said).await;
    entry.keep("rest.txt", &said);
    entered
}

async fn talk(entry: &Entry<'_>, token: Option<JoinToken>, said: &mut String) -> Result<Tokens, ClusterError> {
    let (config, port) = (&entry.plan.recipe(entry.member).config, entry.plan.state.member_port());
    ask(entry, &ControlCall::form(entry.member, port, config, token.as_ref()), said).await?;
    if token.is_some() {
        return Ok(Tokens::new());
    }
    let issued = async |name: &str| {
        let metadata = ask(entry, &ControlCall::token(name), said).await?;
        Ok(metadata.as_str().unwrap_or_default().to_owned())
    };
    entry.issue(issued).await
}

/// Makes one call and notes both sides of it.
async fn ask(entry: &Entry<'_>, request: &ControlCall, said: &mut String) -> Result<Value, ClusterError> {
    let reply = call(entry.client, entry.instance, &entry.member.name, request, wait::patience(CALL)).await;
    let answered = match &reply {
        Ok(metadata) => metadata.to_string(),
        Err(error) => crate::report::chain(error),
    };
    said.push_str(&format!("{request}\n-> {answered}\n"));
    reply
}
