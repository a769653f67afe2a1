//! How the services of a member have fared since it booted: what their journal has that should be in no journal, and what
//! systemd says of their units.
//!
//! A journal may be long, that of a daemon that loops hundreds of megabytes. So it is summarised on the member, by a
//! fixed program that [`argv`] runs: lines that may tell of trouble, each once however often it came, and lines that came
//! many times in one second. What they mean is decided here ([`Kind`]).

mod kind;
mod script;
#[cfg(test)]
mod tests;
mod unit;
mod writer;

pub use kind::{EXAMPLES, Kind};
pub use script::argv;
pub use unit::{Unit, parse_units};

use serde::{Deserialize, Serialize};

use super::redact;
use crate::ovn::ParseError;

const WHAT: &str = "health";

/// So many times a second no daemon says the same when it is well. Their own limits are far below: OVS prints most of what
/// can come often five times a minute (`VLOG_RATE_LIMIT_INIT`). One that loops was recorded at a thousand times a second.
pub const OFTEN: u32 = 60;

/// The journal of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How many lines of the journal were read, and of the daemons' own log files.
    pub lines: u64,
    /// How many different lines that may tell of trouble were left out, because there were too many.
    pub left_out: u64,
    /// Lines that tell of trouble, in the order in which they came.
    pub troubles: Vec<Trouble>,
}

/// A line that tells of trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What it tells of.
    pub kind: Kind,
    /// Who said it: the identifier in the journal, or the name of a log file.
    pub who: String,
    /// What it said the first time, without secrets and cut.
    pub text: String,
    /// How often it came, numbers aside.
    pub count: u32,
    /// How often it came in the second in which it came most.
    pub per_second: u32,
}

impl Health {
    /// Reads what the program of [`argv`] prints: two sections, `= journal` with a line for each line, and `= end`.
    ///
    /// # Errors
    /// When a section is missing or another one is there, or a line in one is not as expected.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let sections = |text: &str| -> Option<(String, String)> {
            let (totals, rest) = text.strip_prefix("= journal ")?.split_once('\n')?;
            let lines = rest.strip_suffix("= end\n")?;
            Some((totals.to_owned(), lines.to_owned()))
        };
        let expected = || ParseError::expected(WHAT, "the sections journal and end", &redact(text));
        let (totals, lines) = sections(text).ok_or_else(expected)?;
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| ParseError::expected(WHAT, "how many lines were read and left out", &totals))
        };
        let (lines_read, left_out) = totals
            .split_once(' ')
            .ok_or_else(|| ParseError::expected(WHAT, "how many lines were read and left out", &totals))?;
        let seen = lines.lines().map(line).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            lines: number(lines_read)?,
            left_out: number(left_out)?,
            troubles: seen.into_iter().flatten().collect(),
        })
    }
}

/// A line of the summary: how often it came, how often in one second, who said it, and what, between tabs. `None` where it
/// is nothing to worry about.
fn line(line: &str) -> Result<Option<Trouble>, ParseError> {
    let parts: Vec<&str> = line.splitn(4, '\t').collect();
    let expected = || ParseError::expected(WHAT, "two numbers, a writer and a text between tabs", &redact(line));
    let [count, per_second, who, text] = parts[..] else { return Err(expected()) };
    let count: u32 = count.parse().map_err(|_| expected())?;
    let per_second: u32 = per_second.parse().map_err(|_| expected())?;
    let text = redact(text);
    let kind = Kind::of(who, &text).or((per_second > OFTEN).then_some(Kind::Repeated));
    Ok(kind.map(|kind| Trouble { kind, who: who.to_owned(), text, count, per_second }))
}
