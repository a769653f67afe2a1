//! `microcloud preseed` with one file, on every member at once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use rand::Rng;
use rand::distr::Alphanumeric;
use tokio::sync::watch;

use super::Entry;
use crate::cluster::{ClusterError, MicrocloudError};
use crate::lxd::{self, Exec, Pipes};
use crate::microcloud::{PASSPHRASE, Secrets, preseed};
use crate::plan::Recipe;
use crate::wait;

/// The whole of it, with MicroOVN's joins one after the other.
const WHOLE: Duration = Duration::from_secs(600);
/// Once it has failed on one member the others wait for nothing that will come; those who have something to say, such as why, have said
/// it by then.
const GRACE: Duration = Duration::from_secs(20);
/// The exit code follows the end of the output at once.
const EXIT: Duration = Duration::from_secs(30);
/// How many letters and digits the passphrase has.
const LENGTH: usize = 40;
pub(super) const COMMAND: &str = "microcloud preseed";

/// What the program left on a member.
pub(super) struct Left {
    /// What it said, redacted.
    pub(super) said: String,
    /// Its exit code; `None` where it was ended.
    pub(super) code: Option<i32>,
}

/// Has all members form one cluster.
///
/// # Errors
/// When the program fails on one of them, or does not end.
pub(super) async fn form(entries: &[Entry<'_>]) -> Result<(), ClusterError> {
    let recipes = entries.first().map(|entry| entry.plan.recipes.clone()).unwrap_or_default();
    let left = run(entries, &recipes, "preseed").await?;
    let Some(n) = first_to_blame(&left) else { return Ok(()) };
    let (member, Left { said, code }) = (entries[n].member.name.clone(), &left[n]);
    Err(match *code {
        Some(code) => ClusterError::Command { command: COMMAND.to_owned(), member, code, tail: told(said).to_owned() },
        None => {
            let (command, last) = (COMMAND.to_owned(), told(said).to_owned());
            MicrocloudError::Endless { member, command, seconds: WHOLE.as_secs(), last }.into()
        }
    })
}

/// Whose error is told: the first member says why, where it says something itself; the others often only that it went away. Whoever
/// was ended waited for somebody.
fn first_to_blame(left: &[Left]) -> Option<usize> {
    let failed = left.iter().position(|it| it.code.is_some_and(|code| code != 0));
    failed.or_else(|| left.iter().position(|it| it.code.is_none()))
}

/// The line that says most: that of an error, or else the last.
pub(super) fn told(said: &str) -> &str {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines().find(|line| line.starts_with("Error: ")).or_else(|| lines().next_back()).unwrap_or_default()
}

/// Runs it everywhere, each member as in `recipes`; what each left, in order. What was said is kept in this file of each.
pub(super) async fn run(
    entries: &[Entry<'_>],
    recipes: &BTreeMap<String, Recipe>,
    file: &str,
) -> Result<Vec<Left>, ClusterError> {
    let passphrase: String = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect();
    let mut secrets = Secrets::default();
    secrets.learn(PASSPHRASE, &passphrase);
    let (tell, failed) = watch::channel(false);
    let running = entries.iter().map(async |entry| {
        let text = preseed(entry.plan, recipes, &passphrase);
        let exec = Exec::new(["/snap/bin/microcloud", "preseed"]).timeout(wait::patience(WHOLE));
        let mut line = entry.client.exec_pipes(entry.instance, &exec).await?;
        line.write(text.as_bytes()).await?;
        line.close_input().await?;
        let mut said = Vec::new();
        let limit = limit(failed.clone(), wait::patience(WHOLE), wait::patience(GRACE));
        let code = attend(line, &mut said, limit).await?;
        if code.is_some_and(|code| code != 0) {
            tell.send_replace(true);
        }
        let said = secrets.redact(&String::from_utf8_lossy(&said));
        let how = code.map_or_else(|| "it was ended".to_owned(), |code| format!("exit code: {code}"));
        entry.keep(&format!("{file}.txt"), &secrets.redact(&format!("$ {COMMAND} < file\n{text}---\n{said}{how}\n")));
        Ok::<_, ClusterError>(Left { said, code })
    });
    try_join_all(running).await
}

/// Listens to a program until it ends or the limit is reached; its exit code, or `None` where it was ended.
async fn attend(
    mut line: Pipes,
    said: &mut Vec<u8>,
    limit: impl Future<Output = ()>,
) -> Result<Option<i32>, lxd::Error> {
    let listen = async {
        while let Some(bytes) = line.read().await? {
            said.extend_from_slice(&bytes);
        }
        Ok(())
    };
    let heard = tokio::select! {
        heard = listen => Some(heard),
        () = limit => None,
    };
    match heard {
        Some(heard) => {
            heard?;
            line.wait(EXIT).await.map(Some)
        }
        None => {
            line.end().await;
            Ok(None)
        }
    }
}

/// Until the whole time is over, or a grace after somebody `failed`.
async fn limit(mut failed: watch::Receiver<bool>, whole: Duration, grace: Duration) {
    // What it gives holds a lock, on which the next one to fail would wait.
    let somebody = async { failed.wait_for(|failed| *failed).await.is_ok() };
    if tokio::time::timeout(whole, somebody).await == Ok(true) {
        tokio::time::sleep(grace).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn left(codes: &[Option<i32>]) -> Vec<Left> {
        codes.iter().map(|code| Left { said: String::new(), code: *code }).collect()
    }

    #[test]
    fn the_first_member_is_told_where_it_failed_itself_and_nobody_who_only_waited() {
        for (codes, wanted) in [
            (&[Some(0), Some(0)][..], None),
            (&[Some(1), Some(1)], Some(0)),
            (&[None, Some(1), None], Some(1)),
            (&[Some(0), None, Some(1)], Some(2)),
            (&[None, None], Some(0)),
        ] {
            assert_eq!(first_to_blame(&left(codes)), wanted, "{codes:?}");
        }
    }

    #[test]
    fn of_what_is_said_the_error_is_told_or_else_the_last_line() {
        assert_eq!(told("Waiting ...\nError: no Error: here\nmore\n"), "Error: no Error: here");
        assert_eq!(told("Waiting ...\n it is ready\n\n"), "it is ready");
        assert_eq!(told(""), "");
    }

    #[tokio::test]
    async fn others_are_given_a_grace_once_one_has_failed_and_the_whole_time_else() {
        let (tell, failed) = watch::channel(false);
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(50));
        tell.send_replace(true);
        let begun = Instant::now();
        let again = async {
            tokio::task::yield_now().await;
            tell.send_replace(true)
        };
        let both = async { tokio::join!(limit(failed, long, short), again) };
        assert!(both.await.1, "another one fails meanwhile, and is not held up");
        assert!((short..long / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        let (_tell, failed) = watch::channel(false);
        let begun = Instant::now();
        limit(failed, short, long).await;
        assert!((short..long / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}
