//! The databases ovn-northd was started with, from its argv.

use serde::{Deserialize, Serialize};

use super::Daemon;
use crate::ovn::ParseError;
use crate::plan::Process;

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
    /// That of the one among these daemons.
    ///
    /// # Errors
    /// When not exactly one ovn-northd runs, or an option is missing or given twice.
    pub fn find(daemons: &[Daemon]) -> Result<Self, ParseError> {
        let mut all = daemons.iter().filter(|daemon| daemon.process() == Some(Process::Northd));
        let (Some(northd), None) = (all.next(), all.next()) else {
            let programs: Vec<&str> = daemons.iter().map(|daemon| daemon.program.as_str()).collect();
            return Err(ParseError::expected(WHAT, "one running ovn-northd", &programs.join(", ")));
        };
        Ok(Self { northbound: option(northd, "ovnnb-db")?, southbound: option(northd, "ovnsb-db")? })
    }
}

fn option(northd: &Daemon, name: &str) -> Result<String, ParseError> {
    let line = northd.argv.join(" ");
    match &northd.arguments().values(name)[..] {
        [] => Err(ParseError::missing(WHAT, format!("--{name}"), &line)),
        [value] if value.is_empty() => Err(ParseError::missing(WHAT, format!("the value of --{name}"), &line)),
        [value] => Ok(value.clone()),
        _ => Err(ParseError::duplicate(WHAT, format!("--{name}"), &line)),
    }
}
