//! What state a cell is in while its run is going.

use std::io;
use std::path::Path;

use super::parts::{CellPart, CheckPart};
use crate::folder::{CellDocument, CellFolder};
use crate::report::{Activity, Progress};

/// The state of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellState {
    /// Nothing is known of it yet.
    Unknown,
    /// Its cluster is being made.
    Making(Activity),
    /// Its journey is under way: what is done, and how many of its stations have ended.
    Going {
        /// What is done.
        step: Activity,
        /// How many have ended.
        ended: usize,
        /// Of how many.
        of: usize,
        /// Those of them that did not pass.
        failed: usize,
    },
    /// Some of its checks have ended.
    Checking {
        /// How many.
        ended: usize,
        /// Of how many.
        of: usize,
        /// Those of them that did not pass.
        failed: usize,
    },
    /// All of its checks have ended.
    Done {
        /// How many.
        of: usize,
        /// Those that did not pass.
        failed: usize,
    },
    /// It is left out.
    Skipped,
}

impl CellState {
    /// The state of the cell whose folder in the run's folder this is, which need not exist.
    ///
    /// # Errors
    /// When what was left there cannot be read.
    pub fn find(cell: &Path) -> io::Result<Self> {
        let part = CellPart::find(cell)?;
        let of = match &part {
            Some(part) if part.skipped.is_some() => return Ok(Self::Skipped),
            Some(part) => part.checks.len(),
            None => 0,
        };
        let checks = CheckPart::all(cell)?;
        let ends = checks.values().filter_map(|check| check.end.as_ref());
        let (mut ended, mut failed) = (0, 0);
        for end in ends {
            ended += 1;
            failed += usize::from(end.failure.is_some() && end.known.is_empty());
        }
        let (step, folder) = (Progress::new(cell).read()?, CellFolder::new(cell));
        Ok(match (ended, step) {
            (0, None) => Self::Unknown,
            (0, Some(step)) => Self::Making(step),
            (ended, Some(step)) if ended < of && folder.document(CellDocument::Journey).exists() => {
                Self::Going { step, ended, of, failed }
            }
            (ended, _) if ended < of => Self::Checking { ended, of, failed },
            _ => Self::Done { of: ended, failed },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::schema::CheckInfo;
    use super::*;
    use crate::clock::Clock;
    use crate::report::Doing;

    #[test]
    fn a_cell_goes_from_nothing_to_all_of_its_checks() {
        let folder = tempfile::tempdir().expect("a folder");
        let cell = folder.path();
        let state = || CellState::find(cell).expect("read");
        assert_eq!(state(), CellState::Unknown);
        let info = |name: &str| CheckInfo { name: name.to_owned(), about: String::new() };
        let part =
            CellPart { choices: BTreeMap::new(), journey: None, checks: vec![info("a"), info("b")], skipped: None };
        part.leave(cell).expect("left");
        let clock = Clock::start();
        let first = CheckPart::begin(cell, "a", clock).expect("begun");
        let second = CheckPart::begin(cell, "b", clock).expect("begun");
        assert_eq!(state(), CellState::Unknown);
        Progress::new(cell).tell(Doing::Forming, "x");
        assert_eq!(state(), CellState::Making(Activity { doing: Doing::Forming, detail: "x".to_owned() }));
        first.end(cell, clock, None, Some("broken")).expect("ended");
        assert_eq!(state(), CellState::Checking { ended: 1, of: 2, failed: 1 });
        second.end(cell, clock, None, None).expect("ended");
        assert_eq!(state(), CellState::Done { of: 2, failed: 1 });
        let known = crate::known::KnownTold {
            name: "a".to_owned(),
            reason: "rain".to_owned(),
            since: "2026-11-30".parse().expect("a day"),
        };
        let third = CheckPart::begin(cell, "a", clock).expect("begun");
        third.end_knowing(cell, clock, None, Some("broken"), vec![known]).expect("ended");
        assert_eq!(state(), CellState::Done { of: 2, failed: 0 }, "what is known is no failure");
    }

    #[test]
    fn a_cell_that_is_left_out_is_neither_waiting_nor_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = CellPart {
            choices: BTreeMap::new(),
            journey: None,
            checks: Vec::new(),
            skipped: Some("lacks rest".to_owned()),
        };
        part.leave(folder.path()).expect("left");
        assert_eq!(CellState::find(folder.path()).expect("read"), CellState::Skipped);
    }
}
