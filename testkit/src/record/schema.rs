//! The record of a run: what it tested, where, what came of it. Versioned, and described by a schema
//! (`docs/run-record.schema.json`) that programs may rely on.

mod journey;
mod together;
mod topology;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use journey::{Act, Arrival, Change, Journey, MemberState, State, Station, Stopped, Watch};
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

/// A fault of the product that is known (`suites/known.toml`), and what of it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownFault {
    /// What it is called.
    pub name: String,
    /// What it is, where it was seen, and why it is let be.
    pub reason: String,
    /// Since when it is known.
    pub since: jiff::civil::Date,
    /// The cells in which checks did not pass because of it and of nothing else.
    pub seen: Vec<String>,
    /// The cells in which it would have shown, and all that it would have shown in passed: it no longer happens there.
    pub gone: Vec<String>,
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

/// The snap under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Whether it is the stand-in that was built by the project, and not MicroOVN.
    pub stand_in: bool,
    /// The snap's name.
    pub name: String,
    /// The snap's version.
    pub version: String,
    /// SHA-256 of the snap file, hexadecimal.
    pub sha256: String,
}

/// The host on which the run was started, and its LXD.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The distribution.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// The machine's architecture.
    pub architecture: String,
    /// Processors that tests may use.
    pub processors: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// LXD's version, or `Incus` and its version; empty where none answered.
    pub lxd: String,
    /// The distribution and kernel that LXD runs on, which may be another host's.
    pub lxd_system: String,
}

/// An init option of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitOption {
    /// Its name.
    pub name: String,
    /// Its values, the default first.
    pub values: Vec<String>,
}

/// What a check is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckInfo {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub about: String,
}

/// How many checks came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// As planned.
    pub passed: usize,
    /// Not as planned, or not judged because of an error: everything that the runner calls a failure.
    pub failed: usize,
    /// Not as planned because of a fault that is known, and of nothing else.
    #[serde(default)]
    pub known: usize,
    /// Left out because the product lacks something.
    pub skipped: usize,
    /// Begun and not ended, or never begun.
    pub unfinished: usize,
}

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

/// How the wait for the planned state ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How often the members were read.
    pub looks: u32,
    /// How long the last of these reads took, which read everything and is judged, in milliseconds.
    #[serde(default)]
    pub last_ms: u64,
    /// The checks that were not satisfied when the time was up.
    pub unsatisfied: Vec<String>,
}

/// A stage of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// What was done.
    pub name: String,
    /// The member it was done to, where it is one.
    pub member: Option<String>,
    /// Whose time it is: `lxd`, `product` or `framework`.
    pub owner: String,
    /// The part of the cell's life: `provision`, `form` or `check`.
    pub phase: Phase,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// A part of a cell's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Images, bridges and instances.
    Provision,
    /// The product forms the cluster, or does what a step of a journey is, and it settles.
    Form,
    /// It is judged.
    Check,
}

/// One check of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How many comparisons were made.
    pub compared: usize,
    /// Those that did not hold.
    pub differences: Vec<Difference>,
    /// What its test said, where it did not pass.
    pub message: Option<String>,
    /// The faults that are known that it did not pass because of; where it passed, those that would have shown in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// When its test began, which then waited for the cluster.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The command that shows what it read, on the member of its first difference.
    pub look: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As planned.
    Passed,
    /// Something differs, or there was nothing to compare.
    Failed,
    /// Something differs, or there is no cluster, and all of that is a fault of the product that is known.
    Known,
    /// It could not be judged: there is no cluster, or it could not be used.
    Error,
    /// Its cell was left out.
    Skipped,
    /// It is at work.
    Running,
    /// It began and its process ended before it did.
    Interrupted,
    /// It did not begin: filtered out, or the run ended before.
    NotRun,
}

/// Something that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The member it was seen on.
    pub member: String,
    /// The table or command.
    pub table: String,
    /// The column, row or key.
    pub column: String,
    /// What the plan says.
    pub wanted: String,
    /// What was there.
    pub seen: String,
    /// What the seen value is, where that helps.
    pub note: Option<String>,
}

/// What was said between the framework and one member while it was formed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The member.
    pub member: String,
    /// `dialog`, `commands` or `rest`.
    pub kind: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What was printed.
    pub text: String,
    /// What was typed after it; absent where it is no question that an option answers.
    pub typed: Option<String>,
    /// The option that answers.
    pub option: Option<String>,
    /// Whether it is a question that no option answers.
    pub unanswered: bool,
}

/// A file that shows what a node was like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The member.
    pub member: String,
    /// The file's name.
    pub name: String,
    /// Where it is, below the run's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

impl Outcome {
    /// Whether the runner calls it a failure.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }

    /// Whether it is not as planned, known or not.
    pub fn is_red(self) -> bool {
        self.is_failure() || self == Self::Known
    }
}

impl Totals {
    /// Counts one check.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed | Outcome::Error => self.failed += 1,
            Outcome::Known => self.known += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Running | Outcome::Interrupted | Outcome::NotRun => self.unfinished += 1,
        }
    }

    /// All of them.
    pub fn all(&self) -> usize {
        self.passed + self.failed + self.known + self.skipped + self.unfinished
    }
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

/// The schema of [`Record`] as JSON, with a newline at its end: `docs/run-record.schema.json`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Record);
    format!("{:#}\n", schema.to_value())
}
