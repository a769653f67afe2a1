//! MicroCloud's dialog: `microcloud init` on the first member and `microcloud join` on the others, all at once, each on a terminal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::{select_all, try_join_all};

use super::{Entry, terminal};
use crate::cluster::{ClusterError, MicrocloudError};
use crate::lxd::{self, Pipes};
use crate::microcloud::{Conversation, ConversationError, Part, Secrets, adding, part};
use crate::plan::Recipe;
use crate::wait;

/// Silence of all parties after which their conversation has failed. Some of MicroOVN's own time-outs are 30 s, and a join on a
/// busy host takes longer than that.
const SILENCE: Duration = Duration::from_secs(90);
/// What nobody has answered for this long is something that no option knows.
const HESITATION: Duration = Duration::from_secs(2);
/// The whole of it.
const WHOLE: Duration = Duration::from_secs(600);
/// More than all that a party shows, in bytes.
const ENDLESS: usize = 1 << 20;
/// The exit code follows the end of the output at once.
const EXIT: Duration = Duration::from_secs(30);
/// Whoever hears that the first member has gone away may say so before that one has said why.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A member's program and what is said to it.
struct Party<'a> {
    entry: &'a Entry<'a>,
    talk: Conversation,
    /// Until the program has ended.
    line: Option<Pipes>,
    bytes: usize,
}

/// How a conversation ended badly.
enum Ended {
    Lxd(lxd::Error),
    /// The party of this number failed.
    Party(usize, Box<ConversationError>),
    /// The party of this number went on and on.
    Endless(usize),
}

/// Has all members form one cluster.
///
/// # Errors
/// As soon as one of them shows what no option answers, fails, or says nothing any more.
pub(super) async fn form(entries: &[Entry<'_>]) -> Result<(), ClusterError> {
    let recipes = entries.first().map(|entry| entry.plan.recipes.clone()).unwrap_or_default();
    converse_as(entries, &recipes, "microcloud.txt").await
}

/// The same, each as in these recipes. What was said is kept in this file of each member.
///
/// # Errors
/// Those of [`form`].
pub(super) async fn converse_as(
    entries: &[Entry<'_>],
    recipes: &BTreeMap<String, Recipe>,
    file: &str,
) -> Result<(), ClusterError> {
    let parts = entries.iter().map(|entry| {
        let cues = recipes.get(&entry.member.hostname).map(|recipe| recipe.cues.clone()).unwrap_or_default();
        (entry, part(entry.plan, entry.member, cues))
    });
    play(parts.collect(), file).await
}

/// Has MicroCloud add a member to the cluster that it formed, on another.
///
/// # Errors
/// Those of [`form`].
pub(super) async fn add(adds: &Entry<'_>, enters: &Entry<'_>) -> Result<(), ClusterError> {
    let recipe = enters.plan.recipe(enters.member);
    let (adding, entering) =
        (adding(adds.member, recipe.added.clone()), part(enters.plan, enters.member, recipe.cues.clone()));
    play(vec![(adds, adding), (enters, entering)], "microcloud-add.txt").await
}

/// Has every party play its part until all have ended; the first is whose error is told.
async fn play(parts: Vec<(&Entry<'_>, Part)>, file: &str) -> Result<(), ClusterError> {
    let mut secrets = Secrets::default();
    let begun = parts.into_iter().map(async |(entry, part)| {
        let exec = terminal::on(&part.command(), wait::patience(WHOLE));
        let line = entry.client.exec_pipes(entry.instance, &exec).await?;
        Ok::<_, ClusterError>(Party { entry, talk: Conversation::new(part), line: Some(line), bytes: 0 })
    });
    let mut parties = try_join_all(begun).await?;
    let began = Instant::now();
    let mut spoken = tokio::time::timeout(wait::patience(WHOLE), converse(&mut parties, &mut secrets)).await;
    if matches!(&spoken, Ok(Err(Ended::Party(n, _))) if *n > 0)
        && let Some(why) = last_words(&mut parties[0], &mut secrets).await
    {
        spoken = Ok(Err(Ended::Party(0, why)));
    }
    for party in &parties {
        party.entry.keep(file, &party.talk.log(&secrets));
    }
    // Whoever still talks waits for somebody who does not.
    for party in &mut parties {
        if let Some(line) = party.line.take() {
            line.end().await;
        }
    }
    let ended = match spoken {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(ended)) => ended,
        Err(_) => Ended::Endless(0),
    };
    let of = |n: usize| (parties[n].entry.member.name.clone(), parties[n].talk.part().command());
    Err(match ended {
        Ended::Lxd(error) => ClusterError::Lxd(error),
        Ended::Party(n, source) => {
            let (member, command) = of(n);
            let last = |party: &Party<'_>| (party.entry.member.name.clone(), party.talk.last_line(&secrets));
            let others = parties.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, party)| last(party));
            MicrocloudError::Conversation { member, command, others: others.collect(), source }.into()
        }
        Ended::Endless(n) => {
            let ((member, command), seconds) = (of(n), began.elapsed().as_secs());
            MicrocloudError::Endless { member, command, seconds, last: parties[n].talk.last_line(&secrets) }.into()
        }
    })
}

