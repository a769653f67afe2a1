//! Which faults the stand-in is told to have, on which members.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::nearest::nearest;

/// The table of faults in it is what the stand-in knows; its own tests hold the two together.
const README: &str = include_str!("../../../images/stand-in/README.md");
/// The same of the stand-in for MicroCloud.
const MICROCLOUD: &str = include_str!("../../../images/microcloud/README.md");

/// In front of a fault that is played from the first refresh of the snap on.
const REFRESHED: &str = "refreshed";

/// Faults of the stand-in, a line each: its name and perhaps a value, on every member, or behind `2:` on the second.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Faults {
    text: String,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// The member's number, from 1 on; every member when there is none.
    member: Option<usize>,
    fault: String,
}

impl Faults {
    /// What the member of this number, from 1 on, is told: a line for each of its faults.
    pub fn of_member(&self, number: usize) -> String {
        let here = self.lines.iter().filter(|line| line.member.is_none_or(|wanted| wanted == number));
        here.map(|line| format!("{}\n", line.fault)).collect()
    }

    /// Whether members play another release than the one that is installed.
    pub fn play_a_release(&self) -> bool {
        self.lines.iter().any(|line| line.fault.split_whitespace().next() == Some("plays-release"))
    }

    /// The highest number that a member is named by.
    pub fn last_member(&self) -> Option<usize> {
        self.lines.iter().filter_map(|line| line.member).max()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A line that names no fault. One that is not known would be played by nobody, and every check be green.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The stand-in has no such fault.
    #[error(
        "the stand-in has no fault {name:?}{}; all are in images/stand-in/README.md",
        nearest.map(|nearest| format!(" (did you mean {nearest:?}?)")).unwrap_or_default()
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Members are counted from 1.
    #[error("{0:?} is for member 0, and the first is member 1")]
    NoMember(String),
    /// It is in one line of several.
    #[error("line {number}: {fault}")]
    InLine {
        /// The line's number, from 1 on.
        number: usize,
        /// What is wrong with it.
        fault: Box<Self>,
    },
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let is_one_of_several = text.lines().nth(1).is_some();
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(number, line)| match read(line) {
            Err(fault) if is_one_of_several => Err(FaultError::InLine { number, fault: Box::new(fault) }),
            read => read,
        };
        Ok(Self { text: text.to_owned(), lines: lines.map(read).collect::<Result<_, _>>()? })
    }
}

impl TryFrom<String> for Faults {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

fn read(line: &str) -> Result<Line, FaultError> {
    let (member, fault) = match line.split_once(':').map(|(head, fault)| (head.trim().parse(), fault.trim())) {
        Some((Ok(0), _)) => return Err(FaultError::NoMember(line.to_owned())),
        Some((Ok(member), fault)) => (Some(member), fault),
        // A colon in a fault's value.
        _ => (None, line),
    };
    // Another fault is what that one has for a value.
    let mut words = fault.split_whitespace().skip_while(|word| *word == REFRESHED);
    let name = words.next().unwrap_or_default();
    if known().any(|known| known == name) {
        return Ok(Line { member, fault: fault.to_owned() });
    }
    Err(FaultError::Unknown { name: name.to_owned(), nearest: nearest(name, known()) })
}

/// The names of all faults.
fn known() -> impl Iterator<Item = &'static str> {
    let table = |page: &'static str| {
        let table = page.split_once("\n## Faults\n").map_or("", |(_, after)| after);
        table.split("\n## ").next().unwrap_or_default()
    };
    let lines = [README, MICROCLOUD].into_iter().flat_map(move |page| table(page).lines());
    lines.filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_for_all_members_or_for_the_numbered_one() {
        let all =
            "encap-type-vxlan\n# not this\n2: encap-other 10.0.0.1\n\n3:encap-other fd42::1\nextra-question Why: ?";
        let faults: Faults = all.parse().expect("known");
        assert_eq!(faults.of_member(1), "encap-type-vxlan\nextra-question Why: ?\n");
        assert_eq!(faults.of_member(2), "encap-type-vxlan\nencap-other 10.0.0.1\nextra-question Why: ?\n");
        assert_eq!(faults.of_member(3), "encap-type-vxlan\nencap-other fd42::1\nextra-question Why: ?\n");
        assert_eq!((faults.last_member(), faults.to_string().as_str()), (Some(3), all));
        assert_eq!("encap-other".parse::<Faults>().map(|faults| faults.last_member()), Ok(None));
    }

    #[test]
    fn a_fault_that_nobody_would_play_is_refused() {
        for (text, said) in [
            (
                "encap-with-mas",
                "the stand-in has no fault \"encap-with-mas\" (did you mean \"encap-with-mask\"?); all are in \
                 images/stand-in/README.md",
            ),
            (
                "encap-mask",
                "the stand-in has no fault \"encap-mask\" (did you mean \"encap-with-mask\"?); all are in \
                 images/stand-in/README.md",
            ),
            (
                "encap-other\n\n2:zzz 1",
                "line 3: the stand-in has no fault \"zzz\"; all are in images/stand-in/README.md",
            ),
            ("#\n0:encap-other", "line 2: \"0:encap-other\" is for member 0, and the first is member 1"),
            (
                "1:refreshed reissue-ignore",
                "the stand-in has no fault \"reissue-ignore\" (did you mean \"reissue-ignored\"?); all are in \
                 images/stand-in/README.md",
            ),
            ("2:refreshed", "the stand-in has no fault \"\"; all are in images/stand-in/README.md"),
            ("2:", "the stand-in has no fault \"\"; all are in images/stand-in/README.md"),
            ("0:encap-other", "\"0:encap-other\" is for member 0, and the first is member 1"),
        ] {
            let error = text.parse::<Faults>().expect_err(text);
            assert_eq!(error.to_string(), said);
        }
    }
}
