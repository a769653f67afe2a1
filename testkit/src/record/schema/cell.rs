//! A cell of a run: its cluster, and what came of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Evidence, Journey, Network, Plan, Settled, Stage, Totals, Transcript};

/// One combination of options' values, with its cluster and checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// The value of every option.
    pub choices: BTreeMap<String, String>,
    /// Its steps, where it is a journey: then `name` is that of the journey, and its checks are the tests of its stations.
    #[serde(default)]
    pub journey: Option<Journey>,
    /// Why it was left out; absent where it was not.
    pub skipped: Option<String>,
    /// Why there is no cluster; absent where there is one.
    pub problem: Option<String>,
    /// What is told of it in a line, where something failed: why there is no cluster, or the likely cause of all that is
    /// not as planned.
    pub headline: Option<String>,
    /// The checks that failed, the likely cause of the others first.
    pub causes: Vec<String>,
    /// The member of the LXD cluster that it was on, or its first member where it was on several; absent where LXD is no cluster, or
    /// it did not come to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lxd_member: Option<String>,
    /// The member of the LXD cluster that each of its members was on, where they were on several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lxd_members: BTreeMap<String, String>,
    /// What was planned; absent where it did not come to that.
    pub plan: Option<Plan>,
    /// How waiting for the cluster to become as planned ended.
    pub settled: Option<Settled>,
    /// Where tunnels were seen to end, once the cluster was read.
    pub network: Option<Network>,
    /// Where the time went, by the beginning of each stage.
    pub stages: Vec<Stage>,
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// What the members were told and answered.
    pub transcripts: Vec<Transcript>,
    /// Files that show what the nodes were like.
    pub evidence: Vec<Evidence>,
}

impl Cell {
    /// How many of its checks came out how.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.checks.iter().for_each(|check| totals.count(check.outcome));
        totals
    }

    /// What came of it, in a few words.
    pub fn told(&self) -> String {
        let totals = self.totals();
        if self.skipped.is_some() {
            "skipped".to_owned()
        } else if self.problem.is_some() && totals.failed == 0 && totals.known > 0 {
            "known".to_owned()
        } else if self.problem.is_some() {
            "no cluster".to_owned()
        } else if totals.failed > 0 {
            format!("{} of {} failed", totals.failed, totals.all())
        } else if totals.unfinished > 0 {
            format!("{} of {} not finished", totals.unfinished, totals.all())
        } else if totals.known > 0 {
            format!("{} passed, {} known", totals.passed, totals.known)
        } else {
            format!("{} passed", totals.passed)
        }
    }
}
