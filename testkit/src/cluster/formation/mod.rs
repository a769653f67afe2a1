//! Forming the cluster in the way the plan says: one member after the other, or all at once by MicroCloud.

mod command;
mod dialog;
mod microcloud;
mod preseed;
mod refusal;
mod rest;
mod terminal;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::observe::Members;
use super::tap::tap;
use super::{ClusterError, MicrocloudError, Planned};
use crate::lxd::Client;
use crate::microovn::JoinToken;
use crate::plan::{Formation, Member, Plan, Presence, Role};
use crate::report::{Doing, Evidence, Owner, Progress, Timeline, Work};

/// Join tokens by the name of the member they are for.
type Tokens = BTreeMap<String, JoinToken>;

/// One member that is about to enter the cluster.
struct Entry<'a> {
    client: &'a Client,
    plan: &'a Plan,
    member: &'a Member,
    instance: &'a str,
    evidence: &'a Evidence,
}

impl Entry<'_> {
    /// Has this member issue a join token for each of the others: `ask` is given a name and returns what was issued.
    async fn issue(
        &self,
        mut ask: impl AsyncFnMut(&str) -> Result<String, ClusterError>,
    ) -> Result<Tokens, ClusterError> {
        let mut tokens = Tokens::new();
        for joiner in self.plan.joiners() {
            let token = ask(&joiner.name).await?.parse().map_err(|source| ClusterError::BadToken {
                bootstrap: self.member.name.clone(),
                member: joiner.name.clone(),
                source,
            })?;
            tokens.insert(joiner.name.clone(), token);
        }
        Ok(tokens)
    }

    /// Keeps what was said for a person to read. Failing to is no reason to stop.
    fn keep(&self, file: &str, text: &str) {
        if let Err(error) = self.evidence.write(&self.member.name, file, text) {
            tracing::warn!(%error, member = self.member.name, file, "a transcript is not written");
        }
    }
}

/// A cluster that is about to be formed.
#[derive(Clone, Copy)]
pub struct Forming<'a> {
    /// The way to LXD.
    pub client: &'a Client,
    /// What is to be formed.
    pub plan: &'a Plan,
    /// The instances of its members.
    pub instances: &'a Members,
    /// Takes how long each stage took.
    pub timeline: &'a Timeline,
    /// Takes what was said.
    pub evidence: &'a Evidence,
    /// Takes what is being done.
    pub progress: &'a Progress,
}

impl<'a> Forming<'a> {
    /// Has every member enter the cluster, each as soon as it is `ready`: the bootstrap member first, which hands out the join tokens,
    /// then the others in order; or all at once where MicroCloud forms it. What was said goes to the evidence.
    ///
    /// # Errors
    /// As soon as a member does not enter.
    pub async fn form(&self, ready: Vec<oneshot::Receiver<()>>) -> Result<(), ClusterError> {
        let bootstrap = self.plan.bootstrap().ok_or_else(|| ClusterError::Empty(self.plan.cell.to_string()))?;
        let planned = Planned { plan: self.plan.clone(), instances: self.instances.clone() };
        // Without it the record of a run cannot show a cluster that was not formed; that is no reason not to form it.
        if let Err(error) = planned.write(self.evidence.dir()) {
            tracing::warn!(%error, "the plan is not written");
        }
        if self.plan.formation.is_microcloud() {
            return self.all_at_once(ready).await;
        }
        let mut tokens = Tokens::new();
        for (member, ready) in self.plan.state.members.iter().zip(ready) {
            // It enters later, if at all.
            if member.presence == Presence::Outside {
                continue;
            }
            let role = self.plan.role(member);
            self.boots(member, if role == Role::Bootstrap { Doing::Provisioning } else { Doing::Forming }, ready).await;
            let (stage, enters, token) = match role {
                Role::Bootstrap => (Work::Bootstrap, "bootstraps", None),
                Role::Join => {
                    let missing =
                        || ClusterError::NoToken { bootstrap: bootstrap.name.clone(), member: member.name.clone() };
                    (Work::Join, "joins", Some(tokens.remove(&member.name).ok_or_else(missing)?))
                }
            };
            self.progress.tell(Doing::Forming, format!("{} {enters}", member.name));
            let entry = self.entry(member);
            let entering = enter(&entry, token);
            let begun = Instant::now();
            let entered = self.timeline.stage(stage, Owner::Product, entering).await;
            tokens.extend(entered.map_err(|error| limited(&member.name, begun.elapsed(), error))?);
        }
        Ok(())
    }

