//! Who takes part in forming a cluster by MicroCloud's dialog, and what each does.

use crate::plan::{Cue, Member, Plan, Role};

/// What the words that a joining member is asked for are called.
pub const PASSPHRASE: &str = "passphrase";

/// The line before them on the first member.
const SHOWN_BEHIND: &str = "When requested enter the passphrase:";

/// What a member runs, and what is done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The member.
    pub member: String,
    /// The program and its arguments.
    pub program: Vec<String>,
    /// What it shows that others are told.
    pub shows: Vec<Shows>,
    /// What is done, by what is shown.
    pub cues: Vec<Cue>,
}

/// A secret that a program shows, for other parties to tell theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shows {
    /// Its name.
    pub secret: String,
    /// The line before it.
    pub behind: String,
}

/// The part of a member in a conversation that forms the plan's cluster, in which this is done there.
pub fn part(plan: &Plan, member: &Member, cues: Vec<Cue>) -> Part {
    let (verb, shows) = match plan.role(member) {
        Role::Bootstrap => ("init", vec![Shows { secret: PASSPHRASE.to_owned(), behind: SHOWN_BEHIND.to_owned() }]),
        Role::Join => ("join", Vec::new()),
    };
    Part { member: member.name.clone(), program: vec!["microcloud".to_owned(), verb.to_owned()], shows, cues }
}

/// The part of a member that adds another to the cluster, in which this is done.
pub fn adding(member: &Member, cues: Vec<Cue>) -> Part {
    let program = ["microcloud", "add"].map(str::to_owned).into();
    let shows = vec![Shows { secret: PASSPHRASE.to_owned(), behind: SHOWN_BEHIND.to_owned() }];
    Part { member: member.name.clone(), program, shows, cues }
}

impl Part {
    /// The program as it is typed.
    pub fn command(&self) -> String {
        self.program.join(" ")
    }
}
