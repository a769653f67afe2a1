//! The logical networks of the Southbound: tables Datapath_Binding and Port_Binding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ParseError;
use super::ovsdb::parse_exactly;

/// What logical networks are bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bindings {
    /// The key of every logical switch and router, by its name: what is in the VNI of its packets.
    keys: BTreeMap<String, u32>,
    /// The identity of the Chassis row that has the gateway of a router, by the port that stands for it; nobody may have it.
    gateways: BTreeMap<String, Option<String>>,
}

impl Bindings {
    /// Reads what the command prints: a document with `external_ids` and `tunnel_key`, and one with `logical_port` and `chassis`.
    ///
    /// # Errors
    /// When a column is missing or of another form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let [networks, ports] = parse_exactly(text)?;
        networks.require(&["external_ids", "tunnel_key"])?;
        ports.require(&["logical_port", "chassis"])?;
        let mut bindings = Self::default();
        for row in networks.rows() {
            if let Some(name) = row.get_map("external_ids")?.remove("name") {
                bindings.keys.insert(name, row.get_integer("tunnel_key")?);
            }
        }
        for row in ports.rows() {
            bindings.gateways.insert(row.get_text("logical_port")?, row.get_uuids("chassis")?.pop());
        }
        Ok(bindings)
    }

    /// The key of the network of this name.
    pub fn find_key(&self, name: &str) -> Option<u32> {
        self.keys.get(name).copied()
    }

    /// The identity of the Chassis row that a gateway is bound to; `None` where there is no such port, or nobody has it.
    pub fn find_gateway(&self, port: &str) -> Option<&str> {
        self.gateways.get(port)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORKS: &str = r#"{"data":[[["map",[["logical-switch","61b"],["name","red"]]],2],[["map",[]],7]],"headings":["external_ids","tunnel_key"]}"#;

    #[test]
    fn a_network_is_known_by_the_name_that_it_has_in_the_northbound() {
        let text = format!(r#"{NETWORKS}{{"data":[],"headings":["logical_port","chassis"]}}"#);
        let bindings = Bindings::parse(&text).expect("two tables");
        assert_eq!((bindings.find_key("red"), bindings.find_key("blue")), (Some(2), None));
        assert!(Bindings::parse(&text.replace("2],", "\"x\"],")).is_err());
    }

    #[test]
    fn a_gateway_is_bound_to_a_chassis_or_to_none() {
        let ports = r#"{"data":[["cr-a",["uuid","3f7e9e8b-62b6-4bb1-a2d2-0c9d4ec0a6b5"]],["cr-b",["set",[]]]],"headings":["logical_port","chassis"]}"#;
        let bindings = Bindings::parse(&format!("{NETWORKS}\n{ports}\n")).expect("two tables");
        assert_eq!(bindings.find_gateway("cr-a"), Some("3f7e9e8b-62b6-4bb1-a2d2-0c9d4ec0a6b5"));
        assert_eq!((bindings.find_gateway("cr-b"), bindings.find_gateway("cr-c")), (None, None));
    }
}
