//! The connections of the snap, as snapd lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ovn::{ParseError, Problem};

const WHAT: &str = "snapd's connections";
const SNAP: &str = "microovn";

/// What is connected to the snap's plugs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plugs(BTreeMap<String, Option<String>>);

impl Plugs {
    /// Reads what snapd answers to `GET /v2/connections` (snapd's REST API). What is of another snap's plugs is passed over.
    ///
    /// # Errors
    /// When it is of another form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let answer: Answer = serde_json::from_str(text)
            .map_err(|error| ParseError::new(WHAT, Problem::Json(error.to_string()), text))?;
        let Connections { established, plugs } = answer.result;
        let mut all: BTreeMap<_, _> = plugs.into_iter().map(|plug| (plug, None)).collect();
        all.extend(established.into_iter().map(|connection| (connection.plug, Some(connection.slot.shown()))));
        Ok(Self(all.into_iter().filter(|(plug, _)| plug.snap == SNAP).map(|(plug, slot)| (plug.name, slot)).collect()))
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

#[derive(Deserialize)]
struct Answer {
    result: Connections,
}

#[derive(Deserialize)]
struct Connections {
    established: Vec<Connection>,
    plugs: Vec<End>,
}

#[derive(Deserialize)]
struct Connection {
    plug: End,
    slot: End,
}

/// A plug or a slot of a snap.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    snap: String,
    #[serde(alias = "plug", alias = "slot")]
    name: String,
}

impl End {
    /// As `snap connections` shows it, without the name of the snap that is the system.
    fn shown(&self) -> String {
        let snap = if matches!(self.snap.as_str(), "core" | "snapd" | "system") { "" } else { &self.snap };
        format!("{snap}:{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugs_are_those_of_the_snap_with_what_they_are_connected_to() {
        // Recorded of snapd 2.57, shortened, and with a snap beside it.
        let text = r#"{"type":"sync","status-code":200,"status":"OK","result":{"established":[
            {"slot":{"snap":"snapd","slot":"network"},"plug":{"snap":"microovn","plug":"network"},"interface":"network"},
            {"slot":{"snap":"frr","slot":"logs"},"plug":{"snap":"microovn","plug":"frr-logs"},"interface":"content","manual":true},
            {"slot":{"snap":"microovn","slot":"ovn-env"},"plug":{"snap":"other","plug":"x"},"interface":"content"}],
            "plugs":[{"snap":"microovn","plug":"network","interface":"network","apps":["daemon"],"connections":[]},
            {"snap":"microovn","plug":"frr-logs","interface":"content"},{"snap":"microovn","plug":"trace","interface":"t"}],
            "slots":[{"snap":"microovn","slot":"ovn-env","interface":"content"}]}}"#;
        let plugs = Plugs::parse(text).expect("an answer");
        assert_eq!(plugs.names().collect::<Vec<_>>(), ["frr-logs", "network", "trace"]);
        assert_eq!(plugs.find("network"), Some(Some(":network")));
        assert_eq!(plugs.find("frr-logs"), Some(Some("frr:logs")));
        assert_eq!(plugs.find("trace"), Some(None));
        assert_eq!(plugs.find("ovn-env"), None);
    }

    #[test]
    fn what_is_no_answer_about_connections_is_an_error() {
        let error = r#"{"type":"error","status-code":404,"status":"Not Found","result":{"message":"snap not found"}}"#;
        for wrong in
            ["", "[]", error, r#"{"result":{"established":[]}}"#, r#"{"result":{"established":[],"plugs":[{}]}}"#]
        {
            assert!(Plugs::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
