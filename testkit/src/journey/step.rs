//! A step: a transition of the model and of the real cluster at once.

use std::fmt::Debug;

use super::{Act, Watch};
use crate::plan::{Need, State};

/// One thing done to a cluster, with what it makes of the state. Everything about it is a function of the state before,
/// so that a journey is planned as a whole before anything is touched.
pub trait Step: Debug + Sync {
    /// What it is called in the name of its station, an identifier: `remove_member_3`.
    fn words(&self) -> String;

    /// What it is, for a person: `member 3 is removed`.
    fn about(&self) -> String;

    /// Why it is no step from this state, if it is none: there is no such member, or it has left.
    fn impossible(&self, state: &State) -> Option<String>;

    /// What the product must be able to do.
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// What is done, in order.
    fn acts(&self, state: &State) -> Vec<Act>;

    /// What becomes of the state. It is given with nothing said to have changed ([`State::since`]); what is not changed
    /// here must be as it was.
    fn effect(&self, state: &mut State);

    /// Whether what MicroOVN is told is still known on every member when it changed something: no daemon of it was started, and whoever entered
    /// was listened to.
    fn leaves_tap(&self) -> bool {
        false
    }

    /// What is observed until the cluster has settled.
    fn watches(&self, state: &State) -> Vec<Watch> {
        let _ = state;
        Vec::new()
    }
}

/// A kind of step, as it is registered: what enumerates the steps of that kind.
#[derive(Clone, Copy)]
pub struct StepKind {
    /// Its name: `remove`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Every step of the kind that is possible from this state.
    pub possible: fn(&State) -> Vec<Box<dyn Step>>,
}

impl Debug for StepKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl StepKind {
    /// Those of `all` that are possible.
    pub fn of<S: Step + 'static>(state: &State, all: impl IntoIterator<Item = S>) -> Vec<Box<dyn Step>> {
        let possible = all.into_iter().filter(|step| step.impossible(state).is_none());
        possible.map(|step| Box::new(step) as Box<dyn Step>).collect()
    }
}
