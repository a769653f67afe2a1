//! `microovn status`, as far as it is about the databases, and the version of the snap.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;

const WHAT: &str = "microovn status";

/// What follows where MicroOVN is content with a database, and where it is not.
const CONTENT: &str = "OK (";
const ATTENTION: &str = "Upgrade or attention required!";

/// What MicroOVN says of both databases; `None` where it says nothing, as releases up to 22.03.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Of the Northbound.
    pub northbound: Option<Summary>,
    /// Of the Southbound.
    pub southbound: Option<Summary>,
}

/// What MicroOVN says of the schema of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// It has this version, as all members want it.
    Content(String),
    /// Not all want the one that it has.
    Attention {
        /// The one that it has.
        active: String,
        /// The one that each member wants, or what is said instead.
        expected: BTreeMap<String, String>,
    },
}

/// In one line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(version) => write!(f, "OK ({version})"),
            Self::Attention { active, expected } => {
                write!(f, "attention required, {active} is active")?;
                expected.iter().try_for_each(|(member, version)| write!(f, ", {member}: {version}"))
            }
        }
    }
}

impl Status {
    /// Reads what `microovn status` prints.
    ///
    /// # Errors
    /// When what it says of a database is in no known form, or a member is reported twice.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if !text.starts_with("MicroOVN deployment summary:") {
            return Err(ParseError::expected(WHAT, "a deployment summary", text));
        }
        let of = |title: &str| summary(text, &format!("OVN {title}: "));
        Ok(Self { northbound: of("Northbound")?, southbound: of("Southbound")? })
    }
}

fn summary(text: &str, title: &str) -> Result<Option<Summary>, ParseError> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(title));
    let Some(said) = lines.next().and_then(|line| line.strip_prefix(title)) else { return Ok(None) };
    if let Some(version) = said.strip_prefix(CONTENT).and_then(|rest| rest.strip_suffix(')')) {
        return Ok(Some(Summary::Content(version.to_owned())));
    }
    let active = lines.next().and_then(|line| line.strip_prefix("Currently active schema:"));
    let report = lines.next().is_some_and(|line| line.starts_with("Cluster report"));
    let (ATTENTION, Some(active), true) = (said, active, report) else {
        return Err(ParseError::expected(WHAT, format!("{CONTENT}…) or {ATTENTION} with a report"), text));
    };
    let mut expected = BTreeMap::new();
    for line in lines.map_while(|line| line.strip_prefix('\t')) {
        let (member, version) =
            line.split_once(": ").ok_or_else(|| ParseError::expected(WHAT, "member: version", line))?;
        if expected.insert(member.to_owned(), version.to_owned()).is_some() {
            return Err(ParseError::duplicate(WHAT, format!("member {member:?}"), text));
        }
    }
    Ok(Some(Summary::Attention { active: active.trim().to_owned(), expected }))
}

/// Reads the version of the snap in the table of `snap list microovn`.
///
/// # Errors
/// When there is no such table, or it has another snap.
pub fn parse_snap_version(text: &str) -> Result<String, ParseError> {
    let columns = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let mut lines = text.lines().map(columns);
    let header = lines.next().unwrap_or_default();
    match (header.iter().position(|it| it == "Version"), lines.next()) {
        (Some(version), Some(row)) if row.first().is_some_and(|name| name == "microovn") && row.len() > version => {
            Ok(row[version].clone())
        }
        _ => Err(ParseError::expected("snap list", "a table with microovn and its version", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &str = "MicroOVN deployment summary:\n- a (10.0.0.1)\n  Services: central, chassis, switch\n";

    fn parse(databases: &str) -> Result<Status, ParseError> {
        Status::parse(&format!("{MEMBERS}{databases}"))
    }

    #[test]
    fn what_is_said_of_the_databases_is_read() {
        let status = parse("OVN Database summary:\nOVN Northbound: OK (7.0.0)\nOVN Southbound: OK (20.27.0)\n");
        let content = |version: &str| Some(Summary::Content(version.to_owned()));
        assert_eq!(status, Ok(Status { northbound: content("7.0.0"), southbound: content("20.27.0") }));
        let held = "OVN Database summary:\nOVN Northbound: Upgrade or attention required!\n\
                    Currently active schema: 7.0.0\nCluster report (expected schema versions):\n\ta: 7.0.0\n\tb: 7.11.0\n\
                    \tc: Error. Failed to contact member\n\nOVN Southbound: OK (20.27.0)\n";
        let status = parse(held).expect("a status");
        assert_eq!(
            status.northbound.expect("a summary").to_string(),
            "attention required, 7.0.0 is active, a: 7.0.0, b: 7.11.0, c: Error. Failed to contact member"
        );
        assert_eq!(status.southbound, content("20.27.0"));
        let none = "OVN Database summary:\nError creating OVN Northbound Database summary: failed\n\
                    OVN Northbound: Upgrade or attention required!\nCurrently active schema: \n\
                    Cluster report (expected schema versions):\n\n";
        let gone = Summary::Attention { active: String::new(), expected: BTreeMap::new() };
        assert_eq!(parse(none).expect("a status").northbound, Some(gone));
        assert_eq!(parse(""), Ok(Status::default()));
    }

    #[test]
    fn what_is_no_status_is_an_error() {
        assert!(Status::parse("Error: failed listing services: Database is still starting\n").is_err());
        assert!(parse("OVN Northbound: Splendid\n").is_err());
        assert!(parse("OVN Northbound: Upgrade or attention required!\n").is_err());
        let twice = "OVN Northbound: Upgrade or attention required!\nCurrently active schema: 1\nCluster report x\n";
        assert!(parse(&format!("{twice}\ta: 1\n\ta: 1\n")).is_err() && parse(&format!("{twice}\ta 1\n")).is_err());
    }

    #[test]
    fn a_snap_has_the_version_of_its_column() {
        let table = "Name      Version                   Rev  Tracking  Publisher  Notes\n\
                     microovn  23.03.1-1+snap77a702704c  x1   -         -          -\n";
        assert_eq!(parse_snap_version(table).as_deref(), Ok("23.03.1-1+snap77a702704c"));
        assert!(parse_snap_version("error: no matching snaps installed\n").is_err());
        assert!(parse_snap_version(&table.replace("microovn", "core24")).is_err());
    }
}
