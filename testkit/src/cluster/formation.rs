//! Forming the cluster as a person would: `microovn init` on a terminal, one member after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::observe::Members;
use super::ClusterError;
use crate::lxd::{Client, Exec};
use crate::microovn::{Dialog, DialogError, JoinToken, Step};
use crate::plan::{Member, Plan, Role};
use crate::report::{Evidence, Owner, Timeline};

/// Silence after which a dialog has failed. Some of MicroOVN's own time-outs are 30 s, and a join on a busy host
/// takes longer than that.
const SILENCE: Duration = Duration::from_secs(90);
/// The whole of one dialog.
const DIALOG: Duration = Duration::from_secs(300);
/// A terminal wide enough that no prompt wraps.
const SIZE: (u16, u16) = (400, 50);

/// Runs every member's dialog: the bootstrap member's first, which hands out the join tokens, then the others' in
/// order. The transcripts go to the evidence.
///
/// # Errors
/// As soon as a dialog asks what no option answers, complains, ends early, falls silent or exits with an error.
pub(super) async fn form(
    client: &Client,
    plan: &Plan,
    instances: &Members,
    timeline: &Timeline,
    evidence: &Evidence,
) -> Result<(), ClusterError> {
    let bootstrap = plan.bootstrap().ok_or_else(|| ClusterError::Empty(plan.cell.to_string()))?;
    let mut tokens = BTreeMap::new();
    for member in &plan.members {
        let token = match member.role {
            Role::Bootstrap => None,
            Role::Join => Some(tokens.remove(&member.name).ok_or_else(|| ClusterError::NoToken {
                bootstrap: bootstrap.name.clone(),
                member: member.name.clone(),
            })?),
        };
        let stage = match member.role {
            Role::Bootstrap => "dialog: bootstrap",
            Role::Join => "dialog: join",
        };
        let dialog = talk(client, member, &instances[&member.name], token, evidence);
        tokens.extend(timeline.stage(stage, Owner::Product, dialog).await?);
    }
    Ok(())
}
