//! The `testkit` command.
//!
//! The framework does not know which init options and checks exist; the binary hands them over in a [`Catalogue`].

mod against;
mod args;
mod bisect;
mod capture;
mod cells;
mod closing;
mod clusters;
mod compare;
mod dist;
mod doctor;
mod evidence;
mod explain;
mod generate;
mod host;
mod images;
mod interrupt;
mod junit;
mod known;
mod log;
mod logs;
mod nextest;
mod output;
mod parity;
mod place;
mod plan;
mod products;
mod programs;
mod releases;
mod report;
mod run;
mod runner;
mod runs;
mod shell_help;
mod status;
mod step;
mod suites;
mod summary;
mod terminal;
mod up;
mod watch;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

pub use cells::{Cells, checks, nearest, shown_plan};
pub use host::lines;
pub use known::KnownFile;
pub use log::init as init_log;
pub use nextest::command as runner;
pub use output::{Format, show};
pub use parity::{Extent, Held, ParityError, ParityFile, UpstreamSuite, UpstreamTest, parity};
pub use programs::Programs;
pub use suites::Suite;

use crate::cluster::ClusterError;
use crate::config::{Config, Layer};
use crate::journey::{Journey, StepKind};
use crate::matrix::{Cell, Matrix, MatrixError};
use crate::plan::InitOption;
use crate::report::chain;
use args::{Args, Command};
use output::complain;

/// What the binary knows and the framework does not.
pub struct Catalogue {
    /// Every init option, in naming order.
    pub options: &'static [&'static dyn InitOption],
    /// The matrix of the options.
    pub matrix: fn() -> Result<Matrix, MatrixError>,
    /// Its core tier.
    pub core: fn(&Matrix) -> Result<Vec<Cell>, MatrixError>,
    /// The journeys.
    pub journeys: &'static [Journey],
    /// Every kind of step.
    pub steps: &'static [StepKind],
    /// The folder of the test targets, which hold the generated lists of suites.
    pub tests: PathBuf,
    /// What holds each of upstream's tests.
    pub parity: ParityFile,
    /// The faults of products that are known.
    pub known: KnownFile,
}

/// How a command ends when it does not end well.
#[derive(Debug)]
pub enum Failure {
    /// Checks failed; they have been reported. Exit code 1.
    Checks,
    /// Usage or environment. Exit code 2.
    Usage(String),
    /// Provisioning. Exit code 3.
    Provisioning(String),
}

impl Failure {
    /// What is wrong with the input or the host, with its causes.
    pub fn usage(error: impl std::error::Error + 'static) -> Self {
        Self::Usage(chain(&error))
    }

    /// What is wrong with the input or the host is usage; the rest is provisioning.
    pub fn cluster(error: ClusterError) -> Self {
        if error.is_usage() { Self::usage(error) } else { Self::provisioning(error) }
    }

    /// What went wrong with making something, with its causes.
    pub fn provisioning(error: impl std::error::Error + 'static) -> Self {
        Self::Provisioning(chain(&error))
    }
}

/// Runs the command with this process's arguments.
///
/// Exit codes: 0 good, 1 checks failed, 2 usage or environment, 3 provisioning failed.
pub fn main(catalogue: &Catalogue) -> ExitCode {
    run(dispatch(Args::parse(), catalogue))
}

/// Runs what a command is to do, says how it failed where it did, and gives the exit code, which is as that of [`main`].
pub fn run(work: impl Future<Output = Result<ExitCode, Failure>>) -> ExitCode {
    init_log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain!("error: failed to start the runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = runtime.block_on(work);
    // A wait for a lock that was given up still sits in a thread; nothing waits for that.
    runtime.shutdown_background();
    let (code, message) = match outcome {
        Ok(code) => return code,
        Err(Failure::Checks) => return ExitCode::from(1),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Provisioning(message)) => (3, message),
    };
    complain!("error: {message}");
    ExitCode::from(code)
}

/// The settings, after saying what is set and means nothing here.
fn settings() -> Result<Config, Failure> {
    let config = Config::resolve(Layer::default()).map_err(Failure::usage)?;
    for notice in &config.notices {
        complain!("note: {notice}");
    }
    Ok(config)
}

async fn dispatch(args: Args, catalogue: &Catalogue) -> Result<ExitCode, Failure> {
    let command = match args.command {
        Command::Generate { check } => {
            dist::refuse_in(&settings()?, "generate")?;
            return generate::generate(catalogue, check);
        }
        Command::Plan(args) => {
            let config = settings()?;
            if let Some((suites, config, json)) = args.placed(&config, catalogue)? {
                return place::place(&config, &suites, json).await;
            }
            return match args.comparison()? {
                Some(comparison) => compare::compare(&config, catalogue, comparison).await,
                None => plan::plan(&config, catalogue, &args),
            };
        }
        Command::Summary(args) => return summary::summary(&settings()?, &args),
        Command::Completions { shell } => return shell_help::completions(shell),
        Command::Man => return shell_help::manual(),
        Command::Reap(args) => return runs::reap(args).await,
        command => command,
    };
    let config = settings()?;
    if matches!(command, Command::Run(_) | Command::Bisect(_) | Command::Up(_)) {
        config.require_writable().map_err(Failure::usage)?;
    }
    match command {
        Command::Generate { .. }
        | Command::Plan(_)
        | Command::Summary(_)
        | Command::Completions { .. }
        | Command::Man
        | Command::Reap(_) => Ok(ExitCode::SUCCESS),
        Command::Run(args) => run::run(config, catalogue, args).await,
        Command::Bisect(args) => bisect::bisect(config, catalogue, &args).await,
        Command::Dist(args) => dist::dist(&config, &args),
        Command::Doctor(args) => doctor::doctor(&config, &args).await,
        Command::Report(args) => report::report(&config, &args),
        Command::Evidence(args) => evidence::evidence(&config, &args),
        Command::Setup { browser: true, .. } => host::browser(),
        Command::Setup { host: true, .. } => host::setup_host(&config).await,
        Command::Setup { .. } => host::setup(&config).await,
        Command::Teardown => host::teardown(&config).await,
        Command::Image { command: args::Image::Build } => images::build(&config).await,
        Command::Image { command: args::Image::Ls { format } } => images::list(&config, format).await,
        Command::Image { command: args::Image::Rm } => images::remove(&config).await,
        Command::Cache { command: args::Cache::Gc } => images::collect_garbage(&config),
        Command::Up(args) => up::up(config, catalogue, &args).await,
        Command::Step(args) => step::step(config, catalogue, &args).await,
        Command::Check { cell, check } => clusters::check(config, catalogue, &cell, check.as_deref()).await,
        Command::Shell { node, command } => clusters::shell(config, catalogue, &node, &command).await,
        Command::Down { cell, all } => clusters::down(config, catalogue, cell.as_deref(), all).await,
        Command::Logs { node, follow } => clusters::logs(config, catalogue, &node, follow).await,
        Command::Capture(args) => capture::capture(config, catalogue, &args).await,
        Command::Status { format } => status::status(&config, format).await,
        Command::Sweep { wait, quiet } => runs::sweep(config, wait, quiet).await,
    }
}
