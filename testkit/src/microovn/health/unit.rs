//! The units of the snap's services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;

const WHAT: &str = "systemctl show";

/// A service as systemd sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `snap.microovn.chassis.service`
    pub name: String,
    /// `active`, `inactive`, `failed`, …
    pub active: String,
    /// `running`, `dead`, `auto-restart`, …
    pub sub: String,
    /// How it ended last: `success`, `exit-code`, `start-limit-hit`, …
    pub result: String,
    /// How often systemd has started it again by itself since somebody started it.
    pub restarts: u32,
}

/// Reads what [`commands::services_table`](crate::microovn::commands::services_table) prints behind its table: the snap's
/// services that have a unit file and those that systemd has loaded, as of `systemctl show`. Timers are passed over.
///
/// # Errors
/// When there is no such part, or a service lacks a property.
pub fn parse_units(text: &str) -> Result<Vec<Unit>, ParseError> {
    let (_, units) = text.split_once("= units\n").ok_or_else(|| ParseError::missing(WHAT, "`= units`", text))?;
    let blocks = units.split("\n\n").filter(|block| !block.trim().is_empty());
    let timer = |block: &&str| block.lines().any(|line| line.starts_with("Id=") && line.ends_with(".timer"));
    // Most are there twice: they have a unit file and are loaded.
    let by_name = blocks.filter(|block| !timer(block)).map(|block| unit(block).map(|unit| (unit.name.clone(), unit)));
    Ok(by_name.collect::<Result<BTreeMap<_, _>, _>>()?.into_values().collect())
}

fn unit(block: &str) -> Result<Unit, ParseError> {
    let find = |name: &str| {
        let mut values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value.trim().to_owned()),
            (Some(_), Some(_)) => Err(ParseError::duplicate(WHAT, name, block)),
            (None, _) => Err(ParseError::missing(WHAT, name, block)),
        }
    };
    let restarts = find("NRestarts")?;
    Ok(Unit {
        name: find("Id")?,
        active: find("ActiveState")?,
        sub: find("SubState")?,
        result: find("Result")?,
        restarts: restarts.parse().map_err(|_| ParseError::expected(WHAT, "a number of restarts", &restarts))?,
    })
}
