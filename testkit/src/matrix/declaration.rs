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
    apart: &'static [&'static str],
}

impl Declaration {
    /// An option with at least one value, the default first. A value that is not the default appends `<name>_<value>` to
    /// a cell's name.
    ///
    /// Nothing is checked here; [`Matrix::new`](super::Matrix::new) does, and names this line.
    #[track_caller]
    pub const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values, place: Place::caller(), suffix: None, apart: &[] }
    }

    /// The same option, of which a value that is not the default appends what `suffix` returns.
    pub const fn suffix(self, suffix: Suffix) -> Self {
        Self { suffix: Some(suffix), ..self }
    }

    /// The same option, whose last values are these and make cells that are in a tier of their own and in no other: what the
    /// other tiers select does not depend on them.
    pub const fn apart(self, values: &'static [&'static str]) -> Self {
        Self { apart: values, ..self }
    }

    /// Whether a cell with this value is in a tier of its own.
    pub fn is_apart(&self, value: &str) -> bool {
        self.apart.contains(&value)
    }

    /// The values of its last ones that make cells apart, as they were declared.
    pub(super) const fn values_apart(&self) -> &'static [&'static str] {
        self.apart
    }

    /// The same option without those values; `None` where it is about nothing else, and so silent in every other cell.
    pub(super) fn ordinary(&self) -> Option<Self> {
        let values = &self.values[..self.values.len().saturating_sub(self.apart.len())];
        let chooses = self.apart.is_empty() || values.len() > 1;
        chooses.then_some(Self { values, apart: &[], ..*self })
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
