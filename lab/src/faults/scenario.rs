//! The faults to try, and what must find each of them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::trial::Trial;
use testkit::cli::Failure;

/// The list of scenarios, a TOML file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fault: Vec<Scenario>,
}

/// One fault of the stand-in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// What the stand-in is told, as in `TESTKIT_FAULTS`.
    pub(super) play: String,
    /// The cell it is tried in.
    #[serde(default = "first_cell")]
    pub(super) cell: String,
    /// The checks that must be red, exactly.
    #[serde(default)]
    pub(super) red: BTreeSet<String>,
    /// Checks that may be red besides, by chance: which of two databases a client reaches, for one.
    #[serde(default)]
    pub(super) may: BTreeSet<String>,
    /// What the error must say when there is to be no cluster.
    pub(super) stops: Option<String>,
    /// Why it is not to be found, for one that is not.
    pub(super) tolerated: Option<String>,
}

fn first_cell() -> String {
    "init_cluster".to_owned()
}

/// How a trial compares with its scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It was found by exactly the checks that should find it, and this is the first thing they say.
    Found { by: BTreeSet<String>, said: String },
    /// There is no cluster, as it should be, and this is what the error says of it.
    Stopped { said: String },
    /// It is not to be found, for this reason, and was not.
    Tolerated { why: String },
    /// Anything else, in words.
    Wrong { why: String },
}

impl Outcome {
    pub(super) fn wrong(why: impl Into<String>) -> Self {
        Self::Wrong { why: why.into() }
    }
}

/// Reads the scenarios.
pub(super) fn read(path: &Path) -> Result<Vec<Scenario>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Usage(format!("failed to read {}: {error}", path.display()));
    parse(&std::fs::read_to_string(path).map_err(|error| failed(&error))?).map_err(|error| failed(&error))
}

fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    for scenario in &file.fault {
        let kinds = [!scenario.red.is_empty(), scenario.stops.is_some(), scenario.tolerated.is_some()];
        if kinds.iter().filter(|kind| **kind).count() != 1 {
            let play = &scenario.play;
            return Err(format!("the fault {play:?} needs exactly one of red, stops and tolerated"));
        }
    }
    Ok(file.fault)
}

impl Scenario {
    /// What is played, in a line.
    pub(super) fn title(&self) -> String {
        self.play.lines().collect::<Vec<_>>().join(", ")
    }

    /// The number of the member that plays it, or the first of several; `None` when all do.
    fn member(&self) -> Option<usize> {
        self.play.split_once(':')?.0.trim().parse().ok()
    }

    /// Compares a trial with what was to come of it.
    pub(super) fn judge(&self, trial: &Trial) -> Outcome {
        if let Some(error) = &trial.error {
            return match &self.stops {
                Some(text) if error.contains(text) => {
                    let line = error.lines().find(|line| line.contains(text)).unwrap_or_default();
                    Outcome::Stopped { said: line.trim().to_owned() }
                }
                Some(text) => Outcome::wrong(format!("the error does not say {text:?}: {error}")),
                None => Outcome::wrong(format!("no cluster was formed: {error}")),
            };
        }
        let failed = trial.verdicts.iter().filter(|verdict| !verdict.passed());
        let red: BTreeSet<String> = failed.clone().map(|verdict| verdict.check.clone()).collect();
        if let Some(text) = &self.stops {
            return Outcome::wrong(format!("a cluster was formed, where an error was to say {text:?}; red: {red:?}"));
        }
        let allowed = &self.red | &self.may;
        if !red.is_superset(&self.red) || !red.is_subset(&allowed) {
            return Outcome::wrong(format!("red: {}; wanted: {}", list(&red), list(&self.red)));
        }
        if let Some(why) = &self.tolerated {
            return Outcome::Tolerated { why: why.clone() };
        }
        let differences: Vec<_> = failed.flat_map(|verdict| &verdict.differences).collect();
        // The member that plays the fault, or any where all do.
        let ending = self.member().map(|number| format!("-{number}")).unwrap_or_default();
        let named = |text: &str| text.split_whitespace().any(|word| word.ends_with(&ending));
        match differences.iter().find(|one| named(&one.member) || named(&one.column) || named(&one.wanted)) {
            Some(difference) => Outcome::Found { by: red, said: difference.to_string() },
            None => Outcome::wrong(format!("found by {}, and none of them names the member", list(&red))),
        }
    }
}

