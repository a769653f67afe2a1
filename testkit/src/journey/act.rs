//! One thing done to one member, and what is wanted of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Offer;
use crate::like::is_like;
use crate::plan::{Database, Network, Process};

/// One thing done to one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The name of the member.
    pub on: String,
    /// What is done.
    pub what: What,
    /// What is wanted of it.
    pub want: Want,
    /// Lines that it must not say.
    #[serde(default)]
    pub unwanted: Vec<String>,
    /// How many seconds it may take.
    pub seconds: u64,
}

/// What is done to a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A command is run on it.
    Run(Vec<String>),
    /// A command is run on it, again and again until it says what is wanted: what was begun goes on by itself.
    Await(Vec<String>),
    /// A command is run on that of these members whose server leads a database, which is none of the plan's to know.
    Lead {
        /// The database.
        database: Database,
        /// The members that have a server of it.
        among: Vec<String>,
        /// The command.
        argv: Vec<String>,
    },
    /// It enters the cluster as its recipe says, with a token that this member issues.
    Enter {
        /// Who issues the token.
        by: String,
    },
    /// A change is made in the Northbound on it, and is seen in the Southbound and by every chassis that has a datapath.
    Propagate,
    /// It and all others that can have them get endpoints on logical networks.
    Lay,
    /// It is given the LXD of its distribution, which does not run yet.
    BringLxd,
    /// It is offered an authority. What its daemon has to say against that is in its journal, and is part of what is said, a line
    /// `journal: …` each.
    Offer(Box<Offer>),
    /// The certificates of these services are replaced by others of the cluster's authority, which end in so many days, or ended
    /// so many ago.
    Forge {
        /// The services, by the stems of their files.
        stems: Vec<String>,
        /// In how many days they end.
        days: i32,
    },
    /// MicroCloud, which formed the cluster, adds it: it is told so on this other member, and on it to join.
    AddByMicrocloud {
        /// The other member.
        by: String,
    },
    /// It is waited for until it lists as many voters as the cluster can have.
    Vote,
    /// Its instance is shut down.
    Stop,
    /// Its instance is ended at once, as by a failure of power.
    CutPower,
    /// Its instance is booted, until MicroOVN's daemon answers or says why not.
    Start,
    /// Its instance and those of these others are shut down and booted, all at the same time.
    Reboot {
        /// The others.
        with: Vec<String>,
    },
    /// All of its processes stop where they are.
    Freeze,
    /// They go on.
    Thaw,
    /// A daemon is sent a signal.
    Kill {
        /// Which.
        process: Process,
        /// The signal: `KILL`.
        signal: String,
    },
    /// Its NIC on this network loses its link.
    Cut(Network),
    /// It gets it back.
    Heal(Network),
}

/// What is wanted of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// That it succeeds, and what it says has these lines. An ellipsis in one of them is some text that nobody can know before,
    /// such as a version.
    Success(Vec<String>),
    /// That it is refused: a command ends with an error, and what it says has these lines.
    Refusal(Vec<String>),
}

/// An act takes as long as the product takes, of whose own limits some are 30 s, two of them in a row.
const SECONDS: u64 = 180;

impl Act {
    fn new(on: &str, what: What) -> Self {
        Self { on: on.to_owned(), what, want: Want::Success(Vec::new()), unwanted: Vec::new(), seconds: SECONDS }
    }

    /// A command is run on a member, and succeeds.
    pub fn run<'a>(on: &str, argv: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(on, What::Run(argv.into_iter().map(str::to_owned).collect()))
    }

    /// A command is run on a member until it says what is wanted.
    pub fn wait<'a>(on: &str, argv: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(on, What::Await(argv.into_iter().map(str::to_owned).collect()))
    }

    /// Something else is done to a member, and succeeds.
    pub fn of(on: &str, what: What) -> Self {
        Self::new(on, what)
    }

    /// It says this line, too.
    pub fn says(mut self, line: impl Into<String>) -> Self {
        match &mut self.want {
            Want::Success(lines) | Want::Refusal(lines) => lines.push(line.into()),
        }
        self
    }

    /// It does not say this line.
    pub fn never_says(mut self, line: impl Into<String>) -> Self {
        self.unwanted.push(line.into());
        self
    }

    /// It is refused with this line.
    pub fn refused(mut self, line: impl Into<String>) -> Self {
        self.want = Want::Refusal(vec![line.into()]);
        self
    }

    /// What came of it, compared with what is wanted: `None` where it is as wanted, else how it is not. `code` is the exit
    /// code of a command, `said` all that it printed. A date in front of a line is none of it.
    pub fn differs(&self, code: i32, said: &str) -> Option<String> {
        let (lines, good) = match &self.want {
            Want::Success(lines) => (lines, code == 0),
            Want::Refusal(lines) => (lines, code != 0),
        };
        if !good {
            return Some(format!("exit code {code}"));
        }
        let has = |line: &&String| said.lines().any(|seen| is_like(undated(seen.trim_end()), line));
        if let Some(line) = lines.iter().find(|line| !has(line)) {
            return Some(format!("exit code {code}, and no line {line:?}"));
        }
        self.unwanted.iter().find(has).map(|line| format!("exit code {code}, and a line {line:?}"))
    }
}

