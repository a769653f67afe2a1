//! The file that says what holds each of upstream's tests, as it is written.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::ParityError;
use crate::written;

/// Tests by name, or suites; what is read is in the order of the file.
type Named<T> = BTreeMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Tests that several suites have, by the name of the file that upstream has them in.
    #[serde(default)]
    shared: Named<Named<Row>>,
    suite: Named<Entry>,
}

/// A suite.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The cells or journeys that hold its tests, where a test says no other.
    #[serde(default, rename = "in")]
    places: Words,
    /// The stations, where a test says no other.
    #[serde(default)]
    at: Words,
    /// Which shared tests it has.
    #[serde(default)]
    shared: Vec<Spanned<String>>,
    /// Its own, and those that it has otherwise than they are shared.
    #[serde(default)]
    tests: Named<Row>,
    /// Why nothing holds those of its tests of which no more is said.
    because: Option<String>,
}

/// A test: the checks alone, or all that there is to say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Value")]
struct Row(Told);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default, rename = "in")]
    places: Words,
    #[serde(default)]
    at: Words,
    #[serde(default)]
    by: Words,
    /// What of it nothing holds.
    but: Option<String>,
    /// Why nothing holds it.
    because: Option<String>,
}

/// One word or several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Value")]
struct Words(Vec<String>);

/// What the file says of one test, with nothing left to be looked up in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) suite: String,
    pub(super) test: String,
    /// Where it is written.
    pub(super) line: usize,
    pub(super) places: Vec<String>,
    pub(super) at: Vec<String>,
    pub(super) by: Vec<String>,
    /// What of it is not held, or why nothing of it is.
    pub(super) lacking: Option<String>,
}

/// Reads the file; `name` is for messages. The suites and their tests are in its order.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<Claim>, ParityError> {
    let line = |span: Range<usize>| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
    let error = |span, problem: String| ParityError { file: name.to_owned(), line: line(span), problem };
    let file: File =
        toml::from_str(text).map_err(|wrong| error(wrong.span().unwrap_or(0..0), written::problem(&wrong)))?;
    let mut claims = Vec::new();
    for (suite, entry) in in_order(&file.suite) {
        for (test, row) in tests(&file, suite, entry, error)? {
            let claim = claim(suite, entry, test, row, line(test.span()));
            claims.push(
                claim.map_err(|problem| {
                    error(test.span(), format!("{} {}: {problem}", suite.as_ref(), test.as_ref()))
                })?,
            );
        }
    }
    Ok(claims)
}

/// The tests of a suite: the shared ones, in their order, each as the suite says itself where it does; then its own.
fn tests<'a>(
    file: &'a File,
    suite: &Spanned<String>,
    entry: &'a Entry,
    error: impl Fn(Range<usize>, String) -> ParityError,
) -> Result<Vec<(&'a Spanned<String>, &'a Row)>, ParityError> {
    let mut tests: Vec<(&Spanned<String>, &Row)> = Vec::new();
    for group in &entry.shared {
        let Some(shared) = file.shared.get(group) else {
            let near = super::nearest(group.as_ref(), file.shared.keys().map(|name| name.as_ref().as_str()));
            let (suite, group_name) = (suite.as_ref(), group.as_ref());
            return Err(error(group.span(), format!("{suite}: no tests are shared as {group_name:?}; {near}")));
        };
        tests.extend(in_order(shared));
    }
    for (test, row) in in_order(&entry.tests) {
        match tests.iter_mut().find(|(name, _)| *name == test) {
            Some(shared) => *shared = (test, row),
            None => tests.push((test, row)),
        }
    }
    if tests.is_empty() {
        return Err(error(suite.span(), format!("{}: it has no tests; name them all", suite.as_ref())));
    }
    Ok(tests)
}

fn claim(
    suite: &Spanned<String>,
    entry: &Entry,
    test: &Spanned<String>,
    Row(row): &Row,
    line: usize,
) -> Result<Claim, String> {
    let or_else = |own: &Words, suites: &Words| if own.0.is_empty() { suites.0.clone() } else { own.0.clone() };
    let judged = !row.by.0.is_empty();
    if row.but.as_ref().is_some_and(|but| but.trim().is_empty()) {
        return Err("`but` says nothing; say what of it nothing holds, or leave it out".to_owned());
    }
    match (judged, &row.but, &row.because) {
        (true, _, Some(_)) => {
            return Err("something holds it, so there is no `because`; what is not held of it is `but`".to_owned());
        }
        (false, Some(_), _) => return Err("nothing holds it, so why that is so is `because`, not `but`".to_owned()),
        _ => {}
    }
    let held = judged && !(row.places.0.is_empty() && entry.places.0.is_empty());
    let because = row.because.as_ref().or(entry.because.as_ref()).filter(|reason| !reason.trim().is_empty());
    let lacking = match held {
        true => row.but.as_ref(),
        false => {
            Some(because.ok_or("nothing holds it; say by what checks and in which cell or journey, or `because`")?)
        }
    };
    let (places, at, by) = match held {
        true => (or_else(&row.places, &entry.places), or_else(&row.at, &entry.at), row.by.0.clone()),
        false => Default::default(),
    };
    let (suite, test) = (suite.as_ref().clone(), test.as_ref().clone());
    Ok(Claim { suite, test, line, places, at, by, lacking: lacking.cloned() })
}

