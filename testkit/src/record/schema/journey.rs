//! A journey: a cluster that lives through steps, as it was planned and as it went.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Settled};

/// A journey that was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Journey {
    /// The cell that it starts from.
    pub cell: String,
    /// Its stations, in order; the first is the cluster as it was formed. There is a check of the cell for each.
    pub stations: Vec<Station>,
    /// Why it did not go on; absent where it did, or where its player was killed.
    pub stopped: Option<Stopped>,
}

/// A station: the step that leads to it, and what was seen then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Station {
    /// Its number, counted from 0.
    pub number: usize,
    /// Its name, which is that of its test: `s2_remove_member_3`.
    pub name: String,
    /// What leads to it.
    pub about: String,
    /// How far the journey came with it.
    pub arrival: Arrival,
    /// When its first act began.
    pub began: Option<Timestamp>,
    /// When it had settled.
    pub ended: Option<Timestamp>,
    /// What must be so; absent where it did not come to a plan.
    pub state: Option<State>,
    /// What must be otherwise than at the station before. All else must be as it was.
    pub changes: Vec<Change>,
    /// What is done, in order.
    pub acts: Vec<Act>,
    /// What is observed meanwhile.
    pub watches: Vec<Watch>,
    /// How waiting for the state ended; absent where it did not come to that.
    pub settled: Option<Settled>,
    /// Every check that judged it, in order; empty where it was not reached.
    pub checks: Vec<Check>,
    /// Those that failed, the likely cause of the others first.
    pub causes: Vec<String>,
    /// What was seen otherwise than at the station before, and only that.
    pub seen: Vec<Change>,
}

/// How far a journey came with a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Reached, and all is as it must be.
    Reached,
    /// Reached, and something is not as it must be.
    Red,
    /// Its step did not come about as wanted, and the journey ended there.
    Failed,
    /// Not reached.
    NotReached,
}

/// What must be so of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// All of it in a line: every member by its number.
    pub words: String,
    /// Every member there ever is.
    pub members: Vec<MemberState>,
}

/// What must be so of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberState {
    /// The member.
    pub name: String,
    /// `outside`, before it enters; `online`; `down`, in the cluster and not to be reached; `left`, once it was removed.
    pub presence: String,
    /// The services that it runs where it is online.
    pub services: Vec<String>,
}

/// Something that is otherwise than at the station before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The member; absent for what is the whole cluster's.
    pub member: Option<String>,
    /// What: `service central`, `certificate ovn-northd`, `Chassis`.
    pub what: String,
    /// What it was; absent where there was none, or where that cannot be known.
    pub before: Option<String>,
    /// What it is; absent where it is gone.
    pub after: Option<String>,
}

/// One thing done to one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// The member.
    pub member: String,
    /// What is done: a command, or words.
    pub what: String,
    /// What is wanted of it: `success`, or `a refusal`, with the lines that it must say.
    pub wanted: String,
    /// What it said; absent where it was not done.
    pub said: Option<String>,
    /// The exit code of a command; -1 where nothing came of it, 0 where it has none and succeeded; absent where it was
    /// not done.
    pub code: Option<i32>,
    /// How long it took, in milliseconds; absent where it was not done.
    pub ms: Option<u64>,
    /// How that is not as wanted; absent where it is, or where it was not done.
    pub differs: Option<String>,
}

/// Something observed for as long as acts last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// What is watched, and what is wanted of it.
    pub what: String,
    /// How often it was looked at, or how many packets were sent; absent where it was not.
    pub looks: Option<u32>,
    /// How many packets were lost, where packets were sent.
    #[serde(default)]
    pub lost: Option<u32>,
    /// The longest time without an answer, in milliseconds.
    pub gap_ms: Option<u64>,
    /// What was said in it, if anything.
    pub said: Option<String>,
    /// How it is not as wanted; absent where it is, or where it was not looked at.
    pub differs: Option<String>,
}

/// Why a journey did not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// The number of the station that was not reached, or that is not as it must be.
    pub at: usize,
    /// Its name.
    pub station: String,
    /// Why, for a person.
    pub why: String,
}

impl Journey {
    /// The station of this name.
    pub fn find(&self, name: &str) -> Option<&Station> {
        self.stations.iter().find(|station| station.name == name)
    }
}
