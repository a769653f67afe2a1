//! Which line of a journal says why there is no cluster.

use std::collections::BTreeSet;
use std::fmt;

use super::line::{JournalLine, Origin};
use super::trace;
use super::words::{essence, is_complaint, is_deadly, is_noise, is_talk, looks_wrong};
use crate::microovn::redact;

/// The longest text of a cause, in characters.
const LONGEST: usize = 300;
/// The most lines of a service that are looked at for its last words.
const LAST: usize = 60;

/// The product's own first error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// How grave it is.
    pub gravity: Gravity,
    /// When it was said, in microseconds since 1970.
    pub at: u64,
    /// The service, or `the kernel`.
    pub who: String,
    /// What was said, in a line, free of secrets.
    pub text: String,
}

/// How grave a line is. The graver one is told, and of two that are as grave the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// A program ended, or says that it cannot go on.
    End,
    /// A program, or the kernel, complains, and goes on.
    Complaint,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.who, self.text)
    }
}

/// The first line that says that a part of the product ended, or where there is none the first complaint of it. Lines of
/// commands, which are not the product's services, count for nothing. `None` where nothing is wrong.
pub fn find_cause(lines: &[JournalLine]) -> Option<Cause> {
    let mut stopping = BTreeSet::new();
    let mut complaint = None;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.is_products()) {
        let end = match line.origin {
            Origin::Manager => ended(lines, index, &mut stopping),
            Origin::Program if is_deadly(&line.text) => Some(crashed(lines, index)),
            Origin::Crash if line.text.contains("dumped core") => Some(essence(&line.text)),
            Origin::Kernel if is_killed(&line.text) => Some(essence(&line.text)),
            _ => None,
        };
        if let Some(text) = end {
            return Some(cause(Gravity::End, line, &text));
        }
        let complains = match line.origin {
            Origin::Program => is_complaint(&line.text),
            Origin::Kernel => is_denied(&line.text),
            _ => false,
        };
        if complains && complaint.is_none() {
            complaint = Some(cause(Gravity::Complaint, line, &essence(&line.text)));
        }
    }
    complaint
}

fn cause(gravity: Gravity, line: &JournalLine, text: &str) -> Cause {
    let text: String = redact(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    let short = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    Cause { gravity, at: line.at, who: line.who().to_owned(), text: short }
}

/// What a line of systemd's says of the end of a unit that nobody asked for, with the unit's last words.
fn ended<'a>(lines: &'a [JournalLine], index: usize, stopping: &mut BTreeSet<&'a str>) -> Option<String> {
    let line = &lines[index];
    let (unit, text) = (line.unit.as_str(), line.text.as_str());
    let begins = |beginning: &str| text.starts_with(beginning);
    if begins("Stopping ") {
        stopping.insert(unit);
    } else if begins("Started ") || begins("Starting ") {
        stopping.remove(unit);
    }
    if stopping.contains(unit) {
        return None;
    }
    let what = ["Main process exited, ", "Control process exited, ", "Failed with result "]
        .iter()
        .find_map(|told| text.find(told).map(|at| &text[at..]));
    let what = match what {
        // Somebody, or a shutdown, asked it to.
        Some(what) if what.contains("status=15/TERM") || what.contains("status=0/SUCCESS") => return None,
        Some(what) => what,
        None if is_manager_failure(text) => text,
        // What runs once and is done is no service that ended.
        None if text.ends_with(": Deactivated successfully.") && !unit.ends_with("refresh-expiring-certs") => {
            "ended without an error, and nobody asked it to"
        }
        None => return None,
    };
    let what =
        what.strip_prefix("Main process exited, ").map_or_else(|| what.to_owned(), |how| format!("ended, {how}"));
    Some(match last_words(lines, index) {
        Some(words) => format!("{words} ({what})"),
        None => what,
    })
}

/// What else systemd says of a unit that did not come up.
fn is_manager_failure(text: &str) -> bool {
    let parts = [
        "Failed to start ",
        "Failed to run ",
        "Failed to load ",
        "Failed to execute ",
        "Failed at step ",
        "Dependency failed for ",
        "Start request repeated too quickly",
        "killed by the OOM killer",
        "operation timed out",
        "Watchdog timeout",
        "Unable to locate executable",
    ];
    parts.iter().any(|part| text.contains(part))
}

/// What a unit said last before the line at `index`, since it was started: the last that looks like an error, or else the
/// last of all.
fn last_words(lines: &[JournalLine], index: usize) -> Option<String> {
    let unit = &lines[index].unit;
    let own = lines[..index].iter().rev().filter(|line| line.unit == *unit);
    let said = own
        .take(LAST)
        .take_while(|line| !(line.origin == Origin::Manager && line.text.starts_with("Started ")))
        .filter(|line| line.origin == Origin::Program && !is_talk(&line.text) && !is_noise(&line.text));
    let said: Vec<&JournalLine> = said.collect();
    let words = said.iter().find(|line| looks_wrong(&line.text)).or_else(|| said.first())?;
    Some(essence(&words.text))
}

/// What a program says of its end, with the place where the lines behind tell of one.
fn crashed(lines: &[JournalLine], index: usize) -> String {
    let line = &lines[index];
    let own = lines[index + 1..].iter().filter(|other| other.unit == line.unit && other.origin == Origin::Program);
    let said = essence(&line.text);
    match trace::place(&said, own.map(|line| line.text.as_str())) {
        Some(place) => format!("{said}, {place}"),
        None => said,
    }
}

/// Whether the kernel says that it ended a program.
fn is_killed(text: &str) -> bool {
    let killed = text.contains("ut of memory: Killed process") || text.contains(" segfault at ");
    killed || text.contains("general protection fault") || (text.contains("type=1326") && !text.contains(" sig=0 "))
}

/// Whether the kernel says that it did not let a program do something.
fn is_denied(text: &str) -> bool {
    (text.contains("apparmor=\"DENIED\"") || text.contains("type=1326")) && !is_noise(text)
}
