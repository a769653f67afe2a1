//! One cluster, formed and judged by every check in this process: what the command that tries faults runs many times.

use std::process::ExitCode;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::testkit_command;
use testkit::cli::{Catalogue, Failure};
use testkit::cli::{Cells, checks};
use testkit::cluster::{self, Order, Site};
use testkit::config::Config;
use testkit::expect::Verdict;
use testkit::plan::Variant;
use testkit::report::chain;
use testkit::session::Run;

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trial {
    /// How long it took, in seconds.
    pub(super) seconds: f32,
    /// Why there is no cluster, where there is none.
    pub(super) error: Option<String>,
    /// What every check says of the cluster.
    pub(super) verdicts: Vec<Verdict>,
}

/// Forms the cluster of a cell, judges it, and prints the outcome as JSON. The reaper removes it.
pub(super) async fn trial(
    config: Config,
    catalogue: &Catalogue,
    name: &str,
    members: Option<usize>,
) -> Result<ExitCode, Failure> {
    let cell = Cells::of(catalogue)?.find(name)?;
    let run = Run::start(&config).await.map_err(Failure::usage)?;
    let dir = run.cell_dir(name).map_err(Failure::usage)?;
    let site = Site::open(config, run, &testkit_command()?).await.map_err(Failure::usage)?;
    let started = Instant::now();
    let variant = Variant { members, ..Variant::default() };
    let (error, verdicts) =
        match cluster::provision(&site, Order { cell: &cell, options: catalogue.options, variant: &variant }, &dir)
            .await
        {
            Err(error) => (Some(chain(&error)), Vec::new()),
            Ok(manifest) => {
                let mut verdicts = Vec::new();
                for check in checks(catalogue, &manifest.plan) {
                    verdicts.push(check.judge(&site.client, &manifest).await?);
                }
                (None, verdicts)
            }
        };
    let trial = Trial { seconds: started.elapsed().as_secs_f32(), error, verdicts };
    println!("{}", serde_json::to_string(&trial).map_err(Failure::usage)?);
    Ok(ExitCode::SUCCESS)
}
