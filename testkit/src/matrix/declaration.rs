//! What an option offers.

use std::collections::BTreeMap;

use super::Place;

/// The value chosen for every option, by option name.
pub type Choices = BTreeMap<&'static str, &'static str>;

/// What a value that is not the default appends to the name of a cell, given everything chosen in that cell.
pub type Suffix = fn(value: &str, choices: &Choices) -> String;

/// One init option: its name and the values it can take.
///
/// The first value is the default, so a default that is not a value cannot be declared. Defaults are silent in names.
/// New values are appended: cells that were selected before then stay selected as far as possible.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Name of the option: lower-case letters, digits and underscores, a letter first. `encap`.
    pub name: &'static str,
    /// Its values, of the same characters; the first is the default.
    pub values: &'static [&'static str],
    /// Where it is declared.
    pub place: Place,
    suffix: Option<Suffix>,
}

impl Declaration {
    /// An option with at least one value, the default first. A value that is not the default appends `<name>_<value>` to
    /// a cell's name.
    ///
    /// Nothing is checked here; [`Matrix::new`](super::Matrix::new) does, and names this line.
    #[track_caller]
    pub const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values, place: Place::caller(), suffix: None }
    }

    /// The same option, of which a value that is not the default appends what `suffix` returns.
    pub const fn suffix(self, suffix: Suffix) -> Self {
        Self { suffix: Some(suffix), ..self }
    }

    /// The value of a cell that says nothing about this option.
    pub fn default_value(&self) -> &'static str {
        self.values.first().copied().unwrap_or_default()
    }

    /// What `value`, which is not the default, appends to the name of a cell in which `choices` were made.
    pub(super) fn name_part(&self, value: &str, choices: &Choices) -> String {
        self.suffix.map_or_else(|| format!("{}_{value}", self.name), |suffix| suffix(value, choices))
    }
}
