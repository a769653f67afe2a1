//! The declared init options, their values, what they require of each other, and the cells that combine them.
//!
//! Pure, and ignorant of LXD: a [`Declaration`] says what may be chosen, a [`Constraint`] what may not be combined, a
//! [`Cell`] is one choice for every option, and its [`CellId`] is the name of the suite that tests it. A [`Matrix`] holds
//! all of them, and selects for each [`Tier`] the cells that are run.

mod cell;
mod constraint;
mod coverage;
pub mod covering;
mod declaration;
mod error;
mod id;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod matrix;
mod ordinary;
mod place;
mod tier;
mod validation;

pub use cell::Cell;
pub use constraint::{Constraint, Reason, Term};
pub use coverage::{Coverage, Excluded, Tuple};
pub use declaration::{Choices, Declaration, Suffix};
pub use error::{MatrixError, Problem, Subject};
pub use id::CellId;
pub use matrix::Matrix;
pub use place::Place;
pub use tier::{Tier, UnknownTier};