/// In the order of the file.
fn in_order<T>(named: &Named<T>) -> Vec<(&Spanned<String>, &T)> {
    let mut all: Vec<_> = named.iter().collect();
    all.sort_by_key(|(name, _)| name.span().start);
    all
}

impl TryFrom<Value> for Words {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let word = |value: Value| match value {
            Value::String(word) => Ok(word),
            other => Err(format!("a word or a list of words is expected, and this is {}", other.type_str())),
        };
        match value {
            Value::Array(words) => words.into_iter().map(word).collect::<Result<_, _>>().map(Self),
            one => word(one).map(|word| Self(vec![word])),
        }
    }
}

impl TryFrom<Value> for Row {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Table(table) => table.try_into().map(Self).map_err(|error| written::problem(&error)),
            checks => Ok(Self(Told { by: Words::try_from(checks)?, ..Told::default() })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[shared.looks]
one = "members"
two = { at = ["b", "a"], by = ["members", "services"], but = "not with IPv6" }
three = []

[suite.z]
in = ["downscale", "scaleup"]
at = "formed"
shared = ["looks"]
because = "nobody came to it"
tests.two = "raft"
tests.own = { in = "tls", by = "act" }

[suite.a]
shared = ["looks"]
because = "no cluster"
"#;

    fn told(claim: &Claim) -> String {
        let Claim { suite, test, line, places, at, by, lacking } = claim;
        format!("{line} {suite} {test}: {places:?} {at:?} {by:?} {}", lacking.as_deref().unwrap_or_default())
    }

    #[test]
    fn a_test_has_what_it_says_itself_and_else_what_its_suite_says() {
        let claims = read("p.toml", GOOD).expect("good");
        let told: Vec<String> = claims.iter().map(told).collect();
        assert_eq!(
            told,
            [
                r#"3 z one: ["downscale", "scaleup"] ["formed"] ["members"] "#,
                r#"12 z two: ["downscale", "scaleup"] ["formed"] ["raft"] "#,
                r#"5 z three: [] [] [] nobody came to it"#,
                r#"13 z own: ["tls"] ["formed"] ["act"] "#,
                r#"3 a one: [] [] [] no cluster"#,
                r#"4 a two: [] [] [] no cluster"#,
                r#"5 a three: [] [] [] no cluster"#,
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, says) in [
            ("[suite.s]\n", "1: s: it has no tests"),
            ("[suite.s]\ntests.t = []\n", "2: s t: nothing holds it; say by what checks"),
            ("[suite.s]\nbecause = \" \"\ntests.t = []\n", "3: s t: nothing holds it; say by what checks"),
            ("[suite.s]\ntests.t = \"members\"\n", "2: s t: nothing holds it; say by what checks and in which cell"),
            ("[suite.s]\ntests.t = {but = \"x\"}\n", "2: s t: nothing holds it, so why that is so is `because`"),
            ("[suite.s]\nin = \"c\"\ntests.t = {by = \"x\", because = \"y\"}\n", "3: s t: something holds it, so"),
            (
                "[suite.s]\nin = \"c\"\ntests.t = {by = \"x\", but = \" \"}\n",
                "3: s t: `but` says nothing; say what of it nothing holds",
            ),
            (
                "[suite.s]\nshared = [\"lokos\"]\n[shared.looks]\n",
                "2: s: no tests are shared as \"lokos\"; the nearest are looks",
            ),
            (
                "[suite.s]\ntests.t = {bye = \"x\"}\n",
                "2: there is no key \"bye\"; there are in, at, by, but, because; the nearest is by",
            ),
            ("[suite.s]\ntests.t = 3\n", "2: a word or a list of words is expected, and this is integer"),
            ("[suite.s]\ntests.t = [\"a\", 3]\n", "2: a word or a list of words is expected, and this is integer"),
            ("[suite.s]\ntests.t = \"a\"\ntests.t = \"b\"\n", "3: duplicate key"),
            ("[sweet.s]\n", "1: there is no key \"sweet\"; "),
        ] {
            let error = read("p.toml", text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("p.toml:{says}")), "{text}: {error}");
        }
    }
}
