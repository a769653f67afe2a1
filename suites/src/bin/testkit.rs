//! The `testkit` command: the framework's, with this crate's init options and checks.

use std::process::ExitCode;

fn main() -> ExitCode {
    testkit::cli::main(&suites::catalogue())
}
