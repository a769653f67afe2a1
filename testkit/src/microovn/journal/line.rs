//! The lines of a journal, of whom they are and when.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::words::{DAEMONS, is_daemon};

/// What the units of the snap's services begin with.
const UNITS: &str = "snap.microovn.";

/// One line of a journal, or of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Microseconds since 1970; 0 where that is not known.
    pub at: u64,
    /// The unit it is of, or about, without `.service`; empty where there is none.
    pub unit: String,
    /// What the line calls its writer; of a core dump, the program that crashed.
    pub program: String,
    /// Who wrote it.
    pub origin: Origin,
    /// What it says.
    pub text: String,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A program, of itself.
    Program,
    /// systemd, of a unit.
    Manager,
    /// systemd-coredump, of a program that crashed.
    Crash,
    /// The kernel.
    Kernel,
}

impl JournalLine {
    /// Whether it is of MicroOVN's services, and not of a command that somebody gave: those are in scopes of their own,
    /// and those that ended too soon for the journal to know their unit are called as clients are.
    pub fn is_products(&self) -> bool {
        match self.origin {
            // They are about every program of the host.
            Origin::Kernel => {
                let words = self.text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
                words.into_iter().any(|word| is_daemon(word) || word.starts_with(UNITS))
            }
            Origin::Crash => self.is_of_service() || is_daemon(&self.program),
            Origin::Manager => self.is_of_service(),
            Origin::Program if self.unit.is_empty() || self.unit == "init.scope" => {
                DAEMONS.contains(&self.program.as_str()) || self.program.starts_with("microovn.")
            }
            Origin::Program => self.is_of_service(),
        }
    }

    fn is_of_service(&self) -> bool {
        self.unit.starts_with(UNITS) && !self.unit.ends_with(".scope") && !self.unit.ends_with(".timer")
    }

    /// The unit or program as a person names it.
    pub(super) fn who(&self) -> &str {
        match self.origin {
            Origin::Kernel => "the kernel",
            _ if self.unit.is_empty() => &self.program,
            _ => self.unit.strip_prefix("snap.").unwrap_or(&self.unit),
        }
    }
}

/// An entry as `journalctl --output=json` prints it. The names of its fields are in systemd.journal-fields(7).
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE", default)]
    message: Value,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    at: Option<String>,
    #[serde(rename = "UNIT", default)]
    about: Option<String>,
    #[serde(rename = "_SYSTEMD_UNIT", default)]
    unit: Option<String>,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    identifier: Option<String>,
    #[serde(rename = "_COMM", default)]
    comm: Option<String>,
    #[serde(rename = "_TRANSPORT", default)]
    transport: Option<String>,
    #[serde(rename = "COREDUMP_UNIT", default)]
    crashed_unit: Option<String>,
    #[serde(rename = "COREDUMP_COMM", default)]
    crashed: Option<String>,
}

/// The lines of what `journalctl --output=json` printed. An entry of several lines becomes as many. What is cut off at the
/// end of a long output is left out.
pub fn parse_journal(printed: &str) -> Vec<JournalLine> {
    let entries = printed.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    entries.flat_map(lines).collect()
}

fn lines(entry: Entry) -> Vec<JournalLine> {
    let identifier = entry.identifier.or(entry.comm).unwrap_or_default();
    let (origin, unit, program) = match entry.transport.as_deref() {
        Some("kernel" | "audit") => (Origin::Kernel, None, identifier),
        _ if entry.crashed.is_some() || identifier == "systemd-coredump" => {
            (Origin::Crash, entry.crashed_unit, entry.crashed.unwrap_or_default())
        }
        _ if entry.about.is_some() => (Origin::Manager, entry.about, identifier),
        _ => (Origin::Program, entry.unit, identifier),
    };
    let unit = unit.unwrap_or_default();
    let line = |text: &str| JournalLine {
        at: entry.at.as_deref().and_then(|at| at.parse().ok()).unwrap_or_default(),
        unit: unit.strip_suffix(".service").unwrap_or(&unit).to_owned(),
        program: program.clone(),
        origin,
        text: text.to_owned(),
    };
    message(&entry.message).lines().map(line).collect()
}

/// A message; one that is no UTF-8, or has control characters, is given as bytes.
fn message(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(bytes) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| byte.as_u64().and_then(|byte| byte.try_into().ok())).collect();
            without_escapes(&String::from_utf8_lossy(&bytes))
        }
        _ => String::new(),
    }
}

/// A text without the sequences that colour it on a terminal.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |end| end + 1);
        rest = &after[end..];
    }
    plain.push_str(rest);
    plain
}

/// The lines of log files of OVN and OVS, each behind the path of its file and a colon, as `grep --with-filename` prints
/// them. The unit is the file's name.
pub fn parse_logs(printed: &str) -> Vec<JournalLine> {
    let line = |line: &str| {
        let (path, text) = line.split_once(".log:")?;
        let stamp = text.split_once('|').and_then(|(stamp, _)| stamp.parse::<Timestamp>().ok());
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(JournalLine {
            at: stamp.and_then(|at| u64::try_from(at.as_microsecond()).ok()).unwrap_or_default(),
            unit: format!("{UNITS}{}", name.split('-').take(2).collect::<Vec<_>>().join("-")),
            program: name.to_owned(),
            origin: Origin::Program,
            text: text.to_owned(),
        })
    };
    let mut lines: Vec<JournalLine> = printed.lines().filter_map(line).collect();
    lines.sort_by_key(|line| line.at);
    lines
}
