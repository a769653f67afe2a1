//! Running suites under nextest.

use std::collections::BTreeSet;

use duct::Expression;

use super::Failure;
use super::cells::{Cells, target};
use crate::config::Config;
use crate::matrix::Cell;

/// The runner on the suites of these cells, or on one check of each. Which target holds a suite follows from the
/// lowest tier that its cell is in.
pub(super) fn command(
    config: &Config,
    cells: &Cells,
    chosen: &[Cell],
    check: Option<&str>,
    more: &[String],
) -> Result<Expression, Failure> {
    let names: BTreeSet<&str> = chosen.iter().map(|cell| cell.id().as_str()).collect();
    let mut argv: Vec<String> = ["nextest", "run", "--package", "suites", "--locked"].map(str::to_owned).into();
    for (tier, members) in cells.by_lowest_tier() {
        if members.iter().any(|cell| names.contains(cell.id().as_str())) {
            argv.extend(["--test".to_owned(), target(tier).to_owned()]);
        }
    }
    let names: Vec<&str> = names.into_iter().collect();
    let filter = match check {
        Some(check) => format!("test(/^({})::{check}$/)", names.join("|")),
        None => format!("test(/^({})::/)", names.join("|")),
    };
    argv.extend(["-E".to_owned(), filter]);
    // The state of the cells is shown; a line for every test that passed would hide it.
    if !more.iter().any(|word| word.starts_with("--status-level")) {
        argv.extend(["--status-level".to_owned(), "fail".to_owned()]);
    }
    argv.extend(more.iter().cloned());
    Ok(duct::cmd("cargo", argv).dir(&config.root).unchecked())
}
