//! What is wrong with a matrix, or with a choice from it.

use std::fmt;

use super::constraint::Reason;
use super::{CellId, Place};

/// A matrix that cannot be, or a choice that it does not allow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MatrixError {
    /// The option is not declared.
    #[error("unknown option {option:?}; the options are {known}{}", suggestion(.nearest))]
    UnknownOption {
        /// What was named.
        option: String,
        /// The declared names, comma-separated.
        known: String,
        /// The declared name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The option has no such value.
    #[error("option {option:?} has no value {value:?}; its values are {known}{}", suggestion(.nearest))]
    UnknownValue {
        /// The option.
        option: &'static str,
        /// What was asked for.
        value: String,
        /// The declared values, comma-separated.
        known: String,
        /// The declared value that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A constraint forbids the choice.
    #[error("no cell {id}: {reason}")]
    Forbidden {
        /// The name the cell would have.
        id: CellId,
        /// The first constraint that it violates.
        reason: Reason,
    },
    /// The declarations or the constraints are wrong.
    #[error("the matrix cannot be used{}", lines(.0))]
    Invalid(
        /// Everything that was found, at least one problem.
        Vec<Problem>,
    ),
}

/// One thing that is wrong with declarations or constraints.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum Problem {
    /// Two options have one name.
    #[error("{place}: option {option:?} is declared twice; first at {first}")]
    DuplicateOption { option: &'static str, place: Place, first: Place },
    /// An option without a default.
    #[error("{place}: option {option:?} has no values; the first one is the default")]
    NoValues { option: &'static str, place: Place },
    /// More values than are supported.
    #[error("{place}: option {option:?} has {count} values; {most} are supported")]
    TooManyValues { option: &'static str, count: usize, most: usize, place: Place },
    /// A value is there twice.
    #[error("{place}: option {option:?} has value {value:?} twice")]
    DuplicateValue { option: &'static str, value: &'static str, place: Place },
    /// The values of cells apart are not the last ones.
    #[error("{place}: option {option:?} has {apart} apart, which must be its last values, and not all of them")]
    NotLast { option: &'static str, apart: String, place: Place },
    /// The name of an option is no identifier.
    #[error("{place}: option {option:?} must be named by a lower-case letter and then letters, digits and underscores")]
    OptionName { option: &'static str, place: Place },
    /// A value cannot be part of an identifier.
    #[error("{place}: value {value:?} of option {option:?} must consist of lower-case letters, digits and underscores")]
    ValueName { option: &'static str, value: &'static str, place: Place },
    /// A constraint names an option that is not declared.
    #[error("{}: constraint {:?} names unknown option {option:?}; the options are {known}{}",
        .reason.place, .reason.why, suggestion(.nearest))]
    UnknownOption { option: &'static str, known: String, nearest: Option<&'static str>, reason: Reason },
    /// A constraint names a value that its option does not have.
    #[error("{}: constraint {:?} names unknown value {value:?} of option {option:?}; its values are {known}{}",
        .reason.place, .reason.why, suggestion(.nearest))]
    UnknownValue {
        option: &'static str,
        value: &'static str,
        known: String,
        nearest: Option<&'static str>,
        reason: Reason,
    },
    /// A constraint lacks `when` or `then`, or a term of it lacks values.
    #[error("{}: constraint {:?} has no {missing}", .reason.place, .reason.why)]
    Incomplete { missing: String, reason: Reason },
    /// The constraints contradict each other, or forbid what must be possible.
    #[error("{subject} is possible: these constraints together forbid it, and no fewer do{}", lines(.reasons))]
    Contradiction { subject: Subject, reasons: Vec<Reason> },
    /// Two valid cells have one name.
    #[error("cells {first} and {second} are both named {id}; a suffix must tell them apart{}", lines(.places))]
    IdClash { id: CellId, first: String, second: String, places: Vec<Place> },
    /// A suffix is no part of an identifier.
    #[error(
        "{place}: option {option:?} names its value {value:?} {suffix:?}, which is not lower-case letters, digits \
        and underscores"
    )]
    SuffixName { option: &'static str, value: &'static str, suffix: String, place: Place },
    /// More valid cells than can be named.
    #[error("the matrix has more than {most} valid cells; fewer options or more constraints are needed")]
    TooManyCells { most: usize },
}

/// What a contradiction makes impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum Subject {
    /// Any cell.
    NoCell,
    /// Any cell with this value.
    NoCellWith { option: &'static str, value: &'static str, place: Place },
    /// The cell in which every option has its default.
    NotTheDefaultCell,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCell => f.write_str("no cell"),
            Self::NoCellWith { option, value, place } => write!(f, "{place}: no cell with {option}={value}"),
            Self::NotTheDefaultCell => f.write_str("no cell in which every option has its default"),
        }
    }
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default()
}

/// Each item on a line of its own, indented.
fn lines<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  {}", item.to_string().replace('\n', "\n  "))).collect()
}
