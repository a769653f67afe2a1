//! `snap services microovn`, and what a plan's services mean there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;
use crate::plan::{Release, Service};

const WHAT: &str = "snap services";

/// One service of the snap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapService {
    /// Its name without the snap's: `ovn-northd`.
    pub name: String,
    /// Whether it starts with the machine.
    pub startup: Startup,
    /// Whether it runs.
    pub current: Activity,
    /// `timer-activated`; empty where `snap` prints a dash.
    pub notes: Vec<String>,
}

/// Whether a service starts with the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Startup {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// Whether a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// It does.
    Active,
    /// It does not.
    Inactive,
}

impl fmt::Display for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        })
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        })
    }
}

/// Reads the table of `snap services microovn`; snap offers no other format. What
/// [`commands::services_table`](super::commands::services_table) prints behind it is passed over.
///
/// # Errors
/// When the header is another one, a line has not four columns, a state is unknown or a service is listed twice.
pub fn parse_services(text: &str) -> Result<Vec<SnapService>, ParseError> {
    let table = text.split_once("= units\n").map_or(text, |(table, _)| table);
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    if header != ["Service", "Startup", "Current", "Notes"] {
        return Err(ParseError::expected(WHAT, "the header Service, Startup, Current, Notes", text));
    }
    let mut names = BTreeSet::new();
    let mut services = Vec::new();
    for line in lines {
        let service = service(line)?;
        if !names.insert(service.name.clone()) {
            return Err(ParseError::duplicate(WHAT, format!("service {:?}", service.name), text));
        }
        services.push(service);
    }
    Ok(services)
}

fn service(line: &str) -> Result<SnapService, ParseError> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [name, startup, current, notes] = columns.as_slice() else {
        return Err(ParseError::expected(WHAT, "four columns", line));
    };
    let (_snap, name) = name.split_once('.').ok_or_else(|| ParseError::expected(WHAT, "snap.service", line))?;
    let startup = match *startup {
        "enabled" => Startup::Enabled,
        "disabled" => Startup::Disabled,
        _ => return Err(ParseError::expected(WHAT, "enabled or disabled", line)),
    };
    let current = match *current {
        "active" => Activity::Active,
        "inactive" => Activity::Inactive,
        _ => return Err(ParseError::expected(WHAT, "active or inactive", line)),
    };
    let notes = if *notes == "-" { Vec::new() } else { notes.split(',').map(str::to_owned).collect() };
    Ok(SnapService { name: name.to_owned(), startup, current, notes })
}

/// The state of every snap service of a release on a member that runs `services` and has been initialised. What the
/// release lacks is not there, and of a service that is not known here nothing is.
///
/// Recorded: `snap services microovn` on members with each combination. `refresh-expiring-certs` is started by a
/// timer and so is enabled but not running; `bird` runs only where BGP is enabled, which no init option does.
pub fn planned_services<'a>(
    release: &'a Release,
    services: &BTreeSet<Service>,
) -> BTreeMap<&'a str, (Startup, Activity)> {
    let running =
        |runs| if runs { (Startup::Enabled, Activity::Active) } else { (Startup::Disabled, Activity::Inactive) };
    let central = services.contains(&Service::Central);
    let state = |name: &str| match name {
        "bird" => Some(running(services.contains(&Service::Bgp))),
        "chassis" => Some(running(services.contains(&Service::Chassis))),
        "daemon" => Some(running(true)),
        // 22.03 still has the one service that was all three of a central member before: it enables them, and not itself.
        "central" => Some(running(false)),
        "ovn-northd" | "ovn-ovsdb-server-nb" | "ovn-ovsdb-server-sb" => Some(running(central)),
        "refresh-expiring-certs" => Some((Startup::Enabled, Activity::Inactive)),
        "switch" => Some(running(services.contains(&Service::Switch))),
        _ => None,
    };
    release.services.iter().filter_map(|name| Some((name.as_str(), state(name)?))).collect()
}
