//! The faults of products that are known, as the catalogue hands them over.

use super::cells::{Cells, nearest};
use super::{Catalogue, Failure};
use crate::cluster;
use crate::known::{KnownError, KnownFault, Signature};

/// The list, as the catalogue hands it over.
#[derive(Debug, Clone, Copy)]
pub struct KnownFile {
    /// Its name, for messages: `suites/known.toml`.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

impl KnownFile {
    /// Its entries. Whether there are the cells and checks that they name is not looked at.
    ///
    /// # Errors
    /// When it is no such list; the error names the line.
    pub fn read(&self) -> Result<Vec<KnownFault>, KnownError> {
        KnownFault::parse(self.name, self.text)
    }
}

/// The entries of the catalogue's list.
///
/// # Errors
/// When it is no such list, or names a cell, a journey or a check that there is not.
pub(super) fn of(catalogue: &Catalogue, cells: &Cells) -> Result<Vec<KnownFault>, Failure> {
    let file = catalogue.known;
    let all = file.read().map_err(Failure::usage)?;
    for fault in &all {
        let refused = |problem: String| {
            let problem = format!("{}: {problem}", fault.told.name);
            Failure::usage(KnownError { file: file.name.to_owned(), line: fault.line, problem })
        };
        for place in &fault.places {
            if cells.find_journey(place).is_none()
                && let Err(failure) = cells.find_or_suggest(place)
            {
                return Err(match failure {
                    Failure::Usage(problem) => refused(problem),
                    other => other,
                });
            }
        }
        if let Signature::Check { check, .. } = &fault.signature {
            let names = || cluster::checks().map(|check| check.name);
            if !names().any(|name| name == check) {
                return Err(refused(format!("there is no check {check:?}; {}", nearest(check, names()))));
            }
        }
    }
    Ok(all)
}
