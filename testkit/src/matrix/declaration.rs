//! What an option offers.

use std::collections::BTreeMap;

/// The value chosen for every option, by option name.
pub type Choices = BTreeMap<&'static str, &'static str>;

/// One init option: its name and the values it can take. The first value is the default, which is silent in names.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Name of the option, a Rust identifier: `encap`.
    pub name: &'static str,
    /// Its values; the first is the default.
    pub values: &'static [&'static str],
    /// What a value that is not the default appends to the name of a cell, given everything chosen in that cell.
    pub suffix: fn(value: &str, choices: &Choices) -> String,
}

impl Declaration {
    /// An option with these values, the first being its default. Another value appends `<name>_<value>` to names.
    pub fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values, suffix: |value, _| value.to_owned() }
    }

    /// Has values append something else to names.
    pub fn suffix(mut self, suffix: fn(&str, &Choices) -> String) -> Self {
        self.suffix = suffix;
        self
    }

    /// The value of a cell that says nothing about this option.
    pub fn default_value(&self) -> &'static str {
        self.values.first().copied().unwrap_or_default()
    }
}