/// A line without the date that MicroOVN's client puts before what it warns of, `2026/11/28 19:50:44`.
fn undated(line: &str) -> &str {
    let date = |text: &str| {
        let figures = text.bytes().filter(u8::is_ascii_digit).count();
        figures == 14 && text.bytes().all(|byte| byte.is_ascii_digit() || b"/ :".contains(&byte))
    };
    match line.split_at_checked(20) {
        Some((before, behind)) if before.ends_with(' ') && date(before) => behind,
        _ => line,
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(argv) => f.write_str(&argv.join(" ")),
            Self::Await(argv) => write!(f, "{}, until it says so", argv.join(" ")),
            Self::Lead { database, argv, .. } => write!(f, "where {database} is led: {}", argv.join(" ")),
            Self::Enter { by } => write!(f, "enters with a token of {by}"),
            Self::AddByMicrocloud { by } => {
                write!(f, "joins by `microcloud join`, while {by} adds it by `microcloud add`")
            }
            Self::Propagate => f.write_str("a logical switch is added and removed"),
            Self::Lay => f.write_str("every member with a chassis gets endpoints on two logical networks"),
            Self::BringLxd => f.write_str("LXD is unpacked, of packages of the distribution"),
            Self::Offer(offer) => offer.fmt(f),
            Self::Forge { stems, days } => write!(f, "certificates that end in {days} days for {}", stems.join(", ")),
            Self::Vote => f.write_str("as many members vote as can"),
            Self::Stop => f.write_str("the instance is shut down"),
            Self::CutPower => f.write_str("the instance is ended at once"),
            Self::Start => f.write_str("the instance is started"),
            Self::Reboot { with } if with.is_empty() => f.write_str("the instance is booted again"),
            Self::Reboot { with } => {
                write!(f, "the instance is booted again, and at the same time {}", with.join(", "))
            }
            Self::Freeze => f.write_str("the instance is frozen"),
            Self::Thaw => f.write_str("the instance goes on"),
            Self::Kill { process, signal } => write!(f, "SIG{signal} to {process}"),
            Self::Cut(network) => write!(f, "the link of {network} is cut"),
            Self::Heal(network) => write!(f, "the link of {network} is back"),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.on, self.what)
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (how, lines) = match self {
            Self::Success(lines) => ("success", lines),
            Self::Refusal(lines) => ("a refusal", lines),
        };
        f.write_str(how)?;
        match &lines[..] {
            [] => Ok(()),
            lines => {
                write!(f, " that says {}", lines.iter().map(|line| format!("{line:?}")).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_only_with_its_words() {
        let act = Act::run("m", ["microovn", "disable", "central"]).refused("Error: cannot disable the last one");
        assert_eq!(act.differs(1, "x\nError: cannot disable the last one\n"), None);
        assert_eq!(act.differs(0, "Error: cannot disable the last one\n").as_deref(), Some("exit code 0"));
        let other = act.differs(1, "Error: cannot disable the last one, sorry\n").expect("other words");
        assert!(other.contains("no line \"Error: cannot disable the last one\""), "{other}");
    }

    #[test]
    fn a_warning_is_looked_for_behind_its_date_and_one_that_is_not_due_is_a_difference() {
        let said = "Service central disabled\n2026/11/28 19:53:56 [central] Warning: few\n";
        let act = || Act::run("m", ["true"]);
        assert_eq!(act().says("[central] Warning: few").never_says("[central] Warning: even").differs(0, said), None);
        let unwanted = act().never_says("[central] Warning: few").differs(0, said).expect("a line too much");
        assert!(unwanted.contains("and a line \"[central] Warning: few\""), "{unwanted}");
    }

    #[test]
    fn an_ellipsis_stands_for_some_text() {
        for (seen, wanted, like) in [
            ("ovn-northd 25.03.0", "ovn-northd …", true),
            ("ovn-northd ", "ovn-northd …", false),
            ("ovn-controller 25.03.0", "ovn-northd …", false),
            ("2026|00001|ssl|WARN|no", "…|WARN|…", true),
            ("2026|00001|ssl|INFO|no", "…|WARN|…", false),
            ("a b c", "a … c", true),
            ("a b c d", "a … c", false),
            ("é b", "… b", true),
            ("", "…", false),
        ] {
            assert_eq!(is_like(seen, wanted), like, "{seen:?} and {wanted:?}");
        }
    }

    #[test]
    fn a_success_says_what_it_should() {
        let act = Act::run("m", ["true"]).says("Service central disabled");
        assert_eq!(act.differs(0, "Service central disabled\n"), None);
        assert!(act.differs(0, "").is_some() && act.differs(1, "Service central disabled\n").is_some());
    }

    #[test]
    fn what_is_waited_for_and_where_it_is_done_is_told() {
        let act = Act::wait("m", ["status"]).says("Election timer: 4000");
        assert_eq!(act.to_string(), "m: status, until it says so");
        let (among, argv) = (vec!["m".to_owned()], vec!["change".to_owned()]);
        let act = Act::of("m", What::Lead { database: Database::Southbound, among, argv });
        assert_eq!(act.to_string(), "m: where the Southbound is led: change");
    }
}
