//! The faults to try, and what must find each of them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::trial::{Trial, number};
use testkit::cli::{Catalogue, Cells, Failure, nearest};
use testkit::config::Faults;
use testkit::expect::Verdict;
use testkit::{cluster, written};

/// The list of scenarios, a TOML file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fault: Vec<Spanned<Scenario>>,
}

/// One fault of the stand-in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// What the stand-in is told, as in `TESTKIT_FAULTS`.
    pub(super) play: String,
    /// The cell it is tried in, where it is in no journey.
    #[serde(default = "first_cell")]
    pub(super) cell: String,
    /// The journey it is tried in.
    pub(super) journey: Option<String>,
    /// The station of the journey at which it must be found: `s2_remove_member_3`. All before are green.
    pub(super) at: Option<String>,
    /// The checks that must be red, exactly.
    #[serde(default)]
    pub(super) red: BTreeSet<String>,
    /// Checks that may be red besides, by chance: which of two databases a client reaches, for one.
    #[serde(default)]
    pub(super) may: BTreeSet<String>,
    /// The number of the member that it shows at, where that is another than plays it.
    pub(super) shows: Option<usize>,
    /// What the error must say when there is to be no cluster; of a journey, when the station is not to be reached.
    pub(super) stops: Option<String>,
    /// Why it is not to be found, for one that is not.
    pub(super) tolerated: Option<String>,
    /// Whether members send each other packets.
    #[serde(default)]
    pub(super) traffic: bool,
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

/// Reads the scenarios. What names something that there is not is refused before anything is tried.
pub(super) fn read(path: &Path, catalogue: &Catalogue) -> Result<Vec<Scenario>, Failure> {
    let text = written::read(path)
        .map_err(|error| Failure::Usage(format!("failed to read {}\n  caused by: {error}", path.display())))?;
    find_all(&text, catalogue).map_err(|problem| Failure::Usage(format!("{}:{problem}", path.display())))
}

/// The scenarios of a list. An error begins with its line.
fn find_all(text: &str, catalogue: &Catalogue) -> Result<Vec<Scenario>, String> {
    let scenarios = parse(text)?;
    let cells = Cells::of(catalogue).map_err(told)?;
    // What is watched while a step is taken is judged like a check.
    let all: Vec<&str> = cluster::checks().map(|check| check.name).chain(["watch"]).collect();
    for (line, scenario) in &scenarios {
        let failed = |problem: String| format!("{line}: the fault {:?}: {problem}", scenario.play);
        scenario.play.parse::<Faults>().map_err(|error| failed(error.to_string()))?;
        if let Some(check) = scenario.red.union(&scenario.may).find(|check| !all.contains(&check.as_str())) {
            return Err(failed(format!("there is no check {check:?}; {}", nearest(check, all.iter().copied()))));
        }
        let (Some(name), Some(at)) = (&scenario.journey, &scenario.at) else {
            cells.find(&scenario.cell).map_err(|failure| failed(told(failure)))?;
            continue;
        };
        let names = || catalogue.journeys.iter().map(|journey| journey.name);
        let journey = catalogue.journeys.iter().find(|journey| journey.name == name);
        let unknown = || failed(format!("there is no journey {name:?}; {}", nearest(name, names())));
        number(catalogue, journey.ok_or_else(unknown)?, at).map_err(|failure| failed(told(failure)))?;
    }
    Ok(scenarios.into_iter().map(|(_, scenario)| scenario).collect())
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::Usage(said) | Failure::Provisioning(said) => said,
        Failure::Checks => "a check failed".to_owned(),
    }
}

/// The scenarios as they are written, each with its line. An error begins with its line.
fn parse(text: &str) -> Result<Vec<(usize, Scenario)>, String> {
    let line = |span: Range<usize>| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
    let file: File = toml::from_str(text)
        .map_err(|error| format!("{}: {}", line(error.span().unwrap_or(0..0)), written::problem(&error)))?;
    let read = |scenario: Spanned<Scenario>| {
        let line = line(scenario.span());
        let scenario = scenario.into_inner();
        let problem = scenario.problem().map(|problem| format!("{line}: the fault {:?} {problem}", scenario.play));
        problem.map_or(Ok((line, scenario)), Err)
    };
    file.fault.into_iter().map(read).collect()
}