/// These names in a line.
pub(super) fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::expect::Verdict;

    fn scenario(red: &[&str], stops: Option<&str>) -> Scenario {
        Scenario {
            play: "2:encap-other".to_owned(),
            cell: first_cell(),
            red: red.iter().map(|name| (*name).to_owned()).collect(),
            may: BTreeSet::new(),
            stops: stops.map(str::to_owned),
            tolerated: None,
        }
    }

    fn trial(error: Option<&str>, red: &[(&str, &str)]) -> Trial {
        let verdict = |(check, member): &(&str, &str)| {
            let mut verdict = Verdict::builder(*check);
            verdict.compare(member, "Encap", "ip", "a", "b");
            verdict.finish()
        };
        Trial { seconds: 1.0, error: error.map(str::to_owned), verdicts: red.iter().map(verdict).collect() }
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused_as_declared() {
        let entries = crate::entry::below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"));
        let problem = |entry: &crate::entry::Entry| match parse(&String::from_utf8(entry.bytes()).expect("text")) {
            Ok(_) => Some("is accepted".to_owned()),
            Err(said) => entry.judge(&said),
        };
        let wrong: Vec<_> = entries.iter().filter_map(|entry| Some(format!("{entry}: {}", problem(entry)?))).collect();
        assert!(entries.len() > 5 && wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    #[test]
    fn the_list_of_the_suites_can_be_used() {
        assert!(!read(Path::new(super::super::LIST)).expect("a list").is_empty());
    }

    #[test]
    fn a_fault_is_found_by_exactly_its_checks_with_the_member_named() {
        let wanted = scenario(&["sb_encap"], None);
        let found = wanted.judge(&trial(None, &[("sb_encap", "node-2")]));
        assert!(matches!(found, Outcome::Found { by, .. } if by == ["sb_encap".to_owned()].into()));
        for other in [
            trial(None, &[]),
            trial(None, &[("sb_encap", "node-1")]),
            trial(None, &[("tunnels", "node-2")]),
            trial(None, &[("sb_encap", "node-2"), ("tunnels", "node-2")]),
            trial(Some("rain"), &[]),
        ] {
            assert!(matches!(wanted.judge(&other), Outcome::Wrong { .. }), "{other:?}");
        }
    }

    #[test]
    fn what_may_be_red_need_not_be() {
        let may = ["tunnels".to_owned()].into();
        let wanted = Scenario { may, ..scenario(&["sb_encap"], None) };
        for red in [&[("sb_encap", "node-2")][..], &[("sb_encap", "node-2"), ("tunnels", "node-2")]] {
            assert!(matches!(wanted.judge(&trial(None, red)), Outcome::Found { .. }), "{red:?}");
        }
        assert!(matches!(wanted.judge(&trial(None, &[("tunnels", "node-2")])), Outcome::Wrong { .. }));
    }

    #[test]
    fn a_fault_that_stops_the_forming_is_found_by_its_text() {
        let wanted = scenario(&[], Some("no option answers"));
        assert!(matches!(wanted.judge(&trial(Some("x\n  no option answers y"), &[])), Outcome::Stopped { .. }));
        for other in [trial(Some("rain"), &[]), trial(None, &[]), trial(None, &[("tunnels", "node-2")])] {
            assert!(matches!(wanted.judge(&other), Outcome::Wrong { .. }), "{other:?}");
        }
    }
}
