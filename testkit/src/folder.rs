//! The folders that runs leave: every path in them, which document is where, and the one way to read a document and to
//! write it whole.
//!
//! ```text
//! target/testkit/<run>/            a run ([`RunFolder`])
//!   run.json host.json record.json report.html junit.xml again.jsonl
//!   runner open.lock arm.lock reaper.lock reaper.log ledger.jsonl turns/ <found out once>.json   of its first round
//!   <cell>/                        a cell of it ([`CellFolder`])
//!     cell.json plan.json progress.json timeline.jsonl manifest.json failure.json checks/<check>.json
//!     journey.json stations/<n>.json stopped.json   of a journey
//!     started lease.lock
//!     <member>/                    evidence
//! target/testkit/evidence-<run>.tar.gz  a run for who was not there
//! target/testkit/kept/<cell>.json  a cluster that outlives its run
//! ```

mod cell;
mod document;
mod run;

use std::path::{Path, PathBuf};

pub use cell::{CellDocument, CellFolder, OfCell};
pub use document::{FolderError, files, kind, read, write, write_new, write_text, write_with};
pub use run::{OfRun, RunDocument, RunFolder};

/// The folder of what is recorded of clusters that outlive their runs, one document each.
pub fn kept(out_dir: &Path) -> PathBuf {
    out_dir.join("kept")
}
