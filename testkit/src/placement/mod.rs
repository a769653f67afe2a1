//! Which host a cell goes to, where LXD is a cluster of them: the choice and nothing else. LXD places what it is told to.
//!
//! Pure, so that the choice for one cell, a plan for a tier and a simulation of sixty-four hosts are made by the same code.

mod choice;
mod schedule;
mod spread;

pub use choice::{Need, Place, choose};
pub use schedule::{Schedule, Stay, schedule};
pub use spread::spread;
