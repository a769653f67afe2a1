//! Help in other places than the command itself: completions of shells and the manual page.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use super::{Failure, output};

/// Prints the completions for a shell.
pub(super) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "testkit", &mut script);
    output::show(&String::from_utf8_lossy(&script))
}

/// Prints the manual page in roff.
pub(super) fn manual() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(Failure::usage)?;
    output::show(&String::from_utf8_lossy(&page))
}
