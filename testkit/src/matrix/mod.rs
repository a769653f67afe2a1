//! The declared init options, their values, and the cells that combine them.
//!
//! Pure, and ignorant of LXD: a [`Declaration`] says what may be chosen, a [`Cell`] is one choice for every option,
//! and its [`CellId`] is the name of the suite that tests it.

mod cell;
mod constraint;
mod declaration;
#[path="matrix.rs"]
mod inner;

pub use cell::{Cell, CellId, MatrixError};
pub use constraint::{Constraint, Term};
pub use inner::{Matrix, Tier};
pub use declaration::{Choices, Declaration};
