//! The Southbound database: tables Chassis and Encap.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ovsdb::parse_exactly;
use super::{AddressText, ParseError};

/// The Southbound as one member reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Southbound {
    /// Table Chassis.
    pub chassis: Vec<Chassis>,
    /// Table Encap.
    pub encaps: Vec<Encap>,
}

/// A row of table Chassis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chassis {
    /// The row's identity.
    pub uuid: String,
    /// The chassis name, which MicroOVN makes the member's name.
    pub name: String,
    /// The real host name.
    pub hostname: String,
    /// The Encap rows it refers to.
    pub encaps: Vec<String>,
}

/// A row of table Encap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encap {
    /// The row's identity.
    pub uuid: String,
    /// The chassis it says it belongs to.
    pub chassis_name: String,
    /// The tunnel endpoint, as it was typed.
    pub ip: AddressText,
    /// Column `type`: `geneve`.
    pub kind: String,
    /// `csum=true`
    pub options: BTreeMap<String, String>,
}

impl Southbound {
    /// Reads the two documents of the Southbound command: Chassis, then Encap.
    ///
    /// # Errors
    /// When there are not two documents, or a column is missing or of another form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let [chassis, encaps] = parse_exactly(text)?;
        chassis.require(&["_uuid", "name", "hostname", "encaps"])?;
        encaps.require(&["_uuid", "chassis_name", "ip", "type", "options"])?;
        let chassis = chassis
            .rows()
            .map(|row| {
                Ok(Chassis {
                    uuid: row.get_uuid("_uuid")?,
                    name: row.get_text("name")?,
                    hostname: row.get_text("hostname")?,
                    encaps: row.get_uuids("encaps")?,
                })
            })
            .collect::<Result<_, ParseError>>()?;
        let encaps = encaps
            .rows()
            .map(|row| {
                Ok(Encap {
                    uuid: row.get_uuid("_uuid")?,
                    chassis_name: row.get_text("chassis_name")?,
                    ip: AddressText::new(row.get_text("ip")?),
                    kind: row.get_text("type")?,
                    options: row.get_map("options")?,
                })
            })
            .collect::<Result<_, ParseError>>()?;
        Ok(Self { chassis, encaps })
    }
}
