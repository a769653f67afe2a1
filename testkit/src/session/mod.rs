//! A run, what it made, and the promise that nothing of it stays.
//!
//! Knows LXD, and nothing of OVN. [`Run`] is one runner's run; a [`lease`] is one test's right to a cluster;
//! the [`Ledger`] and the [`Tags`] say what belongs to whom; the reaper and the sweep remove it.

pub mod lease;
mod ledger;
mod lock;
mod process;
pub mod reaper;
mod run;
mod runner;
pub mod sweep;
mod tags;
mod turn;

pub use ledger::{Kind, Ledger, LedgerError, Made};
pub use process::Process;
pub use run::{Run, RunError, RunId};
pub use runner::RunnerError;
pub use tags::{OWNER, Tags, key};
pub use turn::Turn;
