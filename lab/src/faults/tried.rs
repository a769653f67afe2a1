//! What came of trying faults, for people and for programs.

use comfy_table::Table;
use serde::Serialize;

use super::scenario::{Outcome, Scenario, list};
use crate::paper::Paper;

/// Everything that was tried.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    /// In the order of the list of faults.
    pub(super) faults: Vec<Fault>,
    pub(super) clean: Clean,
}

/// One fault, and what came of it.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    /// What the stand-in was told, as in `TESTKIT_FAULTS`.
    #[serde(rename = "fault")]
    pub(super) play: String,
    /// The cell it was tried in, where it was in no journey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cell: Option<String>,
    /// The journey it was tried in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) journey: Option<String>,
    /// The station of the journey at which it was to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

impl Fault {
    /// What came of a scenario.
    pub(super) fn of(scenario: &Scenario, outcome: Outcome) -> Self {
        let (journey, at) = (scenario.journey.clone(), scenario.at.clone());
        let cell = journey.is_none().then(|| scenario.cell.clone());
        Self { play: scenario.title(), cell, journey, at, outcome }
    }

    /// Where it was tried, in a word.
    fn place(&self) -> String {
        match (&self.journey, &self.at) {
            (Some(journey), Some(at)) => format!("{journey}::{at}"),
            _ => self.cell.clone().unwrap_or_default(),
        }
    }
}

/// Clusters that were formed, and journeys that were played, without faults.
#[derive(Debug, Serialize)]
pub(super) struct Clean {
    /// How many were tried.
    pub(super) clusters: usize,
    /// Those of them that no check was red on.
    pub(super) green: usize,
    /// How many journeys were played.
    pub(super) plays: usize,
    /// Those of them whose every station was green.
    pub(super) green_plays: usize,
}

impl Tried {
    /// Whether every fault was found as it should be, and nothing where there is none.
    pub(super) fn is_good(&self) -> bool {
        let Clean { clusters, green, plays, green_plays } = self.clean;
        (green, green_plays) == (clusters, plays)
            && !self.faults.iter().any(|fault| matches!(fault.outcome, Outcome::Wrong { .. }))
    }

    pub(super) fn paper(&self) -> Paper {
        let mut paper = Paper::default();
        paper.table(self.table());
        paper.text(self.summary());
        paper
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.set_header(["fault", "cell or station", "found by", "in the words of the first"]);
        for fault in &self.faults {
            let (by, said) = match &fault.outcome {
                // The mark of what one check alone stands against.
                Outcome::Found { by, said } if by.len() == 1 => (format!("{} (only)", list(by)), said),
                Outcome::Found { by, said } => (list(by), said),
                Outcome::Stopped { said } => ("provisioning".to_owned(), said),
                Outcome::Tolerated { why } => ("nobody, on purpose".to_owned(), why),
                Outcome::Wrong { why } => ("NOT AS WANTED".to_owned(), why),
            };
            let said = said.replace(['|', '\n'], " ");
            table.add_row([format!("`{}`", fault.play), fault.place(), by, said]);
        }
        table
    }

