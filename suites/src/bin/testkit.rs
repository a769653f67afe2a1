//! The `testkit` command: the framework's, with this crate's init options and checks.

use std::process::ExitCode;

use suites::{checks, options};
use testkit::cli::{self, Catalogue, CheckInfo};

fn main() -> ExitCode {
    cli::main(&Catalogue {
        options: options::OPTIONS,
        cells: options::core_cells,
        checks: checks::checks().map(|check| CheckInfo { name: check.name, about: check.about }).collect(),
        generated: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/init/cells.rs").into(),
    })
}
