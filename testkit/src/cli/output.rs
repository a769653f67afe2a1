//! Printing what somebody asked to see.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use super::Failure;

/// Says a line on standard output, whose reader may have gone away: what is done does not depend on it.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// The same on standard error.
macro_rules! complain {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

pub(super) use {complain, say};

/// How to show a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints a text with a newline at its end. A reader that has seen enough, as in `testkit plan | head`, is no failure.
///
/// # Errors
/// When it cannot be printed.
pub fn show(text: &str) -> Result<ExitCode, Failure> {
    // Colours are for terminals whose user has not asked for none (`NO_COLOR`).
    let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
    // Tables are padded to the width of their longest row.
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    match writeln!(out, "{}", lines.join("\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Usage(format!(
            "failed to write to standard output; have it go where there is room\n  caused by: {error}"
        ))),
        _ => Ok(ExitCode::SUCCESS),
    }
}
