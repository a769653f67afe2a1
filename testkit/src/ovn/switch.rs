//! The local switch: tables Open_vSwitch, Interface and Bridge of one member.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ParseError;
use super::ovsdb::parse_exactly;

/// What one member's local database says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The one row of table Open_vSwitch.
    pub open_vswitch: OpenVSwitch,
    /// Table Interface.
    pub interfaces: Vec<Interface>,
    /// Table Bridge.
    #[serde(default)]
    pub bridges: Vec<Bridge>,
}

/// The row of table Open_vSwitch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVSwitch {
    /// `ovn-encap-ip`, `ovn-encap-type`, `ovn-remote`, `system-id` and others.
    pub external_ids: BTreeMap<String, String>,
}

/// A row of table Interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// `ovn-real-2-0`
    pub name: String,
    /// Column `type`: `geneve`, `internal`, or empty for a system device.
    pub kind: String,
    /// `remote_ip`, `csum`, `key` of a tunnel.
    pub options: BTreeMap<String, String>,
}

/// A row of table Bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// `br-int`
    pub name: String,
    /// `netdev`, or empty or `system` for the kernel's.
    pub datapath_type: String,
    /// Which datapath it has; `None` where Open vSwitch could not give it one.
    pub datapath_id: Option<String>,
}

impl Switch {
    /// Reads the documents of the switch command: Open_vSwitch's `external_ids`, Interface's `name`, `type` and
    /// `options`, Bridge's `name`, `datapath_type` and `datapath_id`.
    ///
    /// # Errors
    /// When there are not three documents, Open_vSwitch has not one row, or a column is missing or of another form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let [roots, interfaces, bridges] = parse_exactly(text)?;
        roots.require(&["external_ids"])?;
        interfaces.require(&["name", "type", "options"])?;
        bridges.require(&["name", "datapath_type", "datapath_id"])?;
        let mut rows = roots.rows();
        let open_vswitch = match (rows.next(), rows.next()) {
            (Some(row), None) => OpenVSwitch { external_ids: row.get_map("external_ids")? },
            _ => return Err(ParseError::expected("table Open_vSwitch", "one row", text)),
        };
        let interfaces = interfaces
            .rows()
            .map(|row| {
                Ok(Interface {
                    name: row.get_text("name")?,
                    kind: row.get_text("type")?,
                    options: row.get_map("options")?,
                })
            })
            .collect::<Result<_, ParseError>>()?;
        let bridges = bridges
            .rows()
            .map(|row| {
                Ok(Bridge {
                    name: row.get_text("name")?,
                    datapath_type: row.get_text("datapath_type")?,
                    datapath_id: row.find_text("datapath_id")?,
                })
            })
            .collect::<Result<_, ParseError>>()?;
        Ok(Self { open_vswitch, interfaces, bridges })
    }
}
