//! The databases ovn-northd was started with, from its argv.

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;

const WHAT: &str = "ovn-northd argv";

/// Connection strings of a running ovn-northd, as given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Northd {
    /// `--ovnnb-db`
    pub northbound: String,
    /// `--ovnsb-db`
    pub southbound: String,
}

impl Northd {
    /// Reads the output of `ps -C ovn-northd -o args=`: one line a process. Both `--option=value` and
    /// `--option value` are understood (getopt_long takes either). OVS's monitor process, which calls itself
    /// `ovn-northd: monitoring pid …`, is skipped.
    ///
    /// # Errors
    /// When not exactly one ovn-northd runs, or an option is missing or given twice.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("ovn-northd: monitoring"));
        match (lines.next(), lines.next()) {
            (Some(line), None) => {
                Ok(Self { northbound: option(line, "--ovnnb-db")?, southbound: option(line, "--ovnsb-db")? })
            }
            _ => Err(ParseError::expected(WHAT, "one running ovn-northd", text)),
        }
    }
}

fn option(line: &str, name: &str) -> Result<String, ParseError> {
    let mut found = None;
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        let value = match word.strip_prefix(name) {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(value) = value
            && found.replace(value).is_some()
        {
            return Err(ParseError::duplicate(WHAT, name, line));
        }
    }
    found.map(str::to_owned).ok_or_else(|| ParseError::missing(WHAT, name, line))
}
