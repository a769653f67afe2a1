//! The checks of a cluster, by name.
//!
//! Most are pure: an expectation of the plan against what the nodes said when the cluster had settled. A live check
//! acts on the cluster itself.

mod nb_sb_propagation;

use testkit::cli::Live;
use testkit::expect;
use testkit::plan::State;
use testkit::session::Access;

/// One check.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name, which is the name of its test in every suite.
    pub name: &'static str,
    /// What it holds, in a sentence.
    pub about: &'static str,
    /// Which plans it can judge.
    pub applies: fn(&State) -> bool,
    /// How it comes to a verdict.
    pub body: Body,
}

/// How a check comes to a verdict.
#[derive(Clone, Copy)]
pub enum Body {
    /// From the plan and the settled observation.
    Pure(&'static expect::Check),
    /// By acting on the cluster, alone.
    Live(Live),
}

impl Check {
    /// How it acts on the cluster, if it does.
    pub fn live(&self) -> Option<Live> {
        match self.body {
            Body::Pure(_) => None,
            Body::Live(live) => Some(live),
        }
    }

    /// How the check uses the cluster.
    pub fn access(&self) -> Access {
        match self.body {
            Body::Pure(_) => Access::Shared,
            Body::Live(_) => Access::Exclusive,
        }
    }
}

/// Every check, the pure ones first.
pub fn checks() -> impl Iterator<Item = Check> {
    let pure = expect::CHECKS.iter().map(|check| Check {
        name: check.name,
        about: check.about,
        applies: check.applies,
        body: Body::Pure(check),
    });
    pure.chain([nb_sb_propagation::CHECK])
}