/// Why the first member's program fails, if it does within a moment.
async fn last_words(first: &mut Party<'_>, secrets: &mut Secrets) -> Option<Box<ConversationError>> {
    let line = first.line.as_mut()?;
    let listen = async {
        while let Ok(Some(bytes)) = line.read().await {
            first.talk.read(&bytes, secrets);
        }
    };
    tokio::time::timeout(wait::patience(LAST_WORDS), listen).await.ok()?;
    let code = first.line.take()?.wait(EXIT).await.ok()?;
    first.talk.on_end(code, secrets).err()
}

/// Answers every party until all have ended.
async fn converse(parties: &mut [Party<'_>], secrets: &mut Secrets) -> Result<(), Ended> {
    let mut quiet_since = Instant::now();
    loop {
        let reads = parties.iter_mut().enumerate().filter_map(|(n, party)| {
            let line = party.line.as_mut()?;
            Some(Box::pin(async move { (n, line.read().await) }))
        });
        let reads: Vec<_> = reads.collect();
        if reads.is_empty() {
            return Ok(());
        }
        let Ok(((n, read), _, others)) = tokio::time::timeout(HESITATION, select_all(reads)).await else {
            let strange = parties.iter().enumerate().filter(|(_, party)| party.line.is_some());
            let strange = strange.filter_map(|(n, party)| Some((n, party.talk.find_unanswered(secrets)?))).next();
            if let Some((n, error)) = strange {
                return Err(Ended::Party(n, error));
            }
            if quiet_since.elapsed() >= SILENCE {
                return Err(silent(parties, secrets));
            }
            continue;
        };
        drop(others);
        quiet_since = Instant::now();
        let party = &mut parties[n];
        match read.map_err(Ended::Lxd)? {
            Some(bytes) => {
                party.talk.read(&bytes, secrets);
                party.bytes += bytes.len();
                if party.bytes > ENDLESS {
                    return Err(Ended::Endless(n));
                }
            }
            None => {
                let Some(line) = party.line.take() else { continue };
                let code = line.wait(EXIT).await.map_err(Ended::Lxd)?;
                party.talk.on_end(code, secrets).map_err(|error| Ended::Party(n, error))?;
            }
        }
        // What one party showed may be what another waits for.
        for (n, party) in parties.iter_mut().enumerate() {
            let Some(line) = &mut party.line else { continue };
            if let Some(typed) = party.talk.act(secrets).map_err(|error| Ended::Party(n, error))? {
                line.write(typed.bytes()).await.map_err(Ended::Lxd)?;
            }
        }
    }
}

/// Nobody says anything any more: the party that lacks something says why, or else the first one.
fn silent(parties: &[Party<'_>], secrets: &Secrets) -> Ended {
    let mut talking = parties.iter().enumerate().filter(|(_, party)| party.line.is_some());
    let first = talking.clone().next().map_or(0, |(n, _)| n);
    let n = talking.find(|(_, party)| party.talk.is_held_up(secrets)).map_or(first, |(n, _)| n);
    Ended::Party(n, parties[n].talk.on_silence(secrets))
}
