//! Forming the cluster as a person would: `microovn init` on a terminal, one member after the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::ClusterError;
use tokio::sync::oneshot;

use super::observe::Members;
use crate::lxd::{self, Client, Exec, Pty};
use crate::microovn::JoinToken;
use crate::microovn::dialog::{Dialog, DialogError, Step};
use crate::plan::{Member, Plan, Role};
use crate::report::{Evidence, Owner, Timeline};

/// Silence after which a dialog has failed. Some of MicroOVN's own time-outs are 30 s, and a join on a busy host
/// takes longer than that.
const SILENCE: Duration = Duration::from_secs(90);
/// A question that nobody has answered for this long is one that no option knows.
const HESITATION: Duration = Duration::from_secs(2);
/// The whole of one dialog.
const DIALOG: Duration = Duration::from_secs(300);
/// The exit code follows the end of the output at once.
const EXIT: Duration = Duration::from_secs(30);
/// A terminal wide enough that no prompt wraps.
const SIZE: (u16, u16) = (400, 50);

/// Runs every member's dialog, each as soon as that member is `ready`: the bootstrap member's first, which hands out
/// the join tokens, then the others' in order. The transcripts go to the evidence.
///
/// # Errors
/// As soon as a dialog asks what no option answers, complains, ends early, falls silent or exits with an error.
pub(super) async fn form(
    client: &Client,
    plan: &Plan,
    instances: &Members,
    ready: Vec<oneshot::Receiver<()>>,
    timeline: &Timeline,
    evidence: &Evidence,
) -> Result<(), ClusterError> {
    let bootstrap = plan.bootstrap().ok_or_else(|| ClusterError::Empty(plan.cell.to_string()))?;
    let mut tokens = BTreeMap::new();
    for (member, ready) in plan.members.iter().zip(ready) {
        timeline.stage("wait for the member", Owner::Lxd, announced(ready)).await;
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

/// Waits until a member is ready. One that never will be has an error of its own, which ends the formation.
async fn announced(ready: oneshot::Receiver<()>) {
    if ready.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// One member's dialog, from the first prompt to the exit code. Returns the join tokens it printed, by member name.
async fn talk(
    client: &Client,
    member: &Member,
    instance: &str,
    token: Option<JoinToken>,
    evidence: &Evidence,
) -> Result<BTreeMap<String, JoinToken>, ClusterError> {
    let exec = Exec::new(["/snap/bin/microovn", "init"]).timeout(DIALOG);
    let mut pty = client.exec_pty(instance, &exec, SIZE).await?;
    let mut dialog = Dialog::new(&member.answers, token);
    let spoken = converse(&mut pty, &mut dialog).await;
    if let Err(error) = evidence.write(&member.name, "dialog.txt", &dialog.log()) {
        tracing::warn!(%error, member = member.name, "the transcript is not written");
    }
    match spoken {
        Ok(()) => {}
        Err(Ended::Lxd(error)) => return Err(error.into()),
        Err(Ended::Dialog(source)) => return Err(ClusterError::Dialog { member: member.name.clone(), source }),
    }
    match pty.wait(EXIT).await? {
        0 => Ok(dialog.tokens().clone()),
        code => Err(ClusterError::DialogExit { member: member.name.clone(), code, tail: dialog.transcript().tail }),
    }
}

/// Why a conversation ended badly.
enum Ended {
    Lxd(lxd::Error),
    Dialog(Box<DialogError>),
}

/// Answers every question until the output ends.
async fn converse(pty: &mut Pty, dialog: &mut Dialog) -> Result<(), Ended> {
    let mut quiet_since = Instant::now();
    loop {
        let Ok(read) = tokio::time::timeout(HESITATION, pty.read()).await else {
            // What looks like a question and is not followed by anything is one, and nobody answers it.
            if dialog.find_unanswered().is_some() || quiet_since.elapsed() >= SILENCE {
                return Err(Ended::Dialog(dialog.on_silence()));
            }
            continue;
        };
        quiet_since = Instant::now();
        let Some(bytes) = read.map_err(Ended::Lxd)? else {
            return dialog.on_eof().map_err(Ended::Dialog);
        };
        for step in dialog.feed(&bytes) {
            match step {
                Step::Write(line) => pty.write(line.bytes()).await.map_err(Ended::Lxd)?,
                Step::Fail(error) => return Err(Ended::Dialog(error)),
            }
        }
    }
}
