//! Upstream's own suites, and what holds each of their tests here.
//!
//! A file says it ([`file`]); this finds what is named there, so that none of it is a name of nothing.

mod file;
mod page;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::cells::{Cells, checks, nearest, shown_plan};
use super::{Catalogue, Failure};
use crate::journey::Station;
use file::Claim;
pub(super) use page::{in_markdown, in_words, written};

/// The file, as the catalogue hands it over.
#[derive(Debug, Clone)]
pub struct ParityFile {
    /// Its name, for messages: `suites/parity.toml`.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
    /// The page that has its tables.
    pub page: std::path::PathBuf,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct ParityError {
    /// Its name.
    file: String,
    /// The line in it, from 1 on.
    line: usize,
    /// What is wrong there, of which suite and test, and what to do.
    problem: String,
}

/// One of upstream's suites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamSuite {
    /// Its name: that of its file, without `tests/` and `.bats`.
    pub name: String,
    /// Its tests, in order.
    pub tests: Vec<UpstreamTest>,
}

/// One of upstream's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamTest {
    /// The name of the function, with its arguments.
    pub name: String,
    /// What holds it; nothing where that is empty.
    pub held: Vec<Held>,
    /// What of it nothing holds; where nothing holds any of it, why.
    pub lacking: Option<String>,
}

/// What holds a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The cell or the journey.
    pub suite: String,
    /// The station of the journey.
    pub station: Option<String>,
    /// The checks that judge it there, `act` and `watch` among them.
    pub by: Vec<String>,
}

/// Among the checks: what is said of what is done there, which is compared with what is wanted.
const ACT: &str = "act";
/// Among the checks: what is observed while it is done.
const WATCH: &str = "watch";

/// Every suite of upstream's, in the order of the file.
///
/// # Errors
/// When the file is none, or names what there is not.
pub fn parity(catalogue: &Catalogue) -> Result<Vec<UpstreamSuite>, Failure> {
    let cells = Cells::of(catalogue)?;
    let file = &catalogue.parity;
    let claims = file::read(file.name, file.text).map_err(Failure::usage)?;
    let mut known = Known { catalogue, cells: &cells, judges: BTreeMap::new() };
    let mut suites: Vec<UpstreamSuite> = Vec::new();
    for claim in claims {
        let held = known.held(&claim).map_err(|problem| {
            let problem = format!("{} {}: {problem}", claim.suite, claim.test);
            Failure::usage(ParityError { file: file.name.to_owned(), line: claim.line, problem })
        })?;
        let test = UpstreamTest { name: claim.test, held, lacking: claim.lacking };
        match suites.iter_mut().find(|suite| suite.name == claim.suite) {
            Some(suite) => suite.tests.push(test),
            None => suites.push(UpstreamSuite { name: claim.suite, tests: vec![test] }),
        }
    }
    Ok(suites)
}

/// The suite of this name, which may be given as upstream gives it, `tests/tls_cluster.bats`.
///
/// # Errors
/// When there is none; it lists the nearest.
pub(super) fn find(catalogue: &Catalogue, name: &str) -> Result<UpstreamSuite, Failure> {
    let name = name.strip_prefix("tests/").unwrap_or(name);
    let name = name.strip_suffix(".bats").unwrap_or(name);
    let suites = parity(catalogue)?;
    let near = nearest(name, suites.iter().map(|suite| suite.name.as_str()));
    let found = suites.into_iter().find(|suite| suite.name == name);
    found.ok_or_else(|| Failure::Usage(format!("upstream has no suite {name:?}; {near}")))
}

impl UpstreamSuite {
    /// The cells and journeys that hold its tests.
    ///
    /// # Errors
    /// When nothing holds any of them.
    pub(super) fn places(&self) -> Result<Vec<String>, Failure> {
        let places = self.held_in();
        if places.is_empty() {
            let mut reasons: Vec<&str> = self.tests.iter().filter_map(|test| test.lacking.as_deref()).collect();
            reasons.dedup();
            return Err(Failure::Usage(format!("nothing holds upstream's {} here: {}", self.name, reasons.join("; "))));
        }
        Ok(places)
    }

    fn held_in(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for held in self.tests.iter().flat_map(|test| &test.held) {
            if !places.contains(&held.suite) {
                places.push(held.suite.clone());
            }
        }
        places
    }
}

/// How far a test is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Wholly.
    Held,
    /// Not wholly.
    InPart,
    /// Not at all.
    NotHeld,
}

impl UpstreamTest {
    /// How far it is held.
    pub fn extent(&self) -> Extent {
        match (self.held.is_empty(), &self.lacking) {
            (true, _) => Extent::NotHeld,
            (false, Some(_)) => Extent::InPart,
            (false, None) => Extent::Held,
        }
    }

