//! The journal of a member: its lines, and which of them is the product's own first error.
//!
//! Pure: [`parse_journal`] and [`parse_logs`] take what was printed, [`find_cause`] takes lines. The texts are those of
//! systemd, of Go's runtime and of OVS' logging (`lib/vlog.c`), as recorded of members and as their sources print them.

mod cause;
mod line;
mod trace;
mod words;

#[cfg(test)]
mod tests;

pub use cause::{Cause, Gravity, find_cause};
pub use line::{JournalLine, Origin, parse_journal, parse_logs};
pub use words::says_end;
