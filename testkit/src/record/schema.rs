//! The record of a run: what it tested, where, what came of it. Versioned, and described by a schema
//! (`docs/run-record.schema.json`) that programs may rely on.

mod cell;
mod check;
mod evidence;
mod journey;
mod tested;
mod time;
mod together;
mod topology;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cell::Cell;
pub use check::{Check, Difference, Outcome, Totals};
pub use evidence::{Evidence, Line, Transcript};
pub use journey::{Act, Arrival, Change, Journey, MemberState, State, Station, Stopped, Watch};
pub use tested::{CheckInfo, Host, InitOption, KnownFault, Product};
pub use time::{Phase, Settled, Stage};
pub use together::{Column, Found, Row, SideBySide};
pub use topology::{Carried, Device, Encap, Endpoint, Member, Network, Plan, Segment, Tunnel, TunnelState};

/// The version of the record. It changes when a reader of the one before would be wrong.
///
/// 2: a journey carries its stations, and `checks` of the record are those that judge, not the tests of stations. What 1
/// has, 2 has too, so that a record of 1 is read as one of 2.
///
/// 3: what came of a check may be `known`, which is neither a pass nor a failure, and `known` tells of it. What 2 has, 3 has too.
pub const SCHEMA: u32 = 3;

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Record of a run of the MicroOVN system tests")]
pub struct Record {
    /// The version of this form; always 3.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The run's id, which is the name of its folder.
    pub run: String,
    /// Which repetition it is, where the runner repeats: `round 2`, `attempt 2`, `round 2, attempt 2`. Absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// Whether it is over, and how.
    pub state: RunState,
    /// When its first check began.
    pub started: Timestamp,
    /// When the last thing that is recorded of it happened.
    pub ended: Timestamp,
    /// The version of testkit that ran it.
    pub testkit: String,
    /// What was tested; absent where no image of it could be made.
    pub product: Option<Product>,
    /// What carried packets on members: `kernel`, the module openvswitch of the LXD host, or `userspace`, ovs-vswitchd
    /// itself; absent where it was not decided.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub datapath: Option<crate::plan::Datapath>,
    /// Faults the stand-in was told to have, one each. Empty for a run that judges a product.
    pub faults: Vec<String>,
    /// Whether packets were sent between members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traffic: bool,
    /// Where it ran.
    pub host: Host,
    /// The init options, in the order in which they name cells.
    pub options: Vec<InitOption>,
    /// Every check that some cell has or that judged a station, in order: what may be the cause of others comes first.
    pub checks: Vec<CheckInfo>,
    /// How many checks came out how.
    pub totals: Totals,
    /// How often LXD was asked again for what it had said that it never began with: files and commands in instances.
    #[serde(default)]
    pub again: usize,
    /// The faults that are known and that this run is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownFault>,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// Whether a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its runner is at work.
    Running,
    /// Every check that began has ended.
    Finished,
    /// The runner ended before checks that it had begun.
    Interrupted,
}

/// The schema of [`Record`] as JSON, with a newline at its end: `docs/run-record.schema.json`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Record);
    format!("{:#}\n", schema.to_value())
}
