//! One combination of values.

use super::{CellId, Choices, Constraint, Declaration, MatrixError};
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
    /// Knows no constraints; [`Cell::allowed`] does.
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

    /// The same, where no constraint forbids it.
    ///
    /// # Errors
    /// When an option or a value is not declared, or a constraint forbids the cell; the error names the constraint.
    pub fn allowed(
        declarations: &[Declaration],
        constraints: &[Constraint],
        chosen: &[(&str, &str)],
    ) -> Result<Self, MatrixError> {
        let cell = Self::new(declarations, chosen)?;
        match constraints.iter().find(|constraint| constraint.is_violated(&cell.choices)) {
            Some(constraint) => Err(MatrixError::Forbidden { id: cell.id, reason: constraint.reason() }),
            None => Ok(cell),
        }
    }

    /// The cell of this name that the constraints allow, if there is one; of none but a [`Matrix`](super::Matrix) it is known
    /// that its declarations make sense. Only cells whose names begin as this one does are looked at, so that what knows its
    /// cell's name need not name all of them. What an option appends to a name may depend on the options before it.
    pub fn named(declarations: &[Declaration], constraints: &[Constraint], id: &str) -> Option<Self> {
        let defaults = declarations.iter().map(|it| (it.name, it.default_value())).collect();
        let allowed = |choices: &Choices| !constraints.iter().any(|constraint| constraint.is_violated(choices));
        let choices = choices_of(declarations, id.strip_prefix(STEM)?, defaults, &allowed)?;
        Some(Self::of(declarations, choices)).filter(|cell| cell.id.as_str() == id)
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

/// The choices that append `rest` to a name: those made already, and some of the options that are left.
fn choices_of(left: &[Declaration], rest: &str, made: Choices, allowed: &dyn Fn(&Choices) -> bool) -> Option<Choices> {
    let Some((declaration, left)) = left.split_first() else {
        return Some(made).filter(|made| rest.is_empty() && allowed(made));
    };
    let default = declaration.default_value();
    declaration.values.iter().find_map(|value| {
        let made = Choices::from_iter(made.iter().map(|(k, v)| (*k, *v)).chain([(declaration.name, *value)]));
        let rest = match *value {
            value if value == default => rest,
            value => rest.strip_prefix('_')?.strip_prefix(declaration.name_part(value, &made).as_str())?,
        };
        choices_of(left, rest, made, allowed)
    })
}