    fn summary(&self) -> String {
        let count = |wanted: fn(&Outcome) -> bool| self.faults.iter().filter(|fault| wanted(&fault.outcome)).count();
        let mut text = format!(
            "{} faults: {} found by exactly the checks that should find them, {} tolerated on purpose, {} not as wanted.",
            self.faults.len(),
            count(|outcome| matches!(outcome, Outcome::Found { .. } | Outcome::Stopped { .. })),
            count(|outcome| matches!(outcome, Outcome::Tolerated { .. })),
            count(|outcome| matches!(outcome, Outcome::Wrong { .. })),
        );
        let Clean { clusters, green, plays, green_plays } = self.clean;
        if clusters > 0 {
            text.push_str(&format!(" {clusters} clusters without faults: {green} green."));
        }
        if plays > 0 {
            text.push_str(&format!(" {plays} journeys without faults: {green_plays} green."));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn fault(play: &str, outcome: Outcome) -> Fault {
        Fault { play: play.to_owned(), cell: Some("init_cluster".to_owned()), journey: None, at: None, outcome }
    }

    fn found(by: &[&str]) -> Outcome {
        Outcome::Found { by: by.iter().map(|name| (*name).to_owned()).collect(), said: "a | b".to_owned() }
    }

    fn tried() -> Tried {
        let mut on_a_journey = fault("2:reissue-ignored", found(&["certificates_since"]));
        (on_a_journey.cell, on_a_journey.journey) = (None, Some("tls".to_owned()));
        on_a_journey.at = Some("s1_reissue".to_owned());
        let faults = vec![
            on_a_journey,
            fault("2:encap-other", found(&["tunnels", "sb_encap"])),
            fault("raft-alone", found(&["sb_clustered"])),
            fault("extra-question", Outcome::Stopped { said: "no option answers".to_owned() }),
            fault("slow", Outcome::Tolerated { why: "nobody waits for it".to_owned() }),
            fault("1:late", Outcome::wrong("red: none; wanted: tunnels")),
        ];
        Tried { faults, clean: Clean { clusters: 3, green: 2, plays: 2, green_plays: 2 } }
    }

    #[test]
    fn programs_get_every_fault_with_what_came_of_it() {
        expect![[r#"
            {
              "faults": [
                {
                  "fault": "2:reissue-ignored",
                  "journey": "tls",
                  "at": "s1_reissue",
                  "outcome": "found",
                  "by": [
                    "certificates_since"
                  ],
                  "said": "a | b"
                },
                {
                  "fault": "2:encap-other",
                  "cell": "init_cluster",
                  "outcome": "found",
                  "by": [
                    "sb_encap",
                    "tunnels"
                  ],
                  "said": "a | b"
                },
                {
                  "fault": "raft-alone",
                  "cell": "init_cluster",
                  "outcome": "found",
                  "by": [
                    "sb_clustered"
                  ],
                  "said": "a | b"
                },
                {
                  "fault": "extra-question",
                  "cell": "init_cluster",
                  "outcome": "stopped",
                  "said": "no option answers"
                },
                {
                  "fault": "slow",
                  "cell": "init_cluster",
                  "outcome": "tolerated",
                  "why": "nobody waits for it"
                },
                {
                  "fault": "1:late",
                  "cell": "init_cluster",
                  "outcome": "wrong",
                  "why": "red: none; wanted: tunnels"
                }
              ],
              "clean": {
                "clusters": 3,
                "green": 2,
                "plays": 2,
                "green_plays": 2
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&tried()).expect("JSON"));
    }

    #[test]
    fn people_get_a_row_a_fault_with_the_mark_of_the_only_check() {
        let (table, summary) = (tried().table().to_string(), tried().summary());
        let by = |row: &str| table.lines().any(|line| line.contains(row));
        for row in [
            "tls::s1_reissue",
            "sb_encap, tunnels ",
            "sb_clustered (only)",
            "provisioning ",
            "nobody, on purpose",
            "NOT AS WANTED",
        ] {
            assert!(by(row), "{row} in {table}");
        }
        assert!(!table.contains("a | b"), "{table}");
        assert_eq!(
            summary,
            "6 faults: 4 found by exactly the checks that should find them, 1 tolerated on purpose, 1 not as wanted. \
             3 clusters without faults: 2 green. 2 journeys without faults: 2 green."
        );
    }

    #[test]
    fn only_what_was_wrong_makes_it_fail() {
        let mut tried = tried();
        tried.clean.green = 3;
        assert!(!tried.is_good());
        tried.faults.pop();
        assert!(tried.is_good());
        tried.clean.green = 2;
        assert!(!tried.is_good());
        (tried.clean.green, tried.clean.green_plays) = (3, 1);
        assert!(!tried.is_good());
    }
}
