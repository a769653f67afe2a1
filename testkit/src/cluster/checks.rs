//! What a cluster that was formed is judged by: what was seen of it, and what came of trying what cannot be seen.

use super::Manifest;
use super::propagation::{ABOUT, CHECK, propagation};
use crate::expect::{self, Verdict};
use crate::lxd::Client;
use crate::plan::State;

/// The check that is tried on a cluster, where the others judge what was seen. In a journey it is a step.
pub const TRIED: &str = CHECK;

/// One check of a cluster that was formed.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, which is that of its test in every suite.
    pub name: &'static str,
    /// What it holds, in a sentence.
    pub about: &'static str,
    /// Which states it can judge.
    pub applies: fn(&State) -> bool,
}

/// Every check, and last what is tried.
pub fn checks() -> impl Iterator<Item = Check> {
    let seen =
        expect::CHECKS.iter().map(|check| Check { name: check.name, about: check.about, applies: check.applies });
    seen.chain([Check { name: TRIED, about: ABOUT, applies: State::has_quorum }])
}

impl Check {
    /// The check of that name.
    pub fn find(name: &str) -> Option<Self> {
        checks().find(|check| check.name == name)
    }

    /// Judges a cluster, of what was seen and tried before. Of what was not tried nothing is compared, which no check passes by.
    pub fn judge(&self, manifest: &Manifest) -> Verdict {
        let nothing = || Verdict::builder(self.name).finish();
        match expect::find_check(self.name) {
            Some(check) => check.judge(&manifest.plan.state, &manifest.observation, None),
            None => manifest.tried.as_deref().cloned().unwrap_or_else(nothing),
        }
    }
}

/// Tries on a cluster what cannot be seen: whether a change in the Northbound comes to everybody. The cluster is then as it was.
/// Where there is no Northbound nothing is tried.
pub async fn try_out(client: &Client, manifest: &mut Manifest) {
    if !manifest.plan.state.has_quorum() {
        return;
    }
    let tried = propagation(client, &manifest.plan.state, &manifest.instances).await;
    manifest.tried = Some(Box::new(tried));
}
