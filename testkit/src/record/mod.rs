//! The record of a run, and the report that shows it.
//!
//! The processes of a run leave [`parts`](RunPart) in its folder; [`assemble`] puts them together into a [`Record`], while
//! the run is going, when it has ended, and when it was killed; [`html`] shows a record to a person.

mod assemble;
mod changes;
mod closer;
mod facts;
pub mod html;
mod journey;
mod judged;
mod known;
mod live;
mod observed;
mod pack;
mod parts;
mod planned;
mod runs;
pub mod schema;
mod seen;
mod together;
mod transcript;

pub use assemble::{assemble, stages};
pub use closer::closer;
pub use facts::leave_host;
pub use live::CellState;
pub use pack::{Packed, pack};
pub use parts::{CellPart, CheckEnd, CheckPart, RunPart};
pub use runs::{RunsError, find, latest_of_nextest, of_runner, rounds, write};
pub use schema::{Record, SideBySide};
pub use together::{Tested, Together, write_together};
