//! The steps that are possible from a state, by their words.

use std::fmt::Write;

use super::super::Catalogue;
use crate::plan::State;

/// Every step that is possible, under its kind. Writing to a String cannot fail.
pub(in super::super) fn possible(catalogue: &Catalogue, state: &State) -> String {
    let mut text = format!("from {state}\n");
    for kind in catalogue.steps {
        let steps = (kind.possible)(state);
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}: {}", kind.name, kind.about);
        let words: Vec<(String, String)> = steps.iter().map(|step| (step.words(), step.about())).collect();
        let width = words.iter().map(|(words, _)| words.len()).max().unwrap_or_default();
        for (words, about) in words {
            let _ = writeln!(text, "  {words:width$}  {about}");
        }
    }
    text
}
