//! Preparing the host and the images.

use std::process::ExitCode;
use std::time::Instant;

use super::output::{complain, say};
use super::watch::{Spinner, on_terminal};
use super::{Failure, output, runs};
use crate::config::Config;
use crate::{cluster, host};

/// Shows what is being done: as one line that changes in place on a terminal, which goes when this is dropped, and
/// elsewhere as a line each, with the seconds since the start.
pub fn lines() -> impl FnMut(&str) + Send {
    let started = Instant::now();
    let bar = on_terminal().then(Spinner::new);
    move |text: &str| match &bar {
        Some(bar) => bar.say(text),
        None => complain!("{:7.1} s  {text}", started.elapsed().as_secs_f64()),
    }
}

/// Prepares the host.
pub(super) async fn setup(config: &Config) -> Result<ExitCode, Failure> {
    output::show(&prepare(config).await?)
}

/// Prepares the host; what there is to say of it, a line each.
pub(super) async fn prepare(config: &Config) -> Result<String, Failure> {
    let options = host::options(config).map_err(Failure::usage)?;
    let report = host::setup(&options, &mut lines()).await.map_err(Failure::usage)?;
    let mut said = report.changes;
    said.extend(report.advice.iter().map(|advice| format!("note: {advice}")));
    said.push(format!(
        "{} {} is ready: project {}, pool {} on {}, bridge {} with {}",
        report.daemon,
        report.lxd_version,
        options.project,
        options.pool,
        report.pool_driver,
        options.bridge,
        report.subnet
    ));
    Ok(said.join("\n"))
}

/// Prepares what only root can of the host.
pub(super) async fn setup_host(config: &Config) -> Result<ExitCode, Failure> {
    let options = host::options(config).map_err(Failure::usage)?;
    let part = host::setup_host(&options, &mut lines()).await.map_err(Failure::usage)?;
    let mut said = part.changes;
    said.extend(part.advice.iter().map(|advice| format!("note: {advice}")));
    said.push("the host is ready; the rest takes no root: `testkit setup`".to_owned());
    output::show(&said.join("\n"))
}

/// Installs what the tests of the report look at it with.
pub(super) fn browser() -> Result<ExitCode, Failure> {
    if let Some(package) = host::ensure_browser(&mut lines()).map_err(Failure::usage)? {
        say!("installed {package}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The members of the LXD cluster, none where LXD is no cluster.
///
/// # Errors
/// When suites could not be run there, before anything is made for them: LXD cannot be used, or the cluster is not whole.
pub(super) async fn require_whole(config: &Config) -> Result<Vec<String>, Failure> {
    let client = host::connect(config).await.map_err(Failure::usage)?;
    host::require_whole(&client).await.map_err(Failure::usage)
}

/// Puts the host back, once the reapers of runs that have just ended are done with theirs.
pub(super) async fn teardown(config: &Config) -> Result<ExitCode, Failure> {
    let options = host::options(config).map_err(Failure::usage)?;
    runs::reapers(config).await?;
    let removal = host::teardown(&options, &mut lines()).await.map_err(Failure::usage)?;
    for change in &removal.changes {
        say!("{change}");
    }
    for cell in cluster::kept_cells(config) {
        cluster::forget(config, &cell).map_err(Failure::usage)?;
    }
    if removal.changes.is_empty() {
        say!("nothing to remove");
    }
    Ok(ExitCode::SUCCESS)
}