impl Scenario {
    /// What of it cannot be meant.
    fn problem(&self) -> Option<&'static str> {
        let kinds = [!self.red.is_empty(), self.stops.is_some(), self.tolerated.is_some()];
        let is_empty = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        if self.play.trim().is_empty() {
            return Some("plays nothing; say what the stand-in is told");
        }
        if self.journey.is_some() != self.at.is_some() {
            return Some("needs both of journey and at, or neither");
        }
        if kinds.iter().filter(|kind| **kind).count() != 1 {
            return Some("needs exactly one of red, stops and tolerated");
        }
        if is_empty(&self.stops) {
            return Some("stops with an error that may say anything; give a part of it that no other has");
        }
        is_empty(&self.tolerated).then_some("is tolerated without a reason; say why it is not to be found")
    }

    /// What is played, in a line.
    pub(super) fn title(&self) -> String {
        self.play.lines().collect::<Vec<_>>().join(", ")
    }

    /// Whether what is played, or the journey that it is tried in, contains this.
    pub(super) fn is_called(&self, text: &str) -> bool {
        self.play.contains(text) || self.journey.as_ref().is_some_and(|journey| journey.contains(text))
    }

    /// Where it is tried: the cell, or the journey and the station.
    pub(super) fn place(&self) -> String {
        match (&self.journey, &self.at) {
            (Some(journey), Some(at)) => format!("{journey}::{at}"),
            _ => self.cell.clone(),
        }
    }

    /// What is formed or played for it: a cell or a journey.
    pub(super) fn subject(&self) -> &str {
        self.journey.as_ref().unwrap_or(&self.cell)
    }

    /// The number of the member that it shows at, or the first of several; `None` when all play it.
    fn member(&self) -> Option<usize> {
        self.shows.or_else(|| self.play.split_once(':')?.0.trim().parse().ok())
    }

    /// How a journey did not end at the station where it should, if it did not.
    fn judge_place(&self, trial: &Trial) -> Option<String> {
        let wanted = self.at.as_ref().filter(|_| self.tolerated.is_none());
        if self.journey.is_none() || trial.at.as_ref() == wanted {
            return None;
        }
        let Some(at) = &trial.at else {
            let why = trial.error.as_deref();
            return Some(
                why.map_or_else(|| "every station is green".to_owned(), |why| format!("no cluster was formed: {why}")),
            );
        };
        let red: BTreeSet<String> = failed(trial).map(|verdict| verdict.check.clone()).collect();
        let why = trial.error.clone().unwrap_or_else(|| format!("red: {}", list(&red)));
        Some(format!("it ended at {at} already: {why}"))
    }

    /// Compares a trial with what was to come of it.
    pub(super) fn judge(&self, trial: &Trial) -> Outcome {
        if let Some(wrong) = self.judge_place(trial) {
            return Outcome::wrong(wrong);
        }
        if let Some(error) = &trial.error {
            return match &self.stops {
                Some(text) if error.contains(text) => {
                    let line = error.lines().find(|line| line.contains(text)).unwrap_or_default();
                    Outcome::Stopped { said: line.trim().to_owned() }
                }
                Some(text) => Outcome::wrong(format!("the error does not say {text:?}: {error}")),
                None if trial.at.is_some() => Outcome::wrong(format!("the step failed: {error}")),
                None => Outcome::wrong(format!("no cluster was formed: {error}")),
            };
        }
        let failed = failed(trial);
        let red: BTreeSet<String> = failed.clone().map(|verdict| verdict.check.clone()).collect();
        if let Some(text) = &self.stops {
            let what = if self.journey.is_some() { "the station was reached" } else { "a cluster was formed" };
            return Outcome::wrong(format!("{what}, where an error was to say {text:?}; red: {red:?}"));
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

fn failed(trial: &Trial) -> impl Iterator<Item = &Verdict> + Clone {
    trial.verdicts.iter().filter(|verdict| !verdict.passed())
}

/// These names in a line.
pub(super) fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(red: &[&str], stops: Option<&str>) -> Scenario {
        Scenario {
            play: "2:encap-other".to_owned(),
            cell: first_cell(),
            journey: None,
            at: None,
            shows: None,
            red: red.iter().map(|name| (*name).to_owned()).collect(),
            may: BTreeSet::new(),
            stops: stops.map(str::to_owned),
            tolerated: None,
            traffic: false,
        }
    }

    fn trial(error: Option<&str>, red: &[(&str, &str)]) -> Trial {
        let verdict = |(check, member): &(&str, &str)| {
            let mut verdict = Verdict::builder(*check);
            verdict.compare(member, "Encap", "ip", "a", "b");
            verdict.finish()
        };
        Trial { seconds: 1.0, error: error.map(str::to_owned), verdicts: red.iter().map(verdict).collect(), at: None }
    }

    fn on_a_journey(red: &[&str], stops: Option<&str>) -> Scenario {
        let (journey, at) = (Some("downscale".to_owned()), Some("s2_remove_member_3".to_owned()));
        Scenario { journey, at, ..scenario(red, stops) }
    }

    fn ended(at: Option<&str>, error: Option<&str>, red: &[(&str, &str)]) -> Trial {
        Trial { at: at.map(str::to_owned), ..trial(error, red) }
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused_as_declared() {
        let entries = crate::entry::below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"));
        let catalogue = suites::catalogue();
        let find = |text: &str| find_all(text, &catalogue);
        let problem = |entry: &crate::entry::Entry| match find(&String::from_utf8(entry.bytes()).expect("text")) {
            Ok(_) => Some("is accepted".to_owned()),
            Err(said) => entry.judge(&said),
        };
        let wrong: Vec<_> = entries.iter().filter_map(|entry| Some(format!("{entry}: {}", problem(entry)?))).collect();
        assert!(entries.len() > 5 && wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    #[test]
    fn the_list_of_the_suites_can_be_used() {
        assert!(!read(Path::new(super::super::LIST), &suites::catalogue()).expect("a list").is_empty());
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

    #[test]
    fn a_fault_on_a_journey_is_found_by_exactly_its_checks_at_exactly_its_station() {
        let (at, red) = (Some("s2_remove_member_3"), &[("sb_encap", "node-2")][..]);
        let wanted = on_a_journey(&["sb_encap"], None);
        assert!(matches!(wanted.judge(&ended(at, None, red)), Outcome::Found { .. }));
        for other in [
            ended(None, None, &[]),
            ended(Some("s1_remove_member_2"), None, red),
            ended(at, None, &[("tunnels", "node-2")]),
            ended(at, None, &[("sb_encap", "node-3")]),
            ended(at, Some("exit code 1"), &[]),
            ended(None, Some("rain"), &[]),
        ] {
            assert!(matches!(wanted.judge(&other), Outcome::Wrong { .. }), "{other:?}");
        }
        let elsewhere = Scenario { shows: Some(3), ..wanted };
        assert!(matches!(elsewhere.judge(&ended(at, None, &[("sb_encap", "node-3")])), Outcome::Found { .. }));
        assert!(matches!(elsewhere.judge(&ended(at, None, red)), Outcome::Wrong { .. }));
    }

    #[test]
    fn a_fault_that_stops_a_journey_is_found_by_the_text_of_the_act_at_exactly_its_station() {
        let at = Some("s2_remove_member_3");
        let wanted = on_a_journey(&[], Some("exit code 0"));
        let stopped = ended(at, Some("s2: snap: wanted a refusal, seen exit code 0"), &[]);
        assert!(matches!(wanted.judge(&stopped), Outcome::Stopped { .. }));
        for other in [
            ended(at, Some("exit code 1"), &[]),
            ended(Some("s1_remove_member_2"), Some("exit code 0"), &[]),
            ended(at, None, &[("tunnels", "node-2")]),
            ended(None, None, &[]),
            ended(None, Some("exit code 0"), &[]),
        ] {
            assert!(matches!(wanted.judge(&other), Outcome::Wrong { .. }), "{other:?}");
        }
    }

    #[test]
    fn what_is_tolerated_lets_a_journey_go_on() {
        let wanted = Scenario { tolerated: Some("it rains".to_owned()), ..on_a_journey(&[], None) };
        assert!(matches!(wanted.judge(&ended(None, None, &[])), Outcome::Tolerated { .. }));
        let ended = ended(Some("s2_remove_member_3"), None, &[("tunnels", "node-2")]);
        assert!(matches!(wanted.judge(&ended), Outcome::Wrong { .. }));
    }
}
