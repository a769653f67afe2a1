//! Everything of a run in one archive, for a bug report.

use std::process::ExitCode;

use super::Failure;
use super::output::{complain, show};
use super::report::note_state;
use crate::config::Config;
use crate::record::{self, Together};

/// Which run to pack.
#[derive(Debug, clap::Args)]
pub(super) struct EvidenceArgs {
    /// The run's id or how it begins; the latest when not given.
    run: Option<String>,
}

/// Writes the record and the report of a run, packs them with all that it left, and prints where the archive is.
pub(super) fn evidence(config: &Config, args: &EvidenceArgs) -> Result<ExitCode, Failure> {
    let dir = record::find(&config.out_dir, args.run.as_deref()).map_err(Failure::usage)?;
    if let Some(together) = Together::find(&dir).map_err(Failure::usage)? {
        let runs: Vec<String> = together.products.iter().flat_map(|product| &product.runs).cloned().collect();
        return Err(Failure::Usage(format!(
            "{} is several runs, one with each product ({}); name the one to pack",
            together.run,
            runs.join(", ")
        )));
    }
    let (record, _) = record::write(&dir).map_err(Failure::usage)?;
    note_state(&record);
    let packed = record::pack(&dir).map_err(|error| {
        Failure::Usage(format!("failed to pack the evidence of run {}\n  caused by: {error}", record.run))
    })?;
    for (path, why) in &packed.left_out {
        complain!("note: {} is left out: {why}", path.display());
    }
    let size = record::html::size(packed.bytes);
    show(&format!("{} ({size}, {} files)", packed.path.display(), packed.files))
}
