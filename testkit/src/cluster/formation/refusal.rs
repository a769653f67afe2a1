//! What MicroCloud is told wrong, which it must refuse before anything is formed.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Entry, microcloud, preseed};
use crate::cluster::control::call;
use crate::cluster::tap;
use crate::cluster::{ClusterError, MicrocloudError};
use crate::lxd::Exec;
use crate::microcloud::ConversationProblem;
use crate::microovn::ControlCall;
use crate::plan::{Attempt, Formation};
use crate::wait;

/// A daemon that is there, and its client, answer at once.
const CALL: Duration = Duration::from_secs(30);
/// How what MicroOVN made of an underlay is asked for.
const ENCAP_IP: [&str; 6] =
    ["/snap/bin/microovn.ovs-vsctl", "--if-exists", "get", "Open_vSwitch", ".", "external_ids:ovn-encap-ip"];

/// Has MicroCloud refuse an attempt, and no member be formed by it.
///
/// # Errors
/// When it does not refuse, or in other words, or there is something formed all the same.
pub(super) async fn refuse(entries: &[Entry<'_>], attempt: &Attempt) -> Result<(), ClusterError> {
    let Some(first) = entries.first() else { return Ok(()) };
    if attempt.older {
        seem_older(entries, true).await?;
    }
    let (command, refused) = match first.plan.formation {
        Formation::MicrocloudPreseed => (preseed::COMMAND, by_preseed(entries, attempt).await?),
        _ => ("microcloud init", by_dialog(entries, attempt).await?),
    };
    if attempt.older {
        seem_older(entries, false).await?;
    }
    if let Err(mut seen) = refused {
        if let Some(entry) = entries.iter().find(|entry| entry.member.name == attempt.member) {
            seen.push_str(&made_of(entry).await);
        }
        let wanted = match &attempt.refusal {
            Some(line) => format!("the line {line:?}"),
            None => "an error before anything is formed".to_owned(),
        };
        let (member, about) = (first.member.name.clone(), attempt.about.clone());
        return Err(MicrocloudError::NotRefused { command, member, about, wanted, seen }.into());
    }
    let formed = try_join_all(
        entries
            .iter()
            .map(async |entry| is_formed(entry).await.map(|is_formed| is_formed.then(|| entry.member.name.clone()))),
    );
    match formed.await?.into_iter().flatten().next() {
        Some(member) => {
            Err(MicrocloudError::FormedThoughRefused { command, member, about: attempt.about.clone() }.into())
        }
        None => Ok(()),
    }
}

/// Tries a preseed; what is seen where it is not refused as it must be.
async fn by_preseed(entries: &[Entry<'_>], attempt: &Attempt) -> Result<Result<(), String>, ClusterError> {
    let left = preseed::run(entries, &attempt.recipes, "preseed-refused").await?;
    let preseed::Left { said, code } = &left[0];
    let is_refused = code.is_some_and(|code| code != 0) && says(said, attempt.refusal.as_deref());
    let how = code.map_or_else(|| "no end of it".to_owned(), |code| format!("exit code {code}"));
    Ok(if is_refused { Ok(()) } else { Err(format!("{how}, {:?}", preseed::told(said))) })
}

/// Whether this line is said, or any that is an error where it is not known in which words.
fn says(said: &str, line: Option<&str>) -> bool {
    said.lines().map(str::trim).any(|said| line.map_or_else(|| said.starts_with("Error: "), |line| said == line))
}

/// Tries a dialog; what is seen where it is not refused as it must be.
async fn by_dialog(entries: &[Entry<'_>], attempt: &Attempt) -> Result<Result<(), String>, ClusterError> {
    let first = &entries[0].member.name;
    match microcloud::converse_as(entries, &attempt.recipes, "microcloud-refused.txt").await {
        Ok(()) => Ok(Err("no word of it, and a good end".to_owned())),
        Err(ClusterError::Microcloud(MicrocloudError::Conversation { member, source, .. })) if member == *first => {
            match &source.problem {
                ConversationProblem::Failed(_) => Ok(Ok(())),
                // It came to its end without the questions that follow a refusal.
                ConversationProblem::NeverShown(_) => Ok(Err("no word of it, and a good end".to_owned())),
                _ => Err(MicrocloudError::Conversation {
                    member,
                    command: "microcloud init".to_owned(),
                    others: Vec::new(),
                    source,
                }
                .into()),
            }
        }
        Err(error) => Err(error),
    }
}

/// Has the MicroOVN of every member seem one that knows no underlay to whoever asks it what it can do; or no longer.
async fn seem_older(entries: &[Entry<'_>], older: bool) -> Result<(), ClusterError> {
    try_join_all(entries.iter().map(|it| tap::seem_older(it.client, &it.member.name, it.instance, older))).await?;
    Ok(())
}

async fn is_formed(entry: &Entry<'_>) -> Result<bool, ClusterError> {
    let server = ControlCall::server();
    let seen = call(entry.client, entry.instance, &entry.member.name, &server, wait::patience(CALL)).await?;
    Ok(seen["ready"] == true)
}

/// What MicroOVN made of what was not refused, for whoever is to mend that.
async fn made_of(entry: &Entry<'_>) -> String {
    let name = &entry.member.name;
    if !is_formed(entry).await.unwrap_or_default() {
        return format!("; MicroOVN on {name:?} is not formed");
    }
    let exec = Exec::new(ENCAP_IP).timeout(wait::patience(CALL));
    match entry.client.exec(entry.instance, &exec).await {
        Ok(output) if output.success() => match output.stdout_text().trim().trim_matches('"') {
            "" => format!("; MicroOVN on {name:?} is formed without ovn-encap-ip"),
            ip => format!("; MicroOVN on {name:?} is formed with the ovn-encap-ip {ip}"),
        },
        _ => format!("; MicroOVN on {name:?} is formed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_certain_line_or_any_that_is_an_error() {
        let said = "Waiting for services to start ...\nError: Invalid underlay IP \"foo\"\n";
        assert!(says(said, Some("Error: Invalid underlay IP \"foo\"")) && says(said, None));
        assert!(!says(said, Some("Error: Invalid underlay IP")) && !says("all is well, no Error: here\n", None));
    }
}
