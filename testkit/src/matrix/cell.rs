//! One combination of values, and its name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Choices, Declaration};

/// The prefix of every cell's name: all of them form a cluster by `init`.
const STEM: &str = "init_cluster";

/// The name of a cell, and so of its suite: `init_cluster_ipv6_custom_encap`. A Rust identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellId(String);

impl CellId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as part of a DNS label, the form instance names use: `init-cluster-ipv6`.
    pub fn hyphenated(&self) -> String {
        self.0.replace('_', "-")
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One value for every option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    id: CellId,
    choices: Choices,
}

/// A choice that the declarations do not allow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MatrixError {
    /// The option is not declared.
    #[error("unknown option {option:?}; the options are {known}")]
    UnknownOption {
        /// What was named.
        option: String,
        /// The declared names, comma-separated.
        known: String,
    },
    /// The option has no such value.
    #[error("option {option:?} has no value {value:?}; its values are {known}")]
    UnknownValue {
        /// The option.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// The declared values, comma-separated.
        known: String,
    },
}

impl Cell {
    /// The cell in which the named options have the named values and every other option its default.
    ///
    /// # Errors
    /// When an option or a value is not declared.
    pub fn new(declarations: &[Declaration], chosen: &[(&str, &str)]) -> Result<Self, MatrixError> {
        let mut choices: Choices = declarations.iter().map(|d| (d.name, d.default_value())).collect();
        for (option, value) in chosen {
            let declaration = declarations.iter().find(|d| d.name == *option).ok_or_else(|| {
                let known = declarations.iter().map(|d| d.name).collect::<Vec<_>>().join(", ");
                MatrixError::UnknownOption { option: (*option).to_owned(), known }
            })?;
            let value = declaration.values.iter().find(|v| *v == value).ok_or_else(|| MatrixError::UnknownValue {
                option: declaration.name,
                value: (*value).to_owned(),
                known: declaration.values.join(", "),
            })?;
            choices.insert(declaration.name, value);
        }
        let mut id = STEM.to_owned();
        for declaration in declarations {
            let value = choices[declaration.name];
            if value != declaration.default_value() {
                id.push('_');
                id.push_str(&(declaration.suffix)(value, &choices));
            }
        }
        Ok(Self { id: CellId(id), choices })
    }

    /// The cell's name.
    pub fn id(&self) -> &CellId {
        &self.id
    }

    /// What was chosen for every option.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The value of one option; empty for an option that is not declared.
    pub fn value(&self, option: &str) -> &'static str {
        self.choices.get(option).copied().unwrap_or_default()
    }
}
