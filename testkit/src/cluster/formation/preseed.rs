//! `microcloud preseed` with one file, on every member at once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rand::Rng;
use rand::distr::Alphanumeric;

use super::Entry;
use crate::cluster::control::call;
use crate::cluster::{ClusterError, MicrocloudError};
use crate::lxd::{Exec, ExecOutput};
use crate::microcloud::{PASSPHRASE, Secrets, preseed};
use crate::microovn::ControlCall;
use crate::plan::{Attempt, Recipe};
use crate::wait;

/// The whole of it, with MicroOVN's joins one after the other.
const WHOLE: Duration = Duration::from_secs(600);
/// The daemon answers at once.
const CALL: Duration = Duration::from_secs(30);
/// How many letters and digits the passphrase has.
const LENGTH: usize = 40;
const COMMAND: &str = "microcloud preseed";

/// Has all members form one cluster.
///
/// # Errors
/// When the program fails on one of them.
pub(super) async fn form(entries: &[Entry<'_>]) -> Result<(), ClusterError> {
    let recipes = entries.first().map(|entry| entry.plan.recipes.clone()).unwrap_or_default();
    let (outputs, secrets) = run(entries, &recipes, "preseed").await?;
    // The first member says why; the others often only that it went away.
    match entries.iter().zip(outputs).find(|(_, output)| !output.success()) {
        None => Ok(()),
        Some((entry, output)) => Err(ClusterError::Command {
            command: COMMAND.to_owned(),
            member: entry.member.name.clone(),
            code: output.exit_code,
            tail: secrets.redact(output.stderr_text().trim()),
        }),
    }
}

/// Has the first member refuse an attempt, and no member be formed by it.
///
/// # Errors
/// When it does not refuse, or in other words, or there is something formed all the same.
pub(super) async fn refuse(entries: &[Entry<'_>], attempt: &Attempt) -> Result<(), ClusterError> {
    let Some(first) = entries.first() else { return Ok(()) };
    let (outputs, secrets) = run(entries, &attempt.recipes, "preseed-refused").await?;
    let output = &outputs[0];
    let said = output.stderr_text();
    if output.success() || !said.lines().any(|line| line.trim() == attempt.refusal) {
        return Err(MicrocloudError::NotRefused {
            member: first.member.name.clone(),
            about: attempt.about.clone(),
            wanted: attempt.refusal.clone(),
            seen: format!("exit code {}, {:?}", output.exit_code, secrets.redact(said.trim())),
        }
        .into());
    }
    let formed = entries.iter().map(async |entry| {
        let server = ControlCall::server();
        let seen = call(entry.client, entry.instance, &entry.member.name, &server, wait::patience(CALL)).await?;
        Ok::<_, ClusterError>((entry.member.name.clone(), seen["ready"] == true))
    });
    let formed = try_join_all(formed).await?;
    match formed.into_iter().find(|(_, is_formed)| *is_formed) {
        Some((member, _)) => Err(MicrocloudError::FormedThoughRefused { member, about: attempt.about.clone() }.into()),
        None => Ok(()),
    }
}

/// Runs it everywhere, each member as in `recipes`; what each left, and the secret in it.
async fn run(
    entries: &[Entry<'_>],
    recipes: &BTreeMap<String, Recipe>,
    file: &str,
) -> Result<(Vec<ExecOutput>, Secrets), ClusterError> {
    let passphrase: String = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect();
    let mut secrets = Secrets::default();
    secrets.learn(PASSPHRASE, &passphrase);
    let running = join_all(entries.iter().map(async |entry| {
        let text = preseed(entry.plan, recipes, &passphrase);
        let exec = Exec::new(["/snap/bin/microcloud", "preseed"]).stdin(text.clone()).timeout(wait::patience(WHOLE));
        let output = entry.client.exec(entry.instance, &exec).await?;
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        let said = format!("$ {COMMAND} < file\n{text}---\n{stdout}{stderr}exit code: {}\n", output.exit_code);
        entry.keep(&format!("{file}.txt"), &secrets.redact(&said));
        Ok::<_, ClusterError>(output)
    }));
    let outputs = running.await.into_iter().collect::<Result<_, _>>()?;
    Ok((outputs, secrets))
}
