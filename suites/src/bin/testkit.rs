//! The `testkit` command: the framework's, with this crate's init options and checks.

use std::process::ExitCode;

use suites::{checks, options};
use testkit::cli::{self, Catalogue, CheckInfo};

fn main() -> ExitCode {
    let checks = checks::checks().map(|check| CheckInfo {
        name: check.name,
        about: check.about,
        applies: check.applies,
        live: check.live(),
    });
    cli::main(&Catalogue {
        options: options::OPTIONS,
        matrix: options::matrix,
        core: options::core,
        checks: checks.collect(),
        faults: concat!(env!("CARGO_MANIFEST_DIR"), "/faults.toml").into(),
        sequential: concat!(env!("CARGO_MANIFEST_DIR"), "/compare/sequential.sh").into(),
        tests: concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(),
    })
}