    /// Has MicroCloud form the cluster once every member is ready, after what it must refuse.
    async fn all_at_once(&self, ready: Vec<oneshot::Receiver<()>>) -> Result<(), ClusterError> {
        for (member, ready) in self.plan.state.members.iter().zip(ready) {
            self.boots(member, Doing::Provisioning, ready).await;
        }
        let entries: Vec<Entry<'_>> = self.plan.state.members().map(|member| self.entry(member)).collect();
        for Entry { member, instance, .. } in &entries {
            tap(self.client, &member.name, instance).await?;
        }
        if let Some(attempt) = &self.plan.refused {
            self.progress.tell(Doing::Forming, "MicroCloud is told what it must refuse");
            self.timeline.stage(Work::Bootstrap, Owner::Product, refusal::refuse(&entries, attempt)).await?;
        }
        self.progress.tell(Doing::Forming, "MicroCloud forms the cluster");
        let forming = async {
            match self.plan.formation {
                Formation::MicrocloudPreseed => preseed::form(&entries).await,
                _ => microcloud::form(&entries).await,
            }
        };
        self.timeline.stage(Work::Join, Owner::Product, forming).await
    }

    /// Waits until a member is ready.
    async fn boots(&self, member: &Member, doing: Doing, ready: oneshot::Receiver<()>) {
        self.progress.tell(doing, format!("{} boots", member.name));
        self.timeline.stage(Work::WaitForMember, Owner::Lxd, announced(ready)).await;
    }

    fn entry(&self, member: &'a Member) -> Entry<'a> {
        let Self { client, plan, instances, evidence, .. } = *self;
        Entry { client, plan, member, instance: &instances[&member.name], evidence }
    }
}

/// Has a member enter a cluster that is formed already, in the way the plan says, with a token that another member issues by
/// `microovn cluster add`.
///
/// # Errors
/// When no token is issued, or the member does not enter.
pub(super) async fn enter_later(
    client: &Client,
    plan: &Plan,
    name: &str,
    instance: &str,
    by: &str,
    evidence: &Evidence,
) -> Result<(), ClusterError> {
    let missing = || ClusterError::Empty(plan.cell.to_string());
    let member = plan.state.find(name).ok_or_else(missing)?;
    let token = command::issue(client, by, name).await?;
    let entry = Entry { client, plan, member, instance, evidence };
    enter(&entry, Some(token)).await.map(drop)
}

/// Has MicroCloud add a member to the cluster that it formed; what its MicroOVN is told is noted from before on.
///
/// # Errors
/// When there is no such member, or MicroCloud does not come to an end as planned.
pub(super) async fn add_by_microcloud(
    client: &Client,
    plan: &Plan,
    name: &str,
    by: &str,
    instances: &Members,
    evidence: &Evidence,
) -> Result<(), ClusterError> {
    let missing = || ClusterError::Empty(plan.cell.to_string());
    let entry = |name: &str| {
        let (member, instance) = (plan.state.find(name)?, instances.get(name)?);
        Some(Entry { client, plan, member, instance, evidence })
    };
    let (adds, enters) = entry(by).zip(entry(name)).ok_or_else(missing)?;
    tap(client, name, enters.instance).await?;
    microcloud::add(&adds, &enters).await
}

/// Has one member enter, in the way the plan says.
async fn enter(entry: &Entry<'_>, token: Option<JoinToken>) -> Result<Tokens, ClusterError> {
    match entry.plan.formation {
        Formation::Dialog | Formation::DialogPiped => dialog::enter(entry, token).await,
        Formation::Cli => command::enter(entry, token).await,
        Formation::Rest => rest::enter(entry, token).await,
        Formation::MicrocloudDialog | Formation::MicrocloudPreseed => {
            Err(MicrocloudError::AllAtOnce(entry.member.name.clone()).into())
        }
    }
}

/// How long MicroOVN's own client waits for its daemon, as microcluster's client has it, and what it says then.
const CLIENT: Duration = Duration::from_secs(30);
const GAVE_UP: &str = "context deadline exceeded";

/// An error after which the product's own limit is to be told as what it is, and not as one of this framework.
fn limited(member: &str, took: Duration, error: ClusterError) -> ClusterError {
    if took < CLIENT || !crate::report::chain(&error).contains(GAVE_UP) {
        return error;
    }
    ClusterError::ProductLimit { member: member.to_owned(), seconds: took.as_secs(), source: Box::new(error) }
}

/// Waits until a member is ready. One that never will be has an error of its own, which ends the formation.
async fn announced(ready: oneshot::Receiver<()>) {
    if ready.await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_product_is_told_as_the_products() {
        let said = r#"Error: Post "http://control.socket/core/control": context deadline exceeded"#;
        let failed = |tail: &str| ClusterError::DialogExit { member: "m".to_owned(), code: 1, tail: tail.to_owned() };
        let error = limited("m", Duration::from_secs(49), failed(said));
        assert!(
            error.to_string().contains("MicroOVN's own client has 30 s") && error.to_string().contains("49 s"),
            "{error}"
        );
        assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string().contains(GAVE_UP)));
        // Too early for it, or another failure.
        for (seconds, tail) in [(29, said), (49, "Error: refused")] {
            let error = limited("m", Duration::from_secs(seconds), failed(tail));
            assert!(matches!(error, ClusterError::DialogExit { .. }), "{error}");
        }
    }
}
