//! Matrices as tables: `options = [["encap", "default", "ipv4"], …]`, `constraints = [{ why, when, then }]` with terms
//! of the same form, and a choice `choose = { encap = "ipv4" }`.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use testkit::matrix::{Constraint, Declaration, Matrix};
use toml::Table;

use crate::readers::{nothing_else, said, take};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    why: String,
    #[serde(default)]
    when: Vec<Vec<String>>,
    #[serde(default)]
    then: Vec<Vec<String>>,
}

/// The settings are the declarations; there is no other input.
pub(crate) fn declared(_: &[u8], with: &mut Table) -> Result<(), String> {
    let declare = |words: Vec<String>| {
        let (name, values) = term(words);
        Declaration::new(name, values)
    };
    let constrain = |rule: Rule| {
        let mut constraint = Constraint::new(leak(rule.why));
        for (option, values) in rule.when.into_iter().map(term) {
            constraint = constraint.when(option, values);
        }
        for (option, values) in rule.then.into_iter().map(term) {
            constraint = constraint.then(option, values);
        }
        constraint
    };
    let mut options: Vec<Vec<String>> = take(with, "options").unwrap_or_default();
    if let Some(pairs) = take::<usize>(with, "pairs") {
        options.extend((1..=pairs).map(|n| vec![format!("option{n}"), "a".to_owned(), "b".to_owned()]));
    }
    if let Some(values) = take::<usize>(with, "values") {
        options.push(std::iter::once("many".to_owned()).chain((1..=values).map(|n| format!("v{n}"))).collect());
    }
    let rules: Vec<Rule> = take(with, "constraints").unwrap_or_default();
    let chosen: BTreeMap<String, String> = take(with, "choose").unwrap_or_default();
    nothing_else(with);
    let place = Regex::new(r"[\w./-]+\.rs:\d+(:\d+)?").expect("a pattern");
    let made = Matrix::new(options.into_iter().map(declare).collect(), rules.into_iter().map(constrain).collect());
    let chosen: Vec<(&str, &str)> = chosen.iter().map(|(option, value)| (option.as_str(), value.as_str())).collect();
    said(made.and_then(|matrix| matrix.cell(&chosen)))
        .map_err(|error| place.replace_all(&error, "<place>").into_owned())
}

fn term(words: Vec<String>) -> (&'static str, &'static [&'static str]) {
    let words: &'static [&'static str] = Vec::leak(words.into_iter().map(leak).collect());
    words.split_first().map_or(("", words), |(name, values)| (*name, values))
}

/// Declarations are constants everywhere else.
fn leak(text: String) -> &'static str {
    String::leak(text)
}
