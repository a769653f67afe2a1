//! One combination of values.

use super::{CellId, Choices, Declaration, MatrixError};
use crate::nearest::nearest;

/// The prefix of every cell's name: all of them form a cluster by `init`.
const STEM: &str = "init_cluster";

/// One value for every option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    id: CellId,
    choices: Choices,
}

impl Cell {
    /// The cell in which the named options have the named values and every other option its default.
    ///
    /// Knows no constraints; [`Matrix::cell`](super::Matrix::cell) does.
    ///
    /// # Errors
    /// When an option or a value is not declared.
    pub fn new(declarations: &[Declaration], chosen: &[(&str, &str)]) -> Result<Self, MatrixError> {
        let mut choices: Choices = declarations.iter().map(|d| (d.name, d.default_value())).collect();
        for (option, value) in chosen {
            let declaration =
                declarations.iter().find(|d| d.name == *option).ok_or_else(|| MatrixError::UnknownOption {
                    option: (*option).to_owned(),
                    known: declarations.iter().map(|d| d.name).collect::<Vec<_>>().join(", "),
                    nearest: nearest(option, declarations.iter().map(|d| d.name)),
                })?;
            let value = declaration.values.iter().find(|v| *v == value).ok_or_else(|| MatrixError::UnknownValue {
                option: declaration.name,
                value: (*value).to_owned(),
                known: declaration.values.join(", "),
                nearest: nearest(value, declaration.values.iter().copied()),
            })?;
            choices.insert(declaration.name, value);
        }
        Ok(Self::of(declarations, choices))
    }

    /// The cell of `choices`, which has a value for every declaration.
    pub(super) fn of(declarations: &[Declaration], choices: Choices) -> Self {
        let mut id = STEM.to_owned();
        for declaration in declarations {
            let value = choices[declaration.name];
            if value != declaration.default_value() {
                id.push('_');
                id.push_str(&declaration.name_part(value, &choices));
            }
        }
        Self { id: CellId::new(id), choices }
    }

    /// The cell of a row: the number of the value of every declaration.
    pub(super) fn of_row(declarations: &[Declaration], row: &[u8]) -> Self {
        let value =
            |(declaration, value): (&Declaration, &u8)| (declaration.name, declaration.values[usize::from(*value)]);
        Self::of(declarations, declarations.iter().zip(row).map(value).collect())
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