    /// That nothing holds it, or what of it nothing does, in a line; `None` where it is held wholly.
    pub(super) fn lacks(&self) -> Option<String> {
        let not = if self.extent() == Extent::InPart { "not " } else { "" };
        Some(format!("{} {}: {not}{}", self.extent(), self.name, self.lacking.as_deref()?))
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::InPart => "IN PART",
            Self::NotHeld => "NOT HELD",
        })
    }
}

/// Who judges a cell, or a station of a journey.
struct Judges {
    station: Option<Station>,
    names: Vec<String>,
}

/// What can be named, each cell and journey looked up once.
struct Known<'a> {
    catalogue: &'a Catalogue,
    cells: &'a Cells,
    judges: BTreeMap<String, Vec<Judges>>,
}

impl Known<'_> {
    /// Everything that a claim says to hold its test.
    fn held(&mut self, claim: &Claim) -> Result<Vec<Held>, String> {
        let mut held = Vec::new();
        for place in &claim.places {
            if !self.judges.contains_key(place) {
                let judges = self.judges(place)?;
                self.judges.insert(place.clone(), judges);
            }
            for Judges { station, names } in stations(place, &self.judges[place], &claim.at)? {
                if let Some(unknown) = claim.by.iter().find(|check| !names.contains(check)) {
                    let at = station.as_ref().map(|station| format!(" at {}", station.test())).unwrap_or_default();
                    let near = nearest(unknown, names.iter().map(String::as_str));
                    return Err(format!("{unknown:?} does not judge {place}{at}; of what does, {near}"));
                }
                let station = station.as_ref().map(Station::test);
                held.push(Held { suite: place.clone(), station, by: claim.by.clone() });
            }
        }
        Ok(held)
    }

    /// Who judges in a cell or at each station of a journey.
    fn judges(&self, place: &str) -> Result<Vec<Judges>, String> {
        let told = |failure| match failure {
            Failure::Usage(why) | Failure::Provisioning(why) => why,
            Failure::Checks => "it cannot be planned".to_owned(),
        };
        if let Some(journey) = self.cells.find_journey(place) {
            let stations = self.cells.voyage(journey, None).map_err(told)?.stations.unwrap_or_default();
            return Ok(stations.into_iter().map(|it| Judges { names: self.at(&it), station: Some(it) }).collect());
        }
        let cell = self.cells.find_or_suggest(place).map_err(told)?;
        let plan = shown_plan(self.catalogue, &cell);
        let names = checks(&plan).map(|check| check.name.to_owned()).collect();
        Ok(vec![Judges { station: None, names }])
    }

    fn at(&self, station: &Station) -> Vec<String> {
        let checks = super::cells::checks_of(std::iter::once(&station.state));
        let acts = (!station.acts.is_empty()).then_some(ACT);
        let watches = (!station.watches.is_empty()).then_some(WATCH);
        checks.map(|check| check.name).chain(acts).chain(watches).map(str::to_owned).collect()
    }
}

/// The stations that are named: by the whole name, or by their words, of which there may be several.
fn stations<'a>(place: &str, all: &'a [Judges], named: &[String]) -> Result<Vec<&'a Judges>, String> {
    if let [Judges { station: None, .. }] = all {
        return match named {
            [] => Ok(all.iter().collect()),
            [name, ..] => Err(format!("{place} is a cell, so it has no station {name:?}")),
        };
    }
    if named.is_empty() {
        return Err(format!("{place} is a journey; say `at` which of its stations"));
    }
    let mut found = Vec::new();
    for name in named {
        let is = |station: &Station| station.words == *name || station.test() == *name;
        let before = found.len();
        found.extend(all.iter().filter(|it| it.station.as_ref().is_some_and(is)));
        if found.len() == before {
            let tests: Vec<String> = all.iter().filter_map(|it| Some(it.station.as_ref()?.test())).collect();
            let near = nearest(name, tests.iter().map(String::as_str));
            return Err(format!("{place} has no station {name:?}; {near}"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_nothing_holds_has_no_places_but_a_reason() {
        let lacks =
            |name: &str| UpstreamTest { name: name.to_owned(), held: Vec::new(), lacking: Some("no vrf".to_owned()) };
        let suite = UpstreamSuite { name: "s".to_owned(), tests: vec![lacks("one"), lacks("other")] };
        match suite.places() {
            Err(Failure::Usage(why)) => assert_eq!(why, "nothing holds upstream's s here: no vrf"),
            other => panic!("it has places: {other:?}"),
        }
    }
}
