//! `microovn init`, answered by question, on a terminal or on pipes.

use std::time::{Duration, Instant};

use super::{Entry, Tokens, terminal};
use crate::cluster::ClusterError;
use crate::lxd::{self, Exec, Pipes};
use crate::microovn::JoinToken;
use crate::microovn::dialog::{Dialog, DialogError, Step};
use crate::plan::Formation;
use crate::wait;

/// Silence after which a dialog has failed. Some of MicroOVN's own time-outs are 30 s, and a join on a busy host
/// takes longer than that.
const SILENCE: Duration = Duration::from_secs(90);
/// A question that nobody has answered for this long is one that no option knows.
const HESITATION: Duration = Duration::from_secs(2);
/// The whole of one dialog.
const DIALOG: Duration = Duration::from_secs(300);
/// More than all questions and their answers together, in bytes: a program that prints this much without a question
/// that is answered does not wait for any.
const ENDLESS: usize = 64 << 10;
/// The exit code follows the end of the output at once.
const EXIT: Duration = Duration::from_secs(30);

/// One member's dialog, from the first prompt to the exit code. Returns the join tokens it printed.
///
/// # Errors
/// As soon as it asks what no option answers, complains, ends early, falls silent or exits with an error.
pub(super) async fn enter(entry: &Entry<'_>, token: Option<JoinToken>) -> Result<Tokens, ClusterError> {
    let mut dialog = Dialog::new(&entry.plan.recipe(entry.member).answers, token);
    let exec = match entry.plan.formation {
        Formation::DialogPiped => Exec::new(["/snap/bin/microovn", "init"]).timeout(wait::patience(DIALOG)),
        _ => {
            dialog = dialog.on_terminal();
            terminal::on("microovn init", wait::patience(DIALOG))
        }
    };
    let mut line = entry.client.exec_pipes(entry.instance, &exec).await?;
    let begun = Instant::now();
    let spoken = tokio::time::timeout(wait::patience(DIALOG), converse(&mut line, &mut dialog)).await;
    entry.keep("dialog.txt", &dialog.log());
    let member = || entry.member.name.clone();
    // Never silent in all that time is as endless as too much.
    if let Err(ended) = spoken.unwrap_or(Err(Ended::Endless)) {
        let seconds = begun.elapsed().as_secs();
        line.end().await;
        return Err(match ended {
            Ended::Lxd(error) => error.into(),
            Ended::Dialog(source) => ClusterError::Dialog { member: member(), source },
            Ended::Endless => {
                ClusterError::Endless { member: member(), seconds, tail: end_of(&dialog.transcript().tail) }
            }
        });
    }
    match line.wait(EXIT).await? {
        0 => Ok(dialog.tokens().clone()),
        code => Err(ClusterError::DialogExit { member: member(), code, tail: dialog.transcript().tail }),
    }
}

/// The last lines of an output that may be long.
fn end_of(text: &str) -> String {
    const SHOWN: usize = 500;
    let skip = text.chars().count().saturating_sub(SHOWN);
    text.chars().skip(skip).collect()
}

/// Why a conversation ended badly.
enum Ended {
    Lxd(lxd::Error),
    Dialog(Box<DialogError>),
    Endless,
}

/// Answers every question until the output ends.
async fn converse(line: &mut Pipes, dialog: &mut Dialog) -> Result<(), Ended> {
    let mut quiet_since = Instant::now();
    loop {
        let Ok(read) = tokio::time::timeout(HESITATION, line.read()).await else {
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
                Step::Write(typed) => line.write(typed.bytes()).await.map_err(Ended::Lxd)?,
                Step::Fail(error) => return Err(Ended::Dialog(error)),
            }
        }
        if dialog.unanswered_len() > ENDLESS {
            return Err(Ended::Endless);
        }
    }
}
