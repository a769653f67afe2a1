//! The logical networks of the Southbound: table Datapath_Binding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ParseError;
use super::ovsdb::parse_exactly;

/// The key of every logical switch and router, by its name: what is in the VNI of its packets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Datapaths(BTreeMap<String, u32>);

impl Datapaths {
    /// Reads what the command prints: one document, with `external_ids` and `tunnel_key`.
    ///
    /// # Errors
    /// When a column is missing or of another form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let [rows] = parse_exactly(text)?;
        rows.require(&["external_ids", "tunnel_key"])?;
        let mut keys = BTreeMap::new();
        for row in rows.rows() {
            if let Some(name) = row.get_map("external_ids")?.remove("name") {
                keys.insert(name, row.get_integer("tunnel_key")?);
            }
        }
        Ok(Self(keys))
    }

    /// The key of the network of this name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_known_by_the_name_that_it_has_in_the_northbound() {
        let text = r#"{"data":[[["map",[["logical-switch","61b"],["name","red"]]],2],[["map",[]],7]],"headings":["external_ids","tunnel_key"]}"#;
        let datapaths = Datapaths::parse(text).expect("a table");
        assert_eq!((datapaths.find("red"), datapaths.find("blue")), (Some(2), None));
        assert!(Datapaths::parse(&text.replace("2],", "\"x\"],")).is_err());
    }
}
