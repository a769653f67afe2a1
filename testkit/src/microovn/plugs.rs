//! `snap connections microovn`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ovn::ParseError;

const WHAT: &str = "snap connections";

/// What is connected to the snap's plugs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plugs(BTreeMap<String, Option<String>>);

impl Plugs {
    /// Reads the table; snap offers no other format. Lines without a plug of the snap are those of its slots.
    ///
    /// # Errors
    /// When the header is another one, a line has not four columns, or a plug of the snap is listed twice with nothing
    /// connected.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let header: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        if header != ["Interface", "Plug", "Slot", "Notes"] {
            return Err(ParseError::expected(WHAT, "the header Interface, Plug, Slot, Notes", text));
        }
        let mut plugs = BTreeMap::new();
        for line in lines {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_interface, plug, slot, _notes @ ..] = columns.as_slice() else {
                return Err(ParseError::expected(WHAT, "interface, plug, slot and notes", line));
            };
            let Some(plug) = plug.strip_prefix("microovn:") else { continue };
            let slot = (*slot != "-").then(|| (*slot).to_owned());
            // A plug may be connected to several slots, each in a line of its own.
            match plugs.insert(plug.to_owned(), slot.clone()) {
                Some(before) if before.is_none() || slot.is_none() => {
                    return Err(ParseError::duplicate(WHAT, format!("plug {plug:?}"), text));
                }
                _ => {}
            }
        }
        Ok(Self(plugs))
    }

    /// The slot that a plug is connected to, `None` for none; the outer `None` where snapd knows no such plug.
    pub fn find(&self, plug: &str) -> Option<Option<&str>> {
        self.0.get(plug).map(Option::as_deref)
    }

    /// Disconnects a plug, or connects it to a slot, in what was read.
    pub fn set(&mut self, plug: &str, slot: Option<&str>) {
        self.0.insert(plug.to_owned(), slot.map(str::to_owned));
    }

    /// The names of all plugs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Interface  Plug  Slot  Notes\n";

    #[test]
    fn plugs_are_those_of_the_snap_with_what_they_are_connected_to() {
        let rows = "content           -                  microovn:ovn-env   -\n\
                    content[x]        other:x            microovn:ovn-env   manual\n\
                    content[logs]     microovn:frr-logs  frr:logs           -\n\
                    content[logs]     microovn:frr-logs  frr:more           -\n\
                    network           microovn:network   :network           -\n\
                    system-trace      microovn:trace     -                  -\n";
        let plugs = Plugs::parse(&format!("{HEADER}{rows}")).expect("a table");
        assert_eq!(plugs.names().collect::<Vec<_>>(), ["frr-logs", "network", "trace"]);
        assert_eq!(plugs.find("network"), Some(Some(":network")));
        assert_eq!(plugs.find("trace"), Some(None));
        assert_eq!(plugs.find("ovn-env"), None);
    }

    #[test]
    fn what_is_no_table_of_connections_is_an_error() {
        for text in ["", "error: snap \"microovn\" not found", "Interface Plug\n"] {
            assert!(Plugs::parse(text).is_err(), "{text:?}");
        }
        for row in ["network microovn:network", "a microovn:a - -\nb microovn:a :b -"] {
            assert!(Plugs::parse(&format!("{HEADER}{row}\n")).is_err(), "{row:?}");
        }
    }
}
