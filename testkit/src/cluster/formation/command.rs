//! `microovn cluster bootstrap`, `add` and `join`.

use std::time::Duration;

use super::{Entry, Tokens};
use crate::cluster::ClusterError;
use crate::lxd::{Client, Exec};
use crate::microovn::JoinToken;
use crate::wait;

/// A join on a busy host takes longer than MicroOVN's own time-outs, some of which are 30 s.
const COMMAND: Duration = Duration::from_secs(180);

/// Has one member enter. The bootstrap member then issues a token for each of the others, and returns them.
///
/// # Errors
/// When a command exits with an error, or prints something other than a token.
pub(super) async fn enter(entry: &Entry<'_>, token: Option<JoinToken>) -> Result<Tokens, ClusterError> {
    let mut said = String::new();
    let entered = talk(entry, token, &mut said).await;
    entry.keep("commands.txt", &said);
    entered
}

async fn talk(entry: &Entry<'_>, token: Option<JoinToken>, said: &mut String) -> Result<Tokens, ClusterError> {
    let arguments = entry.plan.recipe(entry.member).arguments.iter().map(String::as_str);
    if let Some(token) = token {
        // The only way this command takes a token is its command line.
        let words: Vec<&str> = ["join", token.expose()].into_iter().chain(arguments).collect();
        run(entry, &words, said).await?;
        return Ok(Tokens::new());
    }
    let words: Vec<&str> = ["bootstrap"].into_iter().chain(arguments).collect();
    run(entry, &words, said).await?;
    entry.issue(async |name| run(entry, &["add", name], said).await).await
}

/// The token that a member of a cluster issues for one that is to join it.
///
/// # Errors
/// When the command fails, or prints something other than a token.
pub(super) async fn issue(client: &Client, instance: &str, name: &str) -> Result<JoinToken, ClusterError> {
    let exec = Exec::new(["/snap/bin/microovn", "cluster", "add", name]).timeout(wait::patience(COMMAND));
    let output = client.exec(instance, &exec).await?;
    if !output.success() {
        return Err(ClusterError::Command {
            command: "microovn cluster add".to_owned(),
            member: instance.to_owned(),
            code: output.exit_code,
            tail: crate::microovn::redact(output.stderr_text().trim()),
        });
    }
    output.stdout_text().trim().parse().map_err(|source| ClusterError::BadToken {
        bootstrap: instance.to_owned(),
        member: name.to_owned(),
        source,
    })
}

/// Runs `microovn cluster` with these words; what it printed.
async fn run(entry: &Entry<'_>, words: &[&str], said: &mut String) -> Result<String, ClusterError> {
    let argv = ["/snap/bin/microovn", "cluster"].into_iter().chain(words.iter().copied());
    let output = entry.client.exec(entry.instance, &Exec::new(argv).timeout(wait::patience(COMMAND))).await?;
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    said.push_str(&format!(
        "$ microovn cluster {}\n{stdout}{stderr}exit code: {}\n",
        words.join(" "),
        output.exit_code
    ));
    if output.success() {
        return Ok(stdout);
    }
    Err(ClusterError::Command {
        command: format!("microovn cluster {}", words.first().copied().unwrap_or_default()),
        member: entry.member.name.clone(),
        code: output.exit_code,
        tail: crate::microovn::redact(stderr.trim()),
    })
}
