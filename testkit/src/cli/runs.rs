//! Runs and what they leave: sweep, reap.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::output::{complain, say};
use crate::config::{Config, Layer};
use crate::folder::RunFolder;
use crate::host;
use crate::report::chain;
use crate::session::reaper::{self, ReaperError};
use crate::session::sweep::{SweepError, Target, sweep as sweep_objects, sweep_undone};
use crate::session::{Process, RunId};

/// Removes what dead runs left; with `wait`, first lets the reapers of ended runs finish.
pub(super) async fn sweep(config: Config, wait: bool, quiet: bool) -> Result<ExitCode, Failure> {
    if wait {
        reapers(&config).await?;
    }
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    let swept = sweep_objects(&client, &Target::Abandoned, None).await;
    let mut swept = swept.map_err(Failure::provisioning)?;
    let undone = sweep_undone(&client, &reaper::ledgers_of_the_dead(&config.out_dir)).await;
    swept.networks.extend(undone.map_err(Failure::provisioning)?);
    if !swept.is_empty() || !quiet {
        say!("removed {swept}");
    }
    // What waits for a member of an LXD cluster is no failure: the others are clean.
    Ok(ExitCode::SUCCESS)
}

/// Lets the reapers of ended runs finish.
pub(super) async fn reapers(config: &Config) -> Result<(), Failure> {
    reaper::ended(&config.out_dir).await.map_err(|error| match error {
        late @ ReaperError::AtWork(_) => Failure::provisioning(late),
        error => Failure::usage(error),
    })
}

/// What the detached reaper is to do, of a run or of one cell.
#[derive(Debug, clap::Args)]
pub(super) struct ReapArgs {
    #[arg(long)]
    run: String,
    #[arg(long)]
    runner: Process,
    #[arg(long)]
    dir: PathBuf,
    /// Only this cell, and at once.
    #[arg(long)]
    cell: Option<String>,
    /// Start another process that does it, below nobody, and end.
    #[arg(long)]
    apart: bool,
}

/// The detached reaper, of a run or of one cell.
pub(super) async fn reap(args: ReapArgs) -> Result<ExitCode, Failure> {
    let ReapArgs { run, runner, dir, cell, apart } = args;
    let run = RunId::new(run).ok_or_else(|| Failure::Usage("not a run id".into()))?;
    let orders = reaper::Orders { run, runner, folder: RunFolder::new(&dir), cell };
    if apart {
        orders.step_apart().map_err(Failure::usage)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
    let connect = async || host::connect(&config).await.map_err(|error| SweepError::Connect(Box::new(error)));
    let reaped = match orders.cell.clone() {
        Some(cell) => reaper::remove_cell(&orders, cell, connect).await,
        None => reaper::reap(&orders, connect).await,
    };
    match reaped {
        Ok(swept) => {
            complain!("removed {swept}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(Failure::Provisioning(chain(&error))),
    }
}
