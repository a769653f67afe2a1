//! The report of a run: one HTML file for a person, one JSON record for a program.

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::Failure;
use super::output::{complain, show};
use crate::config::Config;
use crate::record::schema::RunState;
use crate::record::{self, Record, Together};

/// Which run to report, and how.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// The run's id or how it begins; the latest when not given.
    run: Option<String>,
    /// `html` writes the report and prints its path; `json` prints the record.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Show the report in the browser.
    #[arg(long)]
    open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Html,
    Json,
}

/// Puts the record of a run together and writes it with its report.
pub(super) fn report(config: &Config, args: &ReportArgs) -> Result<ExitCode, Failure> {
    if args.open && args.format == Format::Json {
        return Err(Failure::Usage("--open shows the report, which is HTML; leave out --format json".to_owned()));
    }
    let dir = record::find(&config.out_dir, args.run.as_deref()).map_err(Failure::usage)?;
    if let Some(together) = Together::find(&dir).map_err(Failure::usage)? {
        let (side, report) = record::write_together(&dir, &together).map_err(Failure::usage)?;
        return present(&side, &report, args);
    }
    let (record, report) = record::write(&dir).map_err(Failure::usage)?;
    note_state(&record);
    present(&record, &report, args)
}

/// Prints what is told to programs, or where what is told to people is.
fn present(record: &impl Serialize, report: &Path, args: &ReportArgs) -> Result<ExitCode, Failure> {
    match args.format {
        Format::Json => show(&serde_json::to_string_pretty(record).map_err(Failure::usage)?),
        Format::Html => {
            if args.open {
                open(report)?;
            }
            show(&report.display().to_string())
        }
    }
}

/// Says so where a run has not ended, or not by itself.
pub(super) fn note_state(record: &Record) {
    match record.state {
        RunState::Running => complain!("note: run {} is still going; this is how far it has come", record.run),
        RunState::Interrupted => complain!("note: run {} was interrupted; what it left is shown", record.run),
        RunState::Finished => {}
    }
}

/// What `testkit run` says at its end.
pub(super) fn line(record: &Record, report: &Path) -> String {
    let totals = record.totals;
    let counts = format!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    let known = if totals.known == 0 { String::new() } else { format!(", {} known", totals.known) };
    let unfinished =
        if totals.unfinished == 0 { String::new() } else { format!(", {} not finished", totals.unfinished) };
    let datapath = record.datapath.map(|datapath| format!(", {datapath}")).unwrap_or_default();
    format!("report: {} ({counts}{known}{unfinished}{datapath})", report.display())
}

/// Hands the file to the desktop's browser.
fn open(report: &Path) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Usage(format!("failed to open {} with xdg-open: {error}; open the file by hand", report.display()))
    };
    let ran = duct::cmd("xdg-open", [report]).stdout_null().stderr_null().unchecked().run().map_err(|e| failed(&e))?;
    if ran.status.success() { Ok(()) } else { Err(failed(&ran.status)) }
}
