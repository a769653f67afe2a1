//! What is done in a stage. On disk and in the record it is a text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is done in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Work {
    /// The runner until the first check of any suite begins: cargo, the list of tests, the start of processes.
    StartRunner,
    /// From then until the first check of this suite begins: the runner has only so many tests at work.
    Queue,
    /// Connecting to LXD.
    Connect,
    /// Starting the reaper.
    ArmReaper,
    /// Removing what dead runs left.
    Sweep,
    /// Waiting for a turn: other clusters of the run are formed meanwhile.
    Turn,
    /// Finding or making the golden image.
    GoldenImage,
    /// Making the bridges.
    Bridges,
    /// Deciding what is to be made.
    Plan,
    /// Copying and starting the instance of the member of this number, counted from 1, as in the next two.
    Clone(usize),
    /// From started to MicroOVN's daemon answering.
    Boot(usize),
    /// Putting the planned files on it.
    Files(usize),
    /// What forming waits for; the clone and the boot of the member say what that was.
    WaitForMember,
    /// The first member enters.
    Bootstrap,
    /// Another member enters.
    Join,
    /// Endpoints are made on members, and joined.
    Traffic,
    /// The cluster becomes as planned.
    Settle,
    /// Collecting evidence of a cluster that is not as planned.
    Evidence,
    /// What is done of the step of this number, counted from 1.
    Step(usize),
    /// The cluster becomes as it must be after the step of this number.
    SettleStep(usize),
    /// The check of this name judges or acts.
    Check(String),
    /// From the settled cluster to the end of the last check, where no check judges: locks, the manifest, processes.
    HandOver,
    /// The runner from the end of the last check on.
    EndRunner,
    /// Moments of no stage. They are the framework's: what it does not name is its own.
    Unaccounted,
    /// What another version noted.
    Other(String),
}

/// Those that are one and the same in every cluster.
const NAMED: [(Work, &str); 18] = [
    (Work::StartRunner, "start runner"),
    (Work::Queue, "queue"),
    (Work::Connect, "connect"),
    (Work::ArmReaper, "arm reaper"),
    (Work::Sweep, "sweep"),
    (Work::Turn, "turn"),
    (Work::GoldenImage, "golden image"),
    (Work::Bridges, "bridges"),
    (Work::Traffic, "endpoints"),
    (Work::Plan, "plan"),
    (Work::WaitForMember, "wait for the member"),
    (Work::Bootstrap, "bootstrap"),
    (Work::Join, "join"),
    (Work::Settle, "settle"),
    (Work::Evidence, "evidence"),
    (Work::HandOver, "hand over"),
    (Work::EndRunner, "end runner"),
    (Work::Unaccounted, "unaccounted"),
];

impl Work {
    /// The kind of what members have done to them side by side, and the number of the member; `None` for the others.
    pub fn of_member(&self) -> Option<(&'static str, usize)> {
        match self {
            Self::Clone(number) => Some(("clone", *number)),
            Self::Boot(number) => Some(("boot", *number)),
            Self::Files(number) => Some(("files", *number)),
            _ => None,
        }
    }

    /// Whether others are waited for.
    pub fn is_wait(&self) -> bool {
        matches!(self, Self::Queue | Self::Turn)
    }

    /// Whether a check judges or acts.
    pub fn is_check(&self) -> bool {
        matches!(self, Self::Check(_))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((kind, number)) = self.of_member() {
            return write!(f, "{kind} {number}");
        }
        match self {
            Self::Check(check) => write!(f, "check {check}"),
            Self::Step(number) => write!(f, "step {number}"),
            Self::SettleStep(number) => write!(f, "settle {number}"),
            Self::Other(name) => f.write_str(name),
            named => f.write_str(NAMED.iter().find(|(work, _)| work == named).map_or("", |(_, name)| name)),
        }
    }
}

impl From<Work> for String {
    fn from(work: Work) -> Self {
        work.to_string()
    }
}

/// As it was noted. What is not known is what another version did.
impl From<String> for Work {
    fn from(name: String) -> Self {
        if let Some((work, _)) = NAMED.iter().find(|(_, known)| *known == name) {
            return work.clone();
        }
        match name.split_once(' ').map(|(kind, rest)| (kind, rest, rest.parse())) {
            Some(("check", check, _)) => Self::Check(check.to_owned()),
            Some(("clone", _, Ok(number))) => Self::Clone(number),
            Some(("boot", _, Ok(number))) => Self::Boot(number),
            Some(("files", _, Ok(number))) => Self::Files(number),
            Some(("step", _, Ok(number))) => Self::Step(number),
            Some(("settle", _, Ok(number))) => Self::SettleStep(number),
            _ => Self::Other(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back_as_what_it_was() {
        let numbered = [
            Work::Clone(10),
            Work::Boot(2),
            Work::Files(1),
            Work::Step(3),
            Work::SettleStep(3),
            Work::Check("members".to_owned()),
        ];
        let other = [Work::Other("boot x".to_owned()), Work::Other("packing".to_owned())];
        for work in NAMED.into_iter().map(|(work, _)| work).chain(numbered).chain(other) {
            let text = work.to_string();
            assert!(!text.is_empty(), "{work:?}");
            assert_eq!(Work::from(text), work);
        }
        assert_eq!(Work::from("boot 2".to_owned()).of_member(), Some(("boot", 2)));
        assert_eq!(serde_json::to_string(&Work::WaitForMember).expect("JSON"), "\"wait for the member\"");
    }
}
