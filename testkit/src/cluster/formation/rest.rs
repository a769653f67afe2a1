//! The control socket, as MicroCloud uses it.

use std::time::Duration;

use super::{Entry, Tokens};
use crate::cluster::ClusterError;
use crate::cluster::control::call;
use crate::microovn::{ControlCall, JoinToken};

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
    let joins = token.is_some();
    let ask = async |request: ControlCall, said: &mut String| {
        said.push_str(&format!("{request}\n"));
        let reply = call(entry.client, entry.instance, &entry.member.name, &request, CALL).await;
        match &reply {
            Ok(metadata) => said.push_str(&format!("-> {metadata}\n")),
            Err(error) => said.push_str(&format!("-> {}\n", crate::report::chain(error))),
        }
        reply
    };
    ask(ControlCall::form(entry.member, token.as_ref()), said).await?;
    let mut tokens = Tokens::new();
    if joins {
        return Ok(tokens);
    }
    for joiner in entry.plan.joiners() {
        let printed = ask(ControlCall::token(&joiner.name), said).await?;
        let token = printed.as_str().unwrap_or_default().parse().map_err(|source| ClusterError::BadToken {
            bootstrap: entry.member.name.clone(),
            member: joiner.name.clone(),
            source,
        })?;
        tokens.insert(joiner.name.clone(), token);
    }
    Ok(tokens)
}
